import type { Context, Middleware } from 'koa';
import type { AuthorizationServer } from './authorization-server.ts';

const policy = (connectTo: readonly string[]) =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `connect-src ${["'self'", ...connectTo].join(' ')}`,
    "img-src 'self' data:",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');

export const securityHeaders: Middleware = async (ctx, next) => {
  ctx.set({
    'content-security-policy': policy([]),
    'x-content-type-options': 'nosniff',
    'cross-origin-opener-policy': 'same-origin',
    'cache-control': 'no-store',
    // Not `no-referrer`: with it browsers send `Origin: null` with our own forms.
    'referrer-policy': 'same-origin',
  });
  await next();
};

/** A page whose script is the client talks to its authorization server, to its API, and to nobody else. */
export async function letScriptReach(server: AuthorizationServer, ctx: Context): Promise<void> {
  ctx.set('content-security-policy', policy(await server.origins()));
}

/**
 * Cookies and redirect URIs belong to one host name, and `localhost` is not `127.0.0.1`: reading goes on at the
 * right one. Anything else under a foreign name is refused, which also keeps DNS rebinding out.
 */
export function requireOwnHost(ownUrl: string): Middleware {
  const own = new URL(ownUrl);
  return async (ctx, next) => {
    if (ctx.host === own.host) {
      return next();
    }
    if (ctx.method === 'GET' || ctx.method === 'HEAD') {
      return ctx.redirect(ownUrl + ctx.path.replace(/^\/+/, '/') + ctx.search);
    }
    return ctx.throw(421, 'this is not the host name of the playground');
  };
}

/** Where an answer may be posted to (form_post); that page shows it and changes nothing. */
const OPEN_TO_OTHERS = '/callback';

/**
 * Cross-site request forgery: SameSite does not tell ports of one host apart, so what changes something must
 * come from our own pages, as the browser itself states.
 */
export function requireOwnOrigin(ownUrl: string): Middleware {
  const own = new URL(ownUrl).origin;
  return async (ctx, next) => {
    const changes = ctx.method !== 'GET' && ctx.method !== 'HEAD' && ctx.path !== OPEN_TO_OTHERS;
    if (changes && !isFromOwnPage(ctx, own)) {
      ctx.throw(403, 'this request did not come from a page of the playground');
    }
    await next();
  };
}

function isFromOwnPage(ctx: Context, own: string): boolean {
  const site = ctx.get('sec-fetch-site');
  return site ? site === 'same-origin' : ctx.get('origin') === own;
}
