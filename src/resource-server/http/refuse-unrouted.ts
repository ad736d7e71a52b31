import type { RouterContext } from '@koa/router';
import type { Middleware, ParameterizedContext } from 'koa';
import { Refusal } from '../guard/refusal.ts';

/** Behind all routes: tells a path that does not exist from a method that it does not have (RFC 9110 §15.5.6). */
export const refuseUnrouted: Middleware = (ctx: ParameterizedContext & Partial<Pick<RouterContext, 'matched'>>) => {
  const methods = new Set(ctx.matched?.flatMap((layer) => layer.methods));
  if (methods.size === 0) {
    throw new Refusal({
      status: 404,
      code: 'not_found',
      description: 'There is nothing here. GET / lists what there is.',
    });
  }
  const allow = [...methods].join(', ');
  if (ctx.method === 'OPTIONS') {
    ctx.set('Allow', allow);
    ctx.status = 204;
    return;
  }
  const description = `This takes ${allow} only.`;
  throw new Refusal({ status: 405, code: 'method_not_allowed', description, headers: { allow } });
};
