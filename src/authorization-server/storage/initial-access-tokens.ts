import type { Pool } from 'pg';
import type { InitialAccessToken, InitialAccessTokens, TokenPolicy } from '../clients/initial-access-tokens.ts';

const FIND = {
  name: 'initial-access-token-find',
  text: 'select id, policy from initial_access_tokens where token_hash = $1 and expires_at > now()',
};

export interface ListedToken {
  readonly id: string;
  readonly policy: TokenPolicy;
  readonly created_at: Date;
  readonly expires_at: Date;
}

/** Initial access tokens (RFC 7591 §3) in PostgreSQL, by their hashes. Good for any number of clients until they expire. */
export class PostgresInitialAccessTokens implements InitialAccessTokens {
  readonly #database: Pick<Pool, 'query'>;

  constructor(database: Pick<Pool, 'query'>) {
    this.#database = database;
  }

  async find(tokenHash: string): Promise<InitialAccessToken | undefined> {
    const { rows } = await this.#database.query<InitialAccessToken>({ ...FIND, values: [tokenHash] });
    return rows[0];
  }

  async issue(token: InitialAccessToken & { tokenHash: string; lifetime: number }): Promise<Date> {
    const { rows } = await this.#database.query<{ expires_at: Date }>(
      `insert into initial_access_tokens (id, token_hash, policy, expires_at)
        values ($1, $2, $3, now() + make_interval(secs => $4)) returning expires_at`,
      [token.id, token.tokenHash, JSON.stringify(token.policy), token.lifetime],
    );
    return (rows[0] as { expires_at: Date }).expires_at;
  }

  async list(): Promise<readonly ListedToken[]> {
    const { rows } = await this.#database.query<ListedToken>(
      `select id, policy, created_at, expires_at from initial_access_tokens where expires_at > now() order by created_at`,
    );
    return rows;
  }

  /** False when there is no such token. Clients that were registered with it stay. */
  async revoke(id: string): Promise<boolean> {
    const { rowCount } = await this.#database.query('delete from initial_access_tokens where id = $1', [id]);
    return rowCount === 1;
  }

  async removeExpired(): Promise<void> {
    await this.#database.query(`delete from initial_access_tokens where expires_at < now() - interval '5 minutes'`);
  }
}
