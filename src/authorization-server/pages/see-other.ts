import type { ParameterizedContext } from 'koa';

/**
 * On to another address, by GET: a form, maybe one with a password, is never sent there again (RFC 9700 §4.12). Where an answer
 * leads is for the one who asked.
 */
export function seeOther(ctx: Pick<ParameterizedContext, 'set' | 'redirect' | 'status'>, url: string): void {
  ctx.set('Cache-Control', 'no-store');
  ctx.redirect(url);
  ctx.status = 303;
}
