import type { Middleware, ParameterizedContext } from 'koa';
import { type ErrorOut, errors, type KoaContextWithOIDC } from 'oidc-provider';
import { type ClientCard, clientCard } from './client-card.ts';
import { type ErrorWords, pageErrorWords, protocolErrorWords } from './error-words.ts';
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

interface Failure {
  readonly code: string;
  readonly description: string | undefined;
  readonly words: ErrorWords;
  readonly client?: ClientCard | undefined;
}

/** The engine's `renderError`: errors that it can send to no client. The status is set already and stays. */
export function engineErrorPage({ page }: { page: Page }) {
  return async (ctx: KoaContextWithOIDC, out: ErrorOut, error: Error): Promise<void> => {
    if (!BROWSER_ROUTES.has(ctx.oidc.route)) {
      ctx.body = out;
      return;
    }
    const lost = error instanceof errors.SessionNotFound;
    answer(ctx, page, {
      code: out.error,
      description: out.error_description,
      words: lost ? pageErrorWords('sign_in_lost') : protocolErrorWords(out.error),
      client: ctx.oidc.client === undefined ? undefined : clientCard(ctx.oidc.client),
    });
  };
}

/**
 * The outermost middleware of the host: whatever goes wrong further in, or is not there at all, ends as a page with
 * words, or as JSON for who asked for that. Errors of ours are reported to the application and never shown.
 */
export function errorPages({ page }: { page: Page }): Middleware {
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
      answer(ctx, page, failureOf(known));
      return;
    }
    const code = BY_STATUS[ctx.status];
    if (code !== undefined && (ctx.body === undefined || ctx.body === null)) {
      ctx.status = PAGE_ERRORS[code];
      answer(ctx, page, failureOf(new PageError(code)));
    }
  };
}

/** A mistake in a request that no step of a sign-in is behind. */
function isProtocolError(error: unknown): error is errors.OIDCProviderError {
  return error instanceof errors.OIDCProviderError && error.expose && !(error instanceof errors.SessionNotFound);
}

function protocolFailure({ error, error_description }: errors.OIDCProviderError): Failure {
  return { code: error, description: error_description, words: protocolErrorWords(error) };
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

function failureOf(error: PageError): Failure {
  return { code: error.code, description: error.detail, words: pageErrorWords(error.code) };
}

function answer(ctx: ParameterizedContext, page: Page, failure: Failure): void {
  if (ctx.accepts('html', 'json') === 'json') {
    ctx.set('Cache-Control', 'no-store');
    ctx.body = { error: failure.code, error_description: failure.description ?? failure.words.words };
    return;
  }
  const requestId = typeof ctx.state.requestId === 'string' ? ctx.state.requestId : undefined;
  page.render(ctx, 'error', { ...failure, requestId }, { title: failure.words.title, withinFlow: true });
}
