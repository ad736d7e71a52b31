import type { Middleware, ParameterizedContext } from 'koa';
import { errors } from 'oidc-provider';

/** The endpoints of programs and of the engine, and the methods they have (RFC 9110 §15.5.6 wants them named when another is used). */
const METHODS: ReadonlyMap<string, readonly string[]> = new Map([
  ['/auth', ['GET', 'POST']],
  ['/request', ['POST']],
  ['/token', ['POST']],
  ['/token/introspection', ['POST']],
  ['/token/revocation', ['POST']],
  ['/backchannel', ['POST']],
  ['/device/auth', ['POST']],
  ['/device', ['GET', 'POST']],
  ['/me', ['GET', 'POST']],
  ['/register', ['POST', 'GET', 'PUT', 'DELETE']],
  ['/jwks', ['GET']],
  ['/session/end', ['GET', 'POST']],
  ['/session/end/confirm', ['POST']],
  ['/session/end/success', ['GET']],
  ['/.well-known/openid-configuration', ['GET']],
  ['/.well-known/oauth-authorization-server', ['GET']],
  ['/.well-known/ssf-configuration', ['GET']],
  ['/ssf/streams', ['GET', 'POST', 'PATCH', 'PUT', 'DELETE']],
  ['/ssf/status', ['GET', 'POST']],
  ['/ssf/verify', ['POST']],
  ['/ssf/poll', ['POST']],
]);

/** Those that a person's browser opens: a refusal is a page there (pages/error.ts), and JSON everywhere else. */
const OPENED_BY_PEOPLE: ReadonlySet<string> = new Set([
  '/auth',
  '/device',
  '/session/end',
  '/session/end/confirm',
  '/session/end/success',
]);

/**
 * Where our pages send the browser when they are done. Everything about the request is stored: of parameters that
 * somebody added the engine (9.13.3) would make an error response, or a 500. The copy of the request that a page adds is kept
 * for the case that nothing is stored any more (pages/heal-sign-in.ts).
 */
const WAY_BACK = /^\/(auth|device)\/[^/]+$/;

/** Keys and metadata change rarely, and a change may take these five minutes to be noticed. */
export const SAME_FOR_EVERYONE: ReadonlySet<string> = new Set([
  '/jwks',
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server',
  '/.well-known/ssf-configuration',
]);

/** What the engine reads at most; it says 400 to more. */
const BODY_LIMIT = 56 * 1024;

/**
 * What RFC 6749, RFC 7662 and HTTP ask of the protocol endpoints and the engine leaves out. It stands around the
 * engine: refuses what must not reach it, and corrects what comes back. What only programs call goes straight to the
 * engine, past everything that pages need.
 */
export function protocolEndpoints(engine: Middleware): Middleware {
  return async (ctx, next) => {
    const path = endpointOf(ctx.path);
    const methods = METHODS.get(path);
    if (methods === undefined) {
      if (WAY_BACK.test(path)) {
        ctx.state.request = ctx.query.request;
        ctx.querystring = '';
      }
      return next();
    }
    if (!refused(ctx, path, methods)) {
      await (OPENED_BY_PEOPLE.has(path) ? next() : engine(ctx, next));
    }
    correct(ctx, path, methods);
  };
}

/** The engine answers at these paths in any case, and with a slash behind them: no spelling may get around us. */
function endpointOf(path: string): string {
  return METHODS.has(path) ? path : path.toLowerCase().replace(/(?<=.)\/$/, '');
}

/** A program is told of an error in JSON there, and nobody else ever calls it. */
export function isForPrograms(path: string): boolean {
  const endpoint = endpointOf(path);
  return METHODS.has(endpoint) && !OPENED_BY_PEOPLE.has(endpoint);
}

function refused(ctx: ParameterizedContext, path: string, methods: readonly string[]): boolean {
  const method = ctx.method === 'HEAD' ? 'GET' : ctx.method;
  if (method !== 'OPTIONS' && !methods.includes(method)) {
    ctx.set('Allow', allowed(methods));
    refuse(ctx, path, 405, `${path} is used with ${methods.join(' or ')}`);
    return true;
  }
  if ((ctx.request.length ?? 0) > BODY_LIMIT) {
    refuse(ctx, path, 413, `the body of a request is at most ${BODY_LIMIT} bytes long`);
    return true;
  }
  if (ctx.querystring.includes('%00')) {
    refuse(ctx, path, 400, 'a parameter contains a NUL character');
    return true;
  }
  return false;
}

function allowed(methods: readonly string[]): string {
  return [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
}

function refuse(ctx: ParameterizedContext, path: string, status: number, description: string): void {
  if (OPENED_BY_PEOPLE.has(path)) {
    throw Object.assign(new errors.InvalidRequest(description), { status, statusCode: status });
  }
  ctx.status = status;
  ctx.set('Cache-Control', 'no-store');
  ctx.body = { error: 'invalid_request', error_description: description };
}

function correct(ctx: ParameterizedContext, path: string, methods: readonly string[]): void {
  if (ctx.method === 'OPTIONS') {
    if (ctx.status === 404) {
      // No preflight, or one of an endpoint that no page may call: the engine leaves both unanswered.
      ctx.status = 204;
    }
    ctx.set('Allow', allowed(methods));
  }
  if (SAME_FOR_EVERYONE.has(path) && ctx.status === 200) {
    ctx.set('Cache-Control', 'public, max-age=300');
  }
  if (path === '/token') {
    // RFC 6749 §5.1 and §5.2, for HTTP/1.0 caches.
    ctx.set('Pragma', 'no-cache');
  }
  if (path === '/token/revocation' && ctx.status === 200) {
    // RFC 7009 §2.2 leaves the body open. Some clients want JSON in every answer.
    ctx.body = {};
  }
  if (ctx.status === 400 && describedAs(ctx.body, 'failed to parse the request body')) {
    // Also what a body gets that said nothing of its length and turned out too long.
    refuse(ctx, path, 400, `the body of a request must be a form of at most ${BODY_LIMIT} bytes`);
  }
  if (ctx.status === 400 && describedAs(ctx.body, 'no client authentication mechanism provided')) {
    // RFC 6749 §5.2 has a code for "no client authentication included", and RFC 7662 §2.1 wants the 401.
    ctx.status = 401;
    ctx.set('WWW-Authenticate', `Basic realm="${ctx.origin}"`);
    ctx.body = { error: 'invalid_client', error_description: 'the request names no client and has no credentials' };
  }
  if (path !== '/me' && describedAs(ctx.body, 'client JSON Web Key Set failed to be refreshed')) {
    // RFC 6749 §5.2 knows no invalid_client_metadata: that is for registrations.
    ctx.status = 401;
    ctx.body = { error: 'invalid_client', error_description: 'the jwks_uri of the client gives no keys at the moment' };
  }
}

/** In the engine's own words. */
function describedAs(body: unknown, description: string): boolean {
  return (
    typeof body === 'object' && body !== null && 'error_description' in body && body.error_description === description
  );
}
