import type { Middleware } from 'koa';
import type { VerifyAccessToken } from './access-token.ts';
import { type AuthenticatedState, authenticate, type Expectations } from './authenticate.ts';
import { type BearerRefusals, bearerRefusals } from './bearer-refusals.ts';
import { requireScope } from './require-scope.ts';

export interface GuardOptions extends Expectations {
  readonly verify: VerifyAccessToken;
  /** Where the RFC 9728 metadata of this resource server is. */
  readonly resourceMetadata: string;
}

export interface Guard {
  /** Leaves `ctx.state.accessToken`, or refuses. */
  readonly authenticate: Middleware<AuthenticatedState>;
  /** To be used behind `authenticate`. */
  readonly requireScope: (scope: string) => Middleware<AuthenticatedState>;
  readonly refuse: BearerRefusals;
}

/** Keeps a Koa application's routes for bearers of good access tokens. Refusals are thrown as `Refusal`. */
export function createGuard({ verify, resourceMetadata, ...expected }: GuardOptions): Guard {
  const refuse = bearerRefusals(resourceMetadata);
  return {
    authenticate: authenticate(verify, expected, refuse),
    requireScope: (scope) => requireScope(scope, refuse),
    refuse,
  };
}
