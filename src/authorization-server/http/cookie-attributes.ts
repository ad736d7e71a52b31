import type { Middleware } from 'koa';

/**
 * Every cookie of ours has a SameSite attribute. What has none is a signature that the `cookies` library (0.9.1) made
 * anew because an older secret had made it: at the path `/` and without any other attribute. Nothing is lost with it:
 * the engine sets the session's cookies again by itself, and an interaction's old signature holds until it ends.
 */
export function cookieAttributes(): Middleware {
  return async (ctx, next) => {
    await next();
    const set = ctx.res.getHeader('Set-Cookie');
    if (set === undefined) {
      return;
    }
    const cookies = [set].flat().map(String);
    const complete = cookies.filter(
      (cookie) => /; samesite=/i.test(cookie) || /; expires=Thu, 01 Jan 1970/.test(cookie),
    );
    if (complete.length < cookies.length) {
      ctx.remove('Set-Cookie');
      ctx.set('Set-Cookie', complete);
    }
  };
}
