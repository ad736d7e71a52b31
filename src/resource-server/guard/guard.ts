import type { Middleware } from 'koa';
import type { VerifyAccessToken } from './access-token.ts';
import { type Authenticate, type AuthenticatedState, createAuthenticate, type Expectations } from './authenticate.ts';
import { type BearerRefusals, bearerRefusals } from './bearer-refusals.ts';

export interface GuardOptions extends Expectations {
  readonly verify: VerifyAccessToken;
  /** Where the RFC 9728 metadata of this resource server is. */
  readonly resourceMetadata: string;
}

/** Refusals are thrown as `Refusal`, which says how they are answered. */
export interface Guard {
  /** For whatever is not Koa: takes Node's own request. */
  readonly accessTokenOf: Authenticate;
  /** Leaves `ctx.state.accessToken`, or refuses. For what takes a good token, and no scope. */
  readonly authenticate: Middleware<AuthenticatedState>;
  /** The same, for what takes a token with this scope. */
  readonly requireScope: (scope: string) => Middleware<AuthenticatedState>;
  readonly refuse: BearerRefusals;
}

/** Keeps the routes of an application for bearers of good access tokens. */
export function createGuard({ verify, resourceMetadata, ...expected }: GuardOptions): Guard {
  const refuse = bearerRefusals(resourceMetadata);
  const accessTokenOf = createAuthenticate(verify, expected, refuse);
  const requireScope = (scope: string): Middleware<AuthenticatedState> => {
    return async (ctx, next) => {
      ctx.state.accessToken = await accessTokenOf(ctx.req, scope);
      await next();
    };
  };
  return { accessTokenOf, authenticate: requireScope(''), requireScope, refuse };
}
