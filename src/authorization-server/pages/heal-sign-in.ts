import type { RouterContext } from '@koa/router';
import type { Middleware, ParameterizedContext } from 'koa';
import type Provider from 'oidc-provider';
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { AccountStore } from '../accounts/account.ts';
import { canonicalEmail } from '../accounts/email.ts';
import { clientCard } from './client-card.ts';
import { readFields } from './form.ts';
import type { Page } from './page.ts';
import { PageError } from './page-error.ts';
import type { RememberedRequest, RememberedRequests } from './remembered-request.ts';
import { seeOther } from './see-other.ts';

export interface HealingDeps {
  readonly provider: () => Provider;
  readonly page: Page;
  readonly requests: RememberedRequests;
  readonly findAccount: AccountStore['findAccount'];
}

/**
 * A sign-in never dead-ends: a step that is not pending any more (a double click, whose first half was enough; an old tab; the
 * Back button; a bookmark; a lost cookie) begins the same authorization request anew, from the copy that its page carries, and
 * whoever is signed in by now goes straight on. Three things keep that from doing harm: nobody goes on as somebody else than the
 * page said; a browser that keeps no cookies is told so instead of sent in circles; and who cancelled is not signed in.
 */
export interface Healing {
  /** Around the pages of the steps. */
  readonly ofPages: Middleware;
  /** Begins a request again because somebody wants it: the buttons of the pages that are shown instead. */
  begin(ctx: RouterContext): Promise<void>;
  /** Where the engine finds nothing to go on with. */
  ofResume(ctx: KoaContextWithOIDC): Promise<void>;
}

/** More in a row than any mishap explains. */
const MOST_RESTARTS = 5;

/** What was lost, and with what. */
interface Loss {
  readonly uid: string;
  readonly sealed: string;
  readonly request: RememberedRequest;
  /** What was typed into the form that came too late. */
  readonly email?: string | undefined;
  /** The cookie of this very step came along. */
  readonly sameBrowser: boolean;
  /** Somebody has asked for the restart: it is no part of a circle. */
  readonly isWanted?: boolean;
  readonly signedIn: string | undefined;
}

export function createHealing({ provider, page, requests, findAccount }: HealingDeps): Healing {
  const addressOf = (ctx: ParameterizedContext, uid: string, sealed: string) =>
    `${ctx.mountPath}/interaction/${encodeURIComponent(uid)}/again?request=${sealed}`;

  async function begin(ctx: ParameterizedContext, { sealed, request, email = request.email }: Loss) {
    const { restarts = 0, clientId } = request;
    const query = await requests.begin(sealed, { email, restarts: restarts + 1 });
    if (query === undefined) {
      throw new PageError('sign_in_lost', 'the request was answered', { clientId });
    }
    seeOther(ctx, `${ctx.mountPath}/auth?${query}`);
  }

  /** Who is signed in, where the page that was lost had been shown to, or filled in by, somebody else. */
  async function someoneElse({ request, email, signedIn }: Loss) {
    const account = signedIn === undefined ? undefined : await findAccount(signedIn);
    if (account === undefined || account.disabled) {
      return undefined;
    }
    const isAnother =
      email === undefined
        ? request.accountId !== undefined && request.accountId !== account.accountId
        : canonicalEmail(email) !== canonicalEmail(account.email);
    return isAnother ? account : undefined;
  }

  async function askWhoGoesOn(ctx: ParameterizedContext, loss: Loss, current: { name: string; email: string }) {
    const { uid, sealed, request, sameBrowser } = loss;
    const client = await provider().Client.find(request.clientId);
    const shown =
      sameBrowser && request.accountId !== undefined ? (await findAccount(request.accountId))?.email : undefined;
    const other = loss.email ?? shown;
    const again = (asksToSignIn: boolean, email?: string) =>
      addressOf(ctx, uid, requests.rewrite(sealed, { asksToSignIn, email }));
    const locals = {
      client: client && clientCard(client),
      current: { name: current.name, email: current.email },
      other,
      goOn: again(false),
      signIn: again(true, other),
    };
    const title = page.translate(ctx)('other-account.title');
    page.render(ctx, 'other-account', locals, { title, status: 200, withinFlow: true });
  }

  async function heal(ctx: ParameterizedContext, loss: Loss): Promise<void> {
    const { uid, sealed, request, sameBrowser, isWanted = false } = loss;
    const { clientId, restarts = 0 } = request;
    if (request.isForDevice) {
      throw new PageError('device_sign_in_lost');
    }
    if (request.expired) {
      throw new PageError('sign_in_expired', undefined, { clientId });
    }
    const again = addressOf(ctx, uid, requests.rewrite(sealed, { asksToSignIn: false }));
    if (request.cancelled || ctx.path.endsWith('/abort')) {
      // Nobody waits for the no any more. To go on instead has to be somebody's wish.
      throw new PageError('sign_in_lost', 'cancelled', { again, clientId });
    }
    if (restarts > 0 && !sameBrowser && !isWanted) {
      throw new PageError('cookies_needed', undefined, { again, clientId });
    }
    if (restarts >= MOST_RESTARTS) {
      throw new PageError('sign_in_lost', `begun again ${restarts} times`, { again, clientId });
    }
    const current = await someoneElse(loss);
    await (current === undefined ? begin(ctx, loss) : askWhoGoesOn(ctx, loss, current));
  }

  async function lossAt(ctx: ParameterizedContext, uid: string): Promise<Loss | undefined> {
    const fields: Readonly<Record<string, string>> = ctx.method === 'POST' ? await readFields(ctx) : {};
    const sealed = fields.request ?? ctx.query.request;
    const request = requests.read(sealed);
    if (request === undefined || typeof sealed !== 'string') {
      return undefined;
    }
    const cookie = ctx.cookies.get(provider().cookieName('interaction'), { signed: true });
    const session = await provider().Session.get(ctx as never);
    const email = fields.email === undefined || fields.email.trim() === '' ? undefined : fields.email.trim();
    return { uid, sealed, request, email, sameBrowser: cookie === uid, signedIn: session.accountId };
  }

  return {
    async ofPages(ctx, next) {
      try {
        await next();
      } catch (error) {
        const uid = String(ctx.params?.uid);
        const loss = isLost(error) ? await lossAt(ctx, uid) : undefined;
        if (loss === undefined) {
          throw error;
        }
        await heal(ctx, loss);
      }
    },

    async begin(ctx) {
      const loss = await lossAt(ctx, String(ctx.params.uid));
      if (loss === undefined) {
        throw new PageError('sign_in_lost', 'there is no request to begin again');
      }
      await heal(ctx, { ...loss, isWanted: true });
    },

    async ofResume(ctx) {
      const sealed = ctx.state.request;
      const request = requests.read(sealed);
      if (request === undefined) {
        throw new PageError('sign_in_lost');
      }
      const signedIn = ctx.oidc.session?.accountId;
      const uid = ctx.path.split('/').at(-1) ?? '';
      // Who has no cookies at all never came as far as this.
      const sameBrowser = ctx.cookies.get(ctx.oidc.provider.cookieName('resume'), { signed: true }) === uid;
      await heal(ctx, { uid, sealed, request, email: undefined, sameBrowser, isWanted: true, signedIn });
    },
  };
}

function isLost(error: unknown): boolean {
  return error instanceof errors.SessionNotFound || (error instanceof PageError && error.code === 'sign_in_lost');
}
