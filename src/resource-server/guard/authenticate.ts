import type { IncomingMessage } from 'node:http';
import { type AccessToken, CannotVerify, UnusableToken, type VerifiedToken, type Verify } from './access-token.ts';
import { readPresentedToken } from './presented-token.ts';
import type { Refusal } from './refusal.ts';
import type { Refusals } from './refusals.ts';
import type { Requirement } from './requirement.ts';

export interface Expectations {
  /** The `aud` that a token must carry: our RFC 8707 resource indicator. */
  readonly audience: string;
  readonly issuer: string;
}

export interface AuthenticateDependencies {
  readonly verify: Verify;
  readonly expected: Expectations;
  readonly refuse: Refusals;
  readonly now: () => number;
}

/**
 * The access token that a request carries, when it is good for what the request takes. Throws `Refusal`. Answers without a
 * promise where the token is known already, so that a request that needs nobody else is not held up for a moment.
 */
export type Authenticate = (request: IncomingMessage, required: Requirement) => AccessToken | Promise<AccessToken>;

/**
 * RFC 6750 §2.1 and §3.1: lets a request pass that carries a good access token for this resource server, with the scopes.
 * Answers 503 when nobody can say whether the token is good: never a guess in either direction.
 */
export function createAuthenticate({ verify, expected, refuse, now }: AuthenticateDependencies): Authenticate {
  const check = (verified: VerifiedToken | undefined, required: Requirement): AccessToken => {
    if (verified === undefined) {
      throw refuse.invalidToken('The access token is unknown, expired or revoked.');
    }
    const objection = objectionTo(verified, expected);
    if (objection !== undefined) {
      throw refuse.invalidToken(objection);
    }
    const shortcoming = shortcomingOf(verified.accessToken, required, refuse, now);
    if (shortcoming !== undefined) {
      throw shortcoming;
    }
    return verified.accessToken;
  };

  return (request, required) => {
    const verified = verify(readPresentedToken(request, refuse), required.question);
    return verified instanceof Promise
      ? verified.then(
          (answer) => check(answer, required),
          (error: unknown) => {
            throw refusalOf(error, refuse);
          },
        )
      : check(verified, required);
  };
}

/** Anything else is a mistake of ours. */
function refusalOf(error: unknown, refuse: Refusals): unknown {
  if (error instanceof UnusableToken) {
    return refuse.invalidToken(error.message);
  }
  return error instanceof CannotVerify ? refuse.unavailable(error) : error;
}

/** Why the token is none for here, whatever the request takes. */
function objectionTo({ accessToken, tokenType }: VerifiedToken, expected: Expectations): string | undefined {
  if (tokenType !== 'bearer') {
    return 'This is not a bearer access token.';
  }
  // RFC 9449 §7.2: whoever stole a bound token would otherwise use it without its key.
  if (accessToken.confirmation !== undefined) {
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

/** What the token lacks for this request: another one may have it. */
function shortcomingOf(
  { scopes, acr, authTime }: AccessToken,
  { scopes: needed, acrValues, maxAge }: Requirement,
  refuse: Refusals,
  now: () => number,
): Refusal | undefined {
  if (needed.some((scope) => !scopes.has(scope))) {
    return refuse.insufficientScope(
      needed,
      needed.filter((scope) => !scopes.has(scope)),
    );
  }
  if (acrValues !== undefined && (acr === undefined || !acrValues.includes(acr))) {
    return refuse.insufficientAuthentication('This takes another way to sign in.', { acrValues, ...age(maxAge) });
  }
  if (maxAge !== undefined && (authTime === undefined || now() - authTime.getTime() > maxAge * 1000)) {
    const description = `This takes a sign-in within the last ${maxAge} seconds.`;
    return refuse.insufficientAuthentication(description, { ...(acrValues && { acrValues }), maxAge });
  }
  return undefined;
}

function age(maxAge: number | undefined) {
  return maxAge === undefined ? {} : { maxAge };
}
