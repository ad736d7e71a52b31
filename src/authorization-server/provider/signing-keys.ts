import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';

/** A private signing key with `kid`, `alg` and `use` (RFC 7517). */
export type SigningKey = JWK & { readonly kid: string; readonly alg: SigningAlg };

export const SIGNING_ALGS = ['RS256', 'ES256'] as const;
export type SigningAlg = (typeof SIGNING_ALGS)[number];

export interface SigningKeyStore {
  /** Oldest first. */
  listSigningKeys(): Promise<readonly SigningKey[]>;
  /** Keeps these keys unless there are some by now, and answers with those that are kept: nodes may start together. */
  keepFirstSigningKeys(keys: readonly SigningKey[]): Promise<readonly SigningKey[]>;
}

/** The keys that sign, made on the first start: RS256 because OpenID Connect Core §15.1 demands it, ES256 to be fast. */
export async function loadSigningKeys(store: SigningKeyStore): Promise<readonly SigningKey[]> {
  const kept = await store.listSigningKeys();
  return kept.length > 0 ? kept : store.keepFirstSigningKeys(await Promise.all(SIGNING_ALGS.map(generateSigningKey)));
}

async function generateSigningKey(alg: SigningAlg): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(privateKey);
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg, use: 'sig' };
}
