import type { Middleware } from 'koa';

export const RETRY_AFTER_SECONDS = '1';

/** A 503 is for a moment only (RFC 9110 §15.6.4): whoever gives it, the answer says when to come back. */
export function retryAfter(): Middleware {
  return async (ctx, next) => {
    await next();
    if (ctx.status === 503 && ctx.response.headers['retry-after'] === undefined) {
      ctx.set('Retry-After', RETRY_AFTER_SECONDS);
    }
  };
}
