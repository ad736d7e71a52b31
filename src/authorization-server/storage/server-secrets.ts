import type { Pool } from 'pg';
import type { ServerSecretStore } from '../provider/server-secrets.ts';
import type { Sealing } from './sealing.ts';

/** Secrets at rest are sealed, each under a key of its own: see sealing.ts. */
export class PostgresServerSecretStore implements ServerSecretStore {
  readonly #pool: Pick<Pool, 'query'>;
  readonly #sealing: Sealing;

  constructor(pool: Pick<Pool, 'query'>, sealing: Sealing) {
    this.#pool = pool;
    this.#sealing = sealing;
  }

  async keepServerSecret(name: string, create: () => Promise<string>): Promise<string> {
    const kept = await this.#read(name);
    if (kept !== undefined) {
      return kept;
    }
    // Whoever is first decides; the others wait for that, and read it.
    const sealed = this.#sealing.seal(purposeOf(name), await create());
    await this.#pool.query('insert into server_secrets (name, sealed) values ($1, $2) on conflict do nothing', [
      name,
      sealed,
    ]);
    const first = await this.#read(name);
    if (first === undefined) {
      throw new Error(`the ${name} was removed from the database while it was being made`);
    }
    return first;
  }

  async #read(name: string): Promise<string | undefined> {
    const { rows } = await this.#pool.query<{ sealed: string }>('select sealed from server_secrets where name = $1', [
      name,
    ]);
    if (rows[0] === undefined) {
      return undefined;
    }
    const { sealed } = rows[0];
    const opened = this.#sealing.open(purposeOf(name), sealed);
    if (opened === undefined) {
      throw new Error(
        `the ${name} in the database was sealed with another CONCIERGE_SECRET: put that secret back (it may follow a newer one, separated by a comma)`,
      );
    }
    if (this.#sealing.isOutdated(purposeOf(name), sealed)) {
      const renewed = this.#sealing.seal(purposeOf(name), opened);
      await this.#pool.query('update server_secrets set sealed = $2 where name = $1', [name, renewed]);
    }
    return opened;
  }
}

function purposeOf(name: string): string {
  return `server secret ${name}`;
}
