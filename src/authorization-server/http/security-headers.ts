import type { Middleware } from 'koa';

/** On every response; pages add a policy of their own for what they may load (pages/page.ts). */
export function securityHeaders(issuer: string): Middleware {
  const overHttps = issuer.startsWith('https:');
  return async (ctx, next) => {
    ctx.set('X-Content-Type-Options', 'nosniff');
    ctx.set('Referrer-Policy', 'no-referrer');
    ctx.set('X-Frame-Options', 'DENY');
    if (overHttps) {
      ctx.set('Strict-Transport-Security', 'max-age=31536000; includeSubDomains');
    }
    await next();
  };
}
