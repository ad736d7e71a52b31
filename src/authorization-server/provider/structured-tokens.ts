import { createLocalJWKSet, errors, type JWK, jwtVerify } from 'jose';
import type { Adapter, AdapterPayload } from 'oidc-provider';
import { SIGNING_ALGS, type SigningKey } from './signing-keys.ts';

/**
 * JWT access tokens (RFC 9068) end like all others: each has its row, under its `jti`, with grant, session, account and
 * client (docs/decisions/0006-jwt-access-tokens-have-a-row.md). Whoever presents one here, to have it introspected, revoked
 * or exchanged, presents what the row says at this moment.
 */
export const STRUCTURED = 'jwt';

/** The `jti` of an access token that this server signed and that has not expired; `undefined` for any other text. */
export type VerifyAccessToken = (jwt: string) => Promise<string | undefined>;

/** As what a token is looked for that somebody presents. */
const PRESENTED: ReadonlySet<string> = new Set(['AccessToken', 'ClientCredentials', 'RefreshToken']);

export function findStructuredTokens(kind: string, adapter: Adapter, verify: VerifyAccessToken): Adapter {
  if (!PRESENTED.has(kind)) {
    return adapter;
  }
  const find = adapter.find.bind(adapter);
  adapter.find = async (token) => {
    // No id of ours has a dot.
    if (!token.includes('.')) {
      return find(token);
    }
    const jti = kind === 'RefreshToken' ? undefined : await verify(token);
    const payload = jti === undefined ? undefined : await find(jti);
    return payload ? withoutFormat(payload) : undefined;
  };
  return adapter;
}

/**
 * The engine refuses what is stored with a format: a `jti` is no secret, and must not be worth a token where somebody
 * presents it alone. What was found by a whole JWT is as good as an opaque one.
 */
function withoutFormat({ format, ...payload }: AdapterPayload & { format?: unknown }): AdapterPayload | undefined {
  return format === STRUCTURED ? payload : undefined;
}

export function createVerifyAccessToken(issuer: string, signingKeys: readonly SigningKey[]): VerifyAccessToken {
  const keys = createLocalJWKSet({ keys: signingKeys.map(publicKey) });
  return async (jwt) => {
    try {
      const { payload } = await jwtVerify(jwt, keys, { issuer, typ: 'at+jwt', algorithms: [...SIGNING_ALGS] });
      return payload.jti;
    } catch (error) {
      if (error instanceof errors.JOSEError) {
        return undefined;
      }
      throw error;
    }
  };
}

/** RFC 7518 §6.2.1 and §6.3.1: what of a key is public. */
function publicKey({ kty, kid, alg, use, crv, x, y, n, e }: SigningKey): JWK {
  return Object.fromEntries(
    Object.entries({ kty, kid, alg, use, crv, x, y, n, e }).filter(([, value]) => value !== undefined),
  );
}
