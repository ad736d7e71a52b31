import type { Middleware } from 'koa';
import type { AuthenticatedState } from './authenticate.ts';
import type { BearerRefusals } from './bearer-refusals.ts';

/** RFC 6750 §3.1: behind `authenticate`, lets a request pass whose token carries the scope. */
export function requireScope(scope: string, refuse: BearerRefusals): Middleware<AuthenticatedState> {
  return async (ctx, next) => {
    if (!ctx.state.accessToken.scopes.has(scope)) {
      throw refuse.insufficientScope(scope);
    }
    await next();
  };
}
