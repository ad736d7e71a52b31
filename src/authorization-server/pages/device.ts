import type { Middleware } from 'koa';
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider';
import type { AccountStore } from '../accounts/account.ts';
import type { DevicePages } from '../flows/device-authorization/device-authorization.ts';
import { type ClientCard, clientCard } from './client-card.ts';
import { askingDevice } from './device-card.ts';
import { codeProblem, isLostForm, normalCode } from './device-problems.ts';
import type { Page } from './page.ts';
import { seeOther } from './see-other.ts';

export interface DevicePagesDeps {
  readonly page: Page;
  readonly findAccount: AccountStore['findAccount'];
  /** Of what has nothing to do with the code. */
  readonly renderError: NonNullable<Configuration['renderError']>;
}

type DeviceCode = NonNullable<KoaContextWithOIDC['oidc']['entities']['DeviceCode']>;

const DEVICE_PAGE = /^\/device\/?$/i;

/**
 * RFC 8628 §3.3.1: an address with the code in it leads straight to the question whether that is the right device. The
 * engine would have the browser post the code by itself, with a script.
 */
export function deviceLink(): Middleware {
  return async (ctx, next) => {
    if (DEVICE_PAGE.test(ctx.path) && ctx.method !== 'POST' && typeof ctx.query.user_code === 'string') {
      ctx.state.userCode = ctx.query.user_code;
      ctx.querystring = '';
    }
    await next();
  };
}

/** `/device`: what a person sees of the device authorization grant. The forms are the engine's, with its secret. */
export function devicePages({ page, findAccount, renderError }: DevicePagesDeps): DevicePages {
  function askForCode(ctx: KoaContextWithOIDC, status: number, code = '', problem?: string): void {
    const t = page.translate(ctx);
    const title = t('device.code.title');
    page.render(
      ctx,
      'device-code',
      { ...formOf(ctx), code, problem },
      {
        title: problem === undefined ? title : t('layout.problem', { title }),
        status,
        withinFlow: true,
        address: ctx.oidc.urlFor('code_verification'),
      },
    );
  }

  async function askWhetherRight(ctx: KoaContextWithOIDC, client: ClientCard, deviceCode: DeviceCode): Promise<void> {
    ctx.state.uiLocales = deviceCode.params?.ui_locales;
    const t = page.translate(ctx);
    const account = await findAccount(ctx.oidc.session?.accountId ?? '');
    const locals = {
      ...formOf(ctx),
      client,
      device: askingDevice(deviceCode),
      account: account && !account.disabled ? { name: account.name, email: account.email } : undefined,
    };
    const title = t('device.confirm.title', { app: client.name });
    const address = `${ctx.oidc.urlFor('code_verification')}?${new URLSearchParams({ user_code: locals.device.code })}`;
    page.render(ctx, 'device-confirm', locals, { title, status: 200, withinFlow: true, logo: client.logo, address });
  }

  /** What the engine does with a code from the form, for one that came with the address. */
  async function openLink(ctx: KoaContextWithOIDC, typed: string): Promise<void> {
    const { DeviceCode, Client } = ctx.oidc.provider;
    const deviceCode = await DeviceCode.findByUserCode(normalCode(typed), { ignoreExpiration: true });
    const client = deviceCode?.clientId === undefined ? undefined : await Client.find(deviceCode.clientId);
    const problem = problemWith(deviceCode, client !== undefined);
    if (deviceCode === undefined || client === undefined || problem !== undefined) {
      return askForCode(ctx, 400, typed, codeProblem({ name: problem ?? 'NotFoundError' }, typed));
    }
    await askWhetherRight(ctx, clientCard(client), deviceCode);
  }

  function done(ctx: KoaContextWithOIDC, outcome: { allowed: boolean; client?: ClientCard | undefined }): void {
    const title = page.translate(ctx)(outcome.allowed ? 'device.connected.title' : 'device.denied.title');
    page.render(ctx, 'device-done', outcome, { title, status: 200 });
  }

  return {
    async userCodeInputSource(ctx, _form, out, error) {
      const typed = typedCode(ctx);
      if (error !== undefined && isLeftUnsaved(ctx) && isLostForm(error)) {
        return beginAgain(ctx, typed);
      }
      if (error === undefined || isLostForm(error)) {
        return typed === '' ? askForCode(ctx, 200) : openLink(ctx, typed);
      }
      if (error.name === 'AbortedError') {
        return done(ctx, { allowed: false });
      }
      const problem = codeProblem(error, typed);
      if (problem === undefined) {
        await renderError(ctx, out ?? { error: 'server_error' }, error);
      } else {
        askForCode(ctx, ctx.status === 200 ? 400 : ctx.status, typed, problem);
      }
    },

    async userCodeConfirmSource(ctx, _form, client) {
      const { DeviceCode: deviceCode } = ctx.oidc.entities;
      if (deviceCode === undefined) {
        throw new TypeError('a device is confirmed once its code is known');
      }
      await askWhetherRight(ctx, clientCard(client), deviceCode);
    },

    async successSource(ctx) {
      done(ctx, { allowed: true, client: ctx.oidc.client && clientCard(ctx.oidc.client) });
    },
  };
}

/**
 * A browser without a session: the engine (9.13.3) gives it a secret when the session has been dealt with already, and
 * then fails to save it.
 */
function isLeftUnsaved({ oidc: { session } }: KoaContextWithOIDC): boolean {
  const unsaved = session !== undefined && session.exp === undefined;
  if (unsaved) {
    Object.assign(session, { touched: false });
  }
  return unsaved;
}

function beginAgain(ctx: KoaContextWithOIDC, typed: string): void {
  const query = typed === '' ? '' : `?${new URLSearchParams({ user_code: typed })}`;
  seeOther(ctx, ctx.oidc.urlFor('code_verification') + query);
}

/** The engine's address and secret of both forms. */
function formOf(ctx: KoaContextWithOIDC) {
  const state = ctx.oidc.session?.state as { readonly secret?: string } | undefined;
  return { action: ctx.oidc.urlFor('code_verification'), secret: state?.secret ?? '' };
}

function typedCode(ctx: KoaContextWithOIDC): string {
  const typed: unknown = ctx.method === 'POST' ? ctx.oidc.body?.user_code : ctx.state.userCode;
  return typeof typed === 'string' ? typed.trim().slice(0, 60) : '';
}

/** By the names that the engine gives its errors. */
function problemWith(code: DeviceCode | undefined, clientIsThere: boolean): string | undefined {
  if (code === undefined || !clientIsThere) {
    return 'NotFoundError';
  }
  if (code.isExpired) {
    return 'ExpiredError';
  }
  return code.error || code.accountId || code.inFlight ? 'AlreadyUsedError' : undefined;
}
