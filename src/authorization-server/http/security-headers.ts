import type { Middleware } from 'koa';

/**
 * For whatever is not one of our pages, which have a policy of their own (pages/page.ts): the engine's pages that submit
 * a form by themselves (form_post, signing out), and anything that a browser mistakes for a page. The engine adds the
 * hash of its script to `script-src`, which therefore stands here, empty.
 */
const NOTHING = "default-src 'none'; script-src; base-uri 'none'; frame-ancestors 'none'";

/** On every response. */
export function securityHeaders(issuer: string): Middleware {
  const headers = securityHeadersOf(issuer);
  return (ctx, next) => {
    ctx.res.setHeaders(headers);
    return next();
  };
}

export function securityHeadersOf(issuer: string): Map<string, string> {
  const headers = new Map([
    ['X-Content-Type-Options', 'nosniff'],
    ['Referrer-Policy', 'no-referrer'],
    ['X-Frame-Options', 'DENY'],
    ['Content-Security-Policy', NOTHING],
  ]);
  if (issuer.startsWith('https:')) {
    headers.set('Strict-Transport-Security', 'max-age=31536000; includeSubDomains');
  }
  return headers;
}
