import type { Middleware } from 'koa';

/** No script at all, nothing from elsewhere, and no frame around it. */
export function securityHeaders(issuer: string): Middleware {
  const policy = [
    "default-src 'none'",
    "style-src 'self'",
    "img-src 'self'",
    // Browsers hold the redirect that follows a form to this as well, and signing out leads to the authorization server. One
    // whose end_session_endpoint is at another origin has to be named, too.
    `form-action 'self' ${new URL(issuer).origin}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
  return async (ctx, next) => {
    ctx.set({
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'cross-origin-opener-policy': 'same-origin',
      'cache-control': 'no-store',
      // Not `no-referrer`: with it browsers send `Origin: null` with our own forms.
      'referrer-policy': 'same-origin',
    });
    await next();
  };
}

/**
 * Cross-site request forgery: what changes something comes from a page of this app, as the browser itself states. SameSite
 * cookies alone are too little: to them every port of a host and every subdomain of a domain is the same site.
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
