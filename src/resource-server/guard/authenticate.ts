import type { IncomingMessage } from 'node:http';
import { type AccessToken, CannotVerify, type VerifyAccessToken } from './access-token.ts';
import type { BearerRefusals } from './bearer-refusals.ts';
import { readBearerToken } from './bearer-token.ts';
import { Refusal } from './refusal.ts';

export interface Expectations {
  /** The `aud` that a token must carry: our RFC 8707 resource indicator. */
  readonly audience: string;
  readonly issuer: string;
}

/** What `Guard.authenticate` leaves for the ones behind it. The token's value is not part of it. */
export interface AuthenticatedState {
  accessToken: AccessToken;
}

/**
 * The access token that a request carries, which has the scope that the request takes. Throws `Refusal`. An empty scope says
 * that the request takes none; without one nothing is said, and whoever calls this looks at the token's scopes.
 */
export type Authenticate = (request: IncomingMessage, scope?: string) => Promise<AccessToken>;

/**
 * RFC 6750 §2.1 and §3.1: lets a request pass that carries a good access token for this resource server, with the scope.
 * Answers 503 when nobody can say whether the token is good: never a guess in either direction.
 */
export function createAuthenticate(
  verify: VerifyAccessToken,
  expected: Expectations,
  refuse: BearerRefusals,
): Authenticate {
  return async (request, scope) => {
    const accessToken = await verify(readBearerToken(request, refuse), scope).catch(answerUnavailable);
    if (accessToken === undefined) {
      throw refuse.invalidToken('The access token is unknown, expired or revoked.');
    }
    const objection = objectionTo(accessToken, expected);
    if (objection !== undefined) {
      throw refuse.invalidToken(objection);
    }
    if (scope !== undefined && scope !== '' && !accessToken.scopes.has(scope)) {
      throw refuse.insufficientScope(scope);
    }
    return accessToken;
  };
}

function objectionTo(accessToken: AccessToken, expected: Expectations): string | undefined {
  // RFC 7662 §2.2 leaves token_type out for anything but an access token: an active refresh token has none.
  if (accessToken.tokenType?.toLowerCase() !== 'bearer') {
    return 'This is not a bearer access token.';
  }
  // RFC 9449 §7.2: whoever stole a bound token would otherwise use it without its key.
  if (accessToken.senderConstrained) {
    return 'The access token is bound to a key and cannot be used as a bearer token.';
  }
  if (!accessToken.audience.includes(expected.audience)) {
    return `The access token is for another resource server, not for ${expected.audience}.`;
  }
  if (accessToken.issuer !== undefined && accessToken.issuer !== expected.issuer) {
    return 'The access token is from another issuer.';
  }
  return undefined;
}

function answerUnavailable(error: unknown): never {
  if (!(error instanceof CannotVerify)) {
    throw error;
  }
  throw new Refusal({
    status: 503,
    code: 'temporarily_unavailable',
    description: 'The authorization server cannot be asked about the access token right now. Try again shortly.',
    headers: { 'retry-after': '2' },
    cause: error,
  });
}
