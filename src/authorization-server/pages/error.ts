import type { Middleware, ParameterizedContext } from 'koa';
import type Provider from 'oidc-provider';
import { type ErrorOut, errors, type KoaContextWithOIDC } from 'oidc-provider';
import { type ClientCard, clientCard, wayBackTo } from './client-card.ts';
import type { RefusedRequest, ReportRefusal } from './error-reader.ts';
import { messageOf } from './error-words.ts';
import type { Page } from './page.ts';
import { PAGE_ERRORS, PageError, type PageErrorCode } from './page-error.ts';

/** The engine's routes that a browser opens. Every other one talks to programs, which get JSON whatever they accept. */
const BROWSER_ROUTES: ReadonlySet<string> = new Set([
  'authorization',
  'resume',
  'end_session',
  'end_session_confirm',
  'end_session_success',
  'code_verification',
  'device_resume',
]);

type EngineClient = Awaited<ReturnType<Provider['Client']['find']>>;

interface Failure {
  readonly code: string;
  readonly description: string | undefined;
  /** In `locales/<language>/error.yaml`. */
  readonly message: string;
  readonly client?: EngineClient;
  readonly refused?: RefusedRequest | undefined;
  /** Begins the same sign-in again. */
  readonly again?: string | undefined;
}

interface EngineErrorPageDeps {
  readonly page: Page;
  readonly report: ReportRefusal;
  /** Goes on where an authorization request was lost: heal-sign-in.ts. */
  readonly heal: (ctx: KoaContextWithOIDC) => Promise<void>;
}

/** The engine's `renderError`: errors that it can send to no client. The status is set already and stays. */
export function engineErrorPage({ page, report, heal }: EngineErrorPageDeps) {
  return async (ctx: KoaContextWithOIDC, out: ErrorOut, error: Error): Promise<void> => {
    if (!BROWSER_ROUTES.has(ctx.oidc.route)) {
      ctx.body = out;
      return;
    }
    if (error instanceof errors.SessionNotFound) {
      await heal(ctx).catch((lost: unknown) => {
        const known = pageErrorOf(lost);
        ctx.status = known.status;
        return answerPageError(ctx, page, ctx.oidc.provider, known);
      });
      return;
    }
    const isRequest = ctx.oidc.route === 'authorization' && ctx.status < 500;
    answer(ctx, page, {
      code: out.error,
      description: out.error_description,
      message: messageOf(out.error),
      client: ctx.oidc.client,
      refused: isRequest ? await report(ctx, out.error) : undefined,
    });
  };
}

interface ErrorPagesDeps {
  readonly page: Page;
  readonly provider: () => Pick<Provider, 'Client'>;
}

/**
 * The outermost middleware of the host: whatever goes wrong further in, or is not there at all, ends as a page with
 * words, or as JSON for who asked for that. Errors of ours are reported to the application and never shown.
 */
export function errorPages({ page, provider }: ErrorPagesDeps): Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      if (isProtocolError(error)) {
        ctx.status = error.statusCode;
        answer(ctx, page, protocolFailure(error));
        return;
      }
      const known = pageErrorOf(error);
      if (known.code === 'internal') {
        ctx.app.emit('error', error, ctx);
      }
      ctx.status = known.status;
      await answerPageError(ctx, page, provider(), known);
      return;
    }
    const code = BY_STATUS[ctx.status];
    if (code !== undefined && (ctx.body === undefined || ctx.body === null)) {
      ctx.status = PAGE_ERRORS[code];
      await answerPageError(ctx, page, provider(), new PageError(code));
    }
  };
}

/** A mistake in a request that no step of a sign-in is behind. */
function isProtocolError(error: unknown): error is errors.OIDCProviderError {
  return error instanceof errors.OIDCProviderError && error.expose && !(error instanceof errors.SessionNotFound);
}

function protocolFailure({ error, error_description }: errors.OIDCProviderError): Failure {
  return { code: error, description: error_description, message: messageOf(error) };
}

/** What others mean by a status: Koa, the router, the storage. */
const BY_STATUS: Readonly<Record<number, PageErrorCode>> = {
  400: 'malformed_form',
  404: 'not_found',
  405: 'method_not_allowed',
  413: 'form_too_large',
  503: 'too_busy',
};

function pageErrorOf(error: unknown): PageError {
  if (error instanceof PageError) {
    return error;
  }
  if (error instanceof errors.SessionNotFound) {
    return new PageError('sign_in_lost', error.error_description);
  }
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 500;
  return new PageError(BY_STATUS[status] ?? 'internal');
}

async function answerPageError(
  ctx: ParameterizedContext,
  page: Page,
  { Client }: Pick<Provider, 'Client'>,
  { code, detail, wayOn: { clientId, again } }: PageError,
): Promise<void> {
  const client = clientId === undefined ? undefined : await Client.find(clientId);
  answer(ctx, page, { code, description: detail, message: code, client, again });
}

function answer(ctx: ParameterizedContext, page: Page, failure: Failure): void {
  const { code, description, message, client, again, refused } = failure;
  const t = page.translate(ctx);
  const words = t(`error.${message}.words`);
  if (ctx.accepts('html', 'json') === 'json') {
    ctx.set('Cache-Control', 'no-store');
    ctx.body = { error: code, error_description: description ?? words };
    return;
  }
  const title = t(`error.${message}.title`);
  const card: ClientCard | undefined = client && clientCard(client);
  const locals = {
    title,
    words,
    code,
    description,
    client: card && { name: card.name, home: client && wayBackTo(client) },
    again,
    auditId: refused?.auditId,
    diagnosis: refused?.diagnosis,
    wasCancelled: description === 'cancelled',
    asksForCode: code === 'device_sign_in_lost',
    requestId: typeof ctx.state.requestId === 'string' ? ctx.state.requestId : undefined,
  };
  page.render(ctx, 'error', locals, { title, withinFlow: true });
}
