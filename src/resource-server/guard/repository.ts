import { z } from 'zod';
import { CannotVerify, type Verify } from './access-token.ts';
import { circuitBreaker } from './circuit-breaker.ts';
import { looksLikeJwt, type VerifyJwt } from './jwt.ts';
import type { GuardLogger } from './strategy.ts';
import { TokenClaims, verifiedTokenOf } from './token-claims.ts';
import { placeOf } from './token-place.ts';

/** As much of a `Pool` of `pg` as is needed here. */
export interface TokenDatabase {
  query(statement: { name: string; text: string; values: unknown[] }): Promise<{ rows: Record<string, unknown>[] }>;
}

export interface RepositoryDependencies {
  readonly database: TokenDatabase;
  readonly issuer: string;
  readonly audience: string;
  readonly verifyJwt: VerifyJwt;
  /** `undefined` where this resource server has nothing to authenticate with. */
  readonly introspect: Verify | undefined;
  readonly timeoutMs: number;
  readonly logger: GuardLogger;
}

const INTROSPECT_TOKEN = {
  name: 'introspect-token',
  text: 'select introspect_token($1::integer, $2::uuid, $3::boolean, $4::text) as answer',
};

/** The token's client describes itself by a document at this URL, which the authorization server reads and no database has. */
const OfDescribedClient = z.object({ described_by: z.string() });

const Answer = z.union([OfDescribedClient, TokenClaims]).nullable();

/**
 * Looks the token up in the database of the authorization server, or in a replica: the answer is that of introspection. The
 * database is told the token's hash; the signature of a JWT is checked here, for its row goes by a name that is no secret. Where
 * it takes more to tell than the database has, the authorization server is asked.
 */
export function repository({
  database,
  issuer,
  audience,
  verifyJwt,
  introspect,
  timeoutMs,
  logger,
}: RepositoryDependencies): Verify {
  const guarded = circuitBreaker({ failures: 5, restMs: 1000, now: () => performance.now() });

  const lookUp = async (id: string, isJwt: boolean) => {
    const { slot, key } = placeOf(id);
    const { rows } = await within(
      timeoutMs,
      database.query({ ...INTROSPECT_TOKEN, values: [slot, key, isJwt, audience] }),
    );
    return rows[0]?.answer;
  };

  return async (token, question) => {
    const isJwt = looksLikeJwt(token);
    const id = isJwt ? (await verifyJwt(token))?.jti : token;
    if (id === undefined) {
      return undefined;
    }
    const answer = await guarded(() => lookUp(id, isJwt))
      // Outside of the circuit: an answer that nobody understands is about one token, whose holder could close it for all others.
      .then((found) => Answer.parse(found))
      .catch((cause: unknown) => {
        logger.warn({ err: cause }, 'cannot look an access token up in the database');
        throw new CannotVerify('the database does not answer', { cause });
      });
    if (answer === null) {
      return undefined;
    }
    return 'described_by' in answer
      ? introspect?.(token, question)
      : verifiedTokenOf({ ...answer, iss: issuer }, { audience, issuer });
  };
}

/** A pool may let a query wait for as long as it likes. */
async function within<T>(timeoutMs: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  return Promise.race([answer, tooLate]).finally(() => clearTimeout(timer));
}
