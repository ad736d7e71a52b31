import type { Middleware } from 'koa';
import { readUrlEncoded } from './form.ts';
import { seeOther } from './see-other.ts';

/** OpenID Connect Core §3.1.2.1 and RP-Initiated Logout 1.0 §2 want POST as well as GET. */
const ENDPOINTS = /^\/(auth|session\/end)\/?$/i;

/**
 * A request that a client sends as a form goes on as the same request by GET: a form from another site comes without
 * our cookies, which are SameSite=Lax, and the GET that follows has them.
 */
export function requestByPost(): Middleware {
  return async (ctx, next) => {
    if (ctx.method !== 'POST' || !ENDPOINTS.test(ctx.path)) {
      return next();
    }
    const parameters = new URLSearchParams(await readUrlEncoded(ctx));
    seeOther(ctx, `${ctx.mountPath}${ctx.path}?${parameters}`);
  };
}
