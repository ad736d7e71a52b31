import type { Pool } from 'pg';
import {
  loadSigningKeys,
  type SigningKey,
  type SigningKeyStore,
} from '../authorization-server/provider/signing-keys.ts';
import type { Sealing } from '../authorization-server/storage/sealing.ts';
import type { SigningKeys } from './protocol.ts';

/** Keys that no store has yet, one for each algorithm. */
export function makeSigningKeys(): Promise<readonly SigningKey[]> {
  const empty: SigningKeyStore = {
    listSigningKeys: async () => [],
    keepFirstSigningKeys: async (keys) => keys,
  };
  return loadSigningKeys(empty);
}

/** The engine signs with the first key of an algorithm, and the store puts the oldest first: so these are older than all. */
export async function addSigningKeys(pool: Pick<Pool, 'query'>, sealing: Sealing): Promise<void> {
  for (const key of await makeSigningKeys()) {
    const sealed = sealing.seal(`signing key ${key.kid}`, JSON.stringify(key));
    await pool.query(
      `insert into signing_keys (kid, alg, sealed_jwk, created_at)
       select $1, $2, $3, min(created_at) - interval '1 second' from signing_keys`,
      [key.kid, key.alg, sealed],
    );
  }
}

export async function listSigningKeys(pool: Pick<Pool, 'query'>): Promise<SigningKeys> {
  const { rows } = await pool.query<{ kid: string; first: boolean }>(
    `select kid, row_number() over (partition by alg order by created_at) = 1 as first
     from signing_keys order by created_at`,
  );
  const kids = (signs: boolean) => rows.filter(({ first }) => first === signs).map(({ kid }) => kid);
  return { signing: kids(true), verifying: kids(false) };
}
