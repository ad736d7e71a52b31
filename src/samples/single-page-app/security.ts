import type { Middleware } from 'koa';

/**
 * Our own scripts, which talk to us and to the API and to nobody else: a script that somebody slips in does not run, and
 * could send nothing away. No text becomes markup either (Trusted Types).
 */
export function securityHeaders(resourceApi: string): Middleware {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ${new URL(resourceApi).origin}`,
    "form-action 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
  return async (ctx, next) => {
    ctx.set({
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'cross-origin-opener-policy': 'same-origin',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    });
    await next();
  };
}

/**
 * Cross-site request forgery: tokens go to a page of this app, as the browser itself states. SameSite cookies alone are
 * too little: to them every port of a host and every subdomain of a domain is the same site.
 */
export function requireOwnOrigin(ownUrl: string): Middleware {
  const own = new URL(ownUrl).origin;
  return async (ctx, next) => {
    if (ctx.get('origin') !== own) {
      ctx.throw(403, `This did not come from a page of this app, which is at ${own}`);
    }
    await next();
  };
}
