import type { Verify } from './access-token.ts';
import type { Discovery } from './discovery.ts';
import { introspection } from './introspection.ts';
import { createVerifyJwt, jwt } from './jwt.ts';
import { repository, type TokenDatabase } from './repository.ts';
import type { Revocations } from './revocations.ts';
import type { SigningKeys } from './signing-keys.ts';

/**
 * How tokens are checked: by asking the authorization server about each (RFC 7662); as JWTs, by its keys (RFC 9068); or by
 * looking them up beside its database, with a pool of connections of a role that is a member of `concierge_token_reader`.
 */
export type Strategy = 'introspection' | 'jwt' | { readonly repository: TokenDatabase };

/** As much of a logger as is needed here; pino's is one. */
export interface GuardLogger {
  warn(details: object, message: string): void;
}

export const CONSOLE: GuardLogger = { warn: (details, message) => console.warn(message, details) };

/** What a way of checking tokens may need. */
export interface StrategyDependencies {
  readonly issuer: string;
  readonly audience: string;
  readonly discovery: Discovery;
  /** The resource server's own client: who may see what about a token is decided by it. */
  readonly client: Credentials | undefined;
  readonly timeoutMs: number;
  readonly logger: GuardLogger;
  readonly keys: Pick<SigningKeys, 'find'>;
  readonly revocations: Revocations;
  /** Whether events about revocations arrive at this moment. */
  readonly live: () => boolean;
}

export interface Credentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

export function createVerify(strategy: Strategy, dependencies: StrategyDependencies): Verify {
  const { client } = dependencies;
  const introspect = client && introspection({ ...dependencies, client });
  if (strategy === 'introspection') {
    if (introspect === undefined) {
      throw new TypeError('to introspect tokens takes a clientId and a clientSecret');
    }
    return introspect;
  }
  const verifyJwt = createVerifyJwt(dependencies);
  return strategy === 'jwt'
    ? jwt({ ...dependencies, verifyJwt, introspect })
    : repository({ ...dependencies, verifyJwt, introspect, database: strategy.repository });
}
