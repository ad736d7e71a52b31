import type { IncomingMessage } from 'node:http';
import { type AccessToken, CannotVerify, UnusableToken, type VerifiedToken, type Verify } from './access-token.ts';
import type { Possession } from './possession.ts';
import { type Presented, readPresentedToken } from './presented-token.ts';
import type { Refusal } from './refusal.ts';
import type { Refusals, SchemeRefusals } from './refusals.ts';
import type { Requirement } from './requirement.ts';

export interface AuthenticateDependencies {
  readonly verify: Verify;
  readonly possession: Possession;
  readonly refuse: Refusals;
  readonly now: () => number;
}

/**
 * The access token that a request carries, when it is good for what the request takes. Throws `Refusal`. Answers without a
 * promise where the token is known already, so that a request that needs nobody else is not held up for a moment.
 *
 * `target` is what the request asked for as it came in, where that is not its `url` any more.
 */
export type Authenticate = (
  request: IncomingMessage,
  required: Requirement,
  target?: string,
) => AccessToken | Promise<AccessToken>;

/**
 * RFC 6750 §2.1 and §3.1, RFC 9449 §7.1: lets a request pass that carries a good access token for this resource server, with the
 * scopes, and shows the key that the token is bound to, if it is. Answers 503 when nobody can say whether the token is
 * good: never a guess in either direction.
 */
export function createAuthenticate({ verify, possession, refuse, now }: AuthenticateDependencies): Authenticate {
  const check = (verified: VerifiedToken | undefined, asked: Asked) => {
    if (verified === undefined) {
      throw asked.refuse.invalidToken('The access token is unknown, expired or revoked.');
    }
    if (verified.objection !== undefined) {
      throw asked.refuse.invalidToken(verified.objection);
    }
    const { accessToken } = verified;
    const { request, presented, refuse } = asked;
    const proven = possession.check({ request, presented, accessToken, refuse });
    return proven === undefined ? finish(accessToken, asked) : proven.then(() => finish(accessToken, asked));
  };

  const finish = (accessToken: AccessToken, { required, refuse }: Asked) => {
    const shortcoming = shortcomingOf(accessToken, required, refuse, now);
    if (shortcoming !== undefined) {
      throw shortcoming;
    }
    return accessToken;
  };

  return (request, required, target = originalTarget(request)) => {
    const presented = readPresentedToken(request, target, refuse);
    const asked: Asked = { request, presented, required, refuse: presented.scheme === 'DPoP' ? refuse.inDpop : refuse };
    const verified = verify(presented.token, required.question);
    return verified instanceof Promise
      ? verified.then(
          (answer) => check(answer, asked),
          (error: unknown) => {
            throw refusalOf(error, asked.refuse);
          },
        )
      : check(verified, asked);
  };
}

interface Asked {
  readonly request: IncomingMessage;
  readonly presented: Presented;
  readonly required: Requirement;
  readonly refuse: SchemeRefusals;
}

/** Express and Connect keep it there when a router takes the front of `url` away. */
function originalTarget(request: IncomingMessage & { readonly originalUrl?: unknown }): string {
  const { originalUrl, url = '' } = request;
  return typeof originalUrl === 'string' ? originalUrl : url;
}

/** Anything else is a mistake of ours. */
function refusalOf(error: unknown, refuse: SchemeRefusals): unknown {
  if (error instanceof UnusableToken) {
    return refuse.invalidToken(error.message);
  }
  return error instanceof CannotVerify ? refuse.unavailable(error) : error;
}

/** What the token lacks for this request: another one may have it. */
function shortcomingOf(
  { scopes, acr, authTime }: AccessToken,
  { scopes: needed, acrValues, maxAge }: Requirement,
  refuse: SchemeRefusals,
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
