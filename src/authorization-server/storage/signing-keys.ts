import type { Pool, PoolClient } from 'pg';
import { inTransaction } from '../../database/transaction.ts';
import type { SigningKey, SigningKeyStore } from '../provider/signing-keys.ts';
import type { Sealing } from './sealing.ts';

/** Private keys at rest are sealed, each under a key of its own: see sealing.ts. */
export class PostgresSigningKeyStore implements SigningKeyStore {
  readonly #pool: Pool;
  readonly #sealing: Sealing;

  constructor(pool: Pool, sealing: Sealing) {
    this.#pool = pool;
    this.#sealing = sealing;
  }

  listSigningKeys(): Promise<readonly SigningKey[]> {
    return this.#list(this.#pool);
  }

  async keepFirstSigningKeys(keys: readonly SigningKey[]): Promise<readonly SigningKey[]> {
    return inTransaction(this.#pool, async (client) => {
      await client.query('lock table signing_keys in exclusive mode');
      const kept = await this.#list(client);
      if (kept.length > 0) {
        return kept;
      }
      for (const key of keys) {
        const sealed = this.#sealing.seal(`signing key ${key.kid}`, JSON.stringify(key));
        await client.query('insert into signing_keys (kid, alg, sealed_jwk) values ($1, $2, $3)', [
          key.kid,
          key.alg,
          sealed,
        ]);
      }
      return keys;
    });
  }

  async #list(client: Pool | PoolClient): Promise<readonly SigningKey[]> {
    const { rows } = await client.query('select kid, sealed_jwk from signing_keys order by created_at, alg desc');
    const keys: SigningKey[] = [];
    for (const { kid, sealed_jwk } of rows) {
      const opened = this.#sealing.open(`signing key ${kid}`, sealed_jwk);
      if (opened === undefined) {
        throw new Error(
          `the signing key ${kid} in the database was sealed with another CONCIERGE_SECRET: put that secret back (it may follow a newer one, separated by a comma)`,
        );
      }
      if (this.#sealing.isOutdated(`signing key ${kid}`, sealed_jwk)) {
        const sealed = this.#sealing.seal(`signing key ${kid}`, opened);
        await client.query('update signing_keys set sealed_jwk = $2 where kid = $1', [kid, sealed]);
      }
      keys.push(JSON.parse(opened));
    }
    return keys;
  }
}
