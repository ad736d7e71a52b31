import type { IncomingMessage } from 'node:http';
import type { AccessToken } from './access-token.ts';
import { createAuthenticate } from './authenticate.ts';
import { createMetadata, metadataUrl } from './metadata.ts';
import { createMiddleware, type Decision, type Middleware } from './middleware.ts';
import { meantOptions } from './options.ts';
import { createPossession, type PossessionOptions } from './possession.ts';
import { Refusal } from './refusal.ts';
import { createRefusals, type Refusals } from './refusals.ts';
import { type RequireOptions, requirement } from './requirement.ts';
import { CONSOLE } from './strategy.ts';
import { createVerification, type VerificationOptions } from './verification.ts';

export type { AccessToken, Confirmation } from './access-token.ts';
export type { PossessionOptions } from './possession.ts';
export { Refusal } from './refusal.ts';
export type { TokenDatabase } from './repository.ts';
export type { RequireOptions } from './requirement.ts';
export type { Strategy } from './strategy.ts';
export type { CacheOptions, VerificationOptions } from './verification.ts';

export interface GuardOptions extends VerificationOptions {
  /** What people know this API by, for its metadata. */
  readonly name?: string;
  /** Scopes beside those that `require` names, for its metadata. */
  readonly scopes?: readonly string[];
  /** How tokens that are bound to a key are checked: DPoP proofs below the origin of the audience, unless given. */
  readonly possession?: PossessionOptions;
}

/** What the ones behind `Guard.require` find: `ctx.state.token` in Koa, `request.token` in Express and Fastify. */
export interface Guarded {
  token: AccessToken;
}

/** Keeps the routes of a server for those who bring a good access token. */
export interface Guard {
  /**
   * Lets a request pass that carries a good token with all these scopes: one, several between spaces, or a list. Whatever else
   * is answered at once: 401, 403 or 503, with the challenge and a body that say why.
   */
  require(scope: string | readonly string[], options?: RequireOptions): Middleware<AccessToken | undefined>;
  /** Lets a request pass that carries any good token. */
  require(): Middleware<AccessToken | undefined>;
  /** Answers requests for the metadata of this resource server (RFC 9728), and lets all others pass. For all paths. */
  readonly metadata: Middleware<boolean>;
  readonly metadataUrl: string | undefined;
  /** For anything else that has Node's own request. Without a scope it is the caller who looks at those of the token. Throws `Refusal`. */
  authenticate(
    request: IncomingMessage,
    scope?: string | readonly string[],
    options?: RequireOptions,
  ): Promise<AccessToken>;
  /** For what is found out later, in the words of the guard. */
  readonly refuse: Refusals;
  /** Ends what goes on in the background. */
  close(): Promise<void>;
}

export function createGuard(given: GuardOptions): Guard {
  const { issuer, audience, name, scopes = [], ...options } = meantOptions(given);
  const url = metadataUrl(audience)?.href;
  const { logger = CONSOLE } = options;
  const possession = createPossession({ ...options.possession, audience, logger, now: Date.now });
  const refuse = createRefusals({ resourceMetadata: url, dpopAlgs: possession.proofAlgs });
  const verification = createVerification({ issuer, audience, ...options });
  const authenticate = createAuthenticate({
    verify: verification.verify,
    possession,
    refuse,
    now: Date.now,
  });
  const named = new Set(scopes);
  const describe = createMetadata({ audience, issuer, name, scopes: () => named, more: possession.metadata });

  return {
    require(...given: [scope?: string | readonly string[], options?: RequireOptions]) {
      const [scope = given.length === 0 ? [] : undefined, needed] = given;
      if (scope === undefined) {
        // Whoever meant to name one must not be given a route that is open to all.
        throw new TypeError('require() takes any good token, require(undefined) takes none');
      }
      const required = requirement(scope, needed);
      for (const one of required.scopes) {
        named.add(one);
      }
      return createMiddleware((request, target) => decide(() => authenticate(request, required, target)), leaveToken);
    },
    metadata: createMiddleware((request) => {
      const answer = describe(request);
      return answer === undefined ? { left: false } : { answer, left: true };
    }),
    metadataUrl: url,
    authenticate: async (request, scope, needed) => authenticate(request, requirement(scope, needed)),
    refuse,
    close: verification.close,
  };
}

/** The token with which a Koa context, or a request of Express or Fastify, was let pass. Throws where none did, which is where `require` was forgotten. */
export function tokenOf(guarded: object): AccessToken {
  const { state, token = state?.token } = guarded as Partial<Guarded> & { readonly state?: Partial<Guarded> };
  if (token === undefined) {
    throw new TypeError('nothing guards this route: there is no access token');
  }
  return token;
}

type Passed = Decision<AccessToken | undefined>;

function decide(authenticate: () => AccessToken | Promise<AccessToken>): Passed | Promise<Passed> {
  try {
    const token = authenticate();
    return token instanceof Promise ? token.then((left) => ({ left }), refused) : { left: token };
  } catch (error) {
    return refused(error);
  }
}

function refused(error: unknown): Passed {
  if (!(error instanceof Refusal)) {
    throw error;
  }
  const headers = { ...error.headers, 'content-type': 'application/json', 'cache-control': 'no-store' };
  return { answer: { status: error.status, headers, body: error.body }, left: undefined };
}

function leaveToken(place: Partial<Guarded>, token: AccessToken | undefined): void {
  if (token !== undefined) {
    place.token = token;
  }
}
