import type { Pool } from 'pg';
import type {
  ClientRegistrations,
  NewRegistration,
  Reissue,
  StoredRegistration,
} from '../clients/client-registrations.ts';
import { type ClientRow, toClient } from './clients.ts';
import { endGrantsOfClient } from './revocation-statements.ts';

const FIND = {
  name: 'registration-find',
  text: `select client_id, metadata, secret_hash, resource_server, created_at, 'registration' as self_described, access_token_hash,
      policy, extract(epoch from registered_at)::int as issued_at
    from client_registrations join clients using (client_id) where client_id = $1 and disabled_at is null`,
};

const UNUSED = 'select client_id from client_registrations where used_at is null and initial_access_token is null';

const REGISTER = {
  name: 'registration-register',
  text: `with client as (insert into clients (client_id, metadata, secret_hash) values ($1, $2, $3))
    insert into client_registrations (client_id, access_token_hash, initial_access_token, policy) values ($1, $4, $5, $6)
    returning extract(epoch from registered_at)::int as issued_at,
      exists (${UNUSED} order by registered_at desc offset $7) as crowded`,
};

/** Whoever was faster has another token by now. */
const REISSUE = {
  name: 'registration-reissue',
  text: `with reissued as (update client_registrations set access_token_hash = $3
      where client_id = $1 and access_token_hash = $2 returning client_id)
    update clients set metadata = $4, secret_hash = $5, updated_at = now() from reissued
    where clients.client_id = reissued.client_id`,
};

const REMOVE = {
  name: 'registration-remove',
  text: `delete from clients using client_registrations r
    where clients.client_id = $1 and r.client_id = $1 and r.access_token_hash = $2`,
};

/** Of those that anybody could register and nobody used, all but so many: the oldest go. */
const KEEP_UNUSED = `delete from clients where client_id in (${UNUSED} order by registered_at desc offset $1)`;

const MARK_USED = {
  name: 'registration-mark-used',
  text: 'update client_registrations set used_at = now() where client_id = $1 and used_at is null',
};

const FIND_ABANDONED = `
  select client_id from client_registrations where used_at is null and registered_at < now() - make_interval(secs => $1)
  order by registered_at limit $2`;

/** One that was used in the meantime stays. */
const REMOVE_ABANDONED = `
  delete from clients using client_registrations r
  where clients.client_id = any ($1) and r.client_id = clients.client_id and r.used_at is null`;

interface RegistrationRow extends ClientRow {
  access_token_hash: string;
  policy: StoredRegistration['policy'];
  issued_at: number;
}

/** Clients that registered themselves, in PostgreSQL: rows of `clients` with what only they have beside them. */
export class PostgresClientRegistrations implements ClientRegistrations {
  readonly #database: Pick<Pool, 'query'>;

  constructor(database: Pick<Pool, 'query'>) {
    this.#database = database;
  }

  async find(clientId: string): Promise<StoredRegistration | undefined> {
    if (clientId.includes('\0')) {
      return undefined;
    }
    const { rows } = await this.#database.query<RegistrationRow>({ ...FIND, values: [clientId] });
    return rows.map((row) => ({
      client: toClient(row),
      accessTokenHash: row.access_token_hash,
      policy: row.policy,
      issuedAt: row.issued_at,
    }))[0];
  }

  async register({ client, accessTokenHash, initialAccessToken, policy }: NewRegistration, mostUnused: number) {
    const values = [
      client.clientId,
      JSON.stringify(client.metadata),
      client.secretHash,
      accessTokenHash,
      initialAccessToken,
      JSON.stringify(policy),
      mostUnused,
    ];
    const { rows } = await this.#database.query<{ issued_at: number; crowded: boolean }>({ ...REGISTER, values });
    const [{ issued_at, crowded } = { issued_at: 0, crowded: false }] = rows;
    if (crowded) {
      // A tenth more than has to be: a change of what nodes keep in memory is not for every registration from now on.
      await this.#database.query(KEEP_UNUSED, [Math.ceil(mostUnused * 0.9)]);
    }
    return issued_at;
  }

  async reissue({ client, formerAccessTokenHash, accessTokenHash }: Reissue): Promise<boolean> {
    const { clientId, metadata, secretHash } = client;
    const values = [clientId, formerAccessTokenHash, accessTokenHash, JSON.stringify(metadata), secretHash];
    return (await this.#database.query({ ...REISSUE, values })).rowCount === 1;
  }

  async remove(clientId: string, accessTokenHash: string): Promise<boolean> {
    const { rowCount } = await this.#database.query({ ...REMOVE, values: [clientId, accessTokenHash] });
    // From here on none of its tokens is good for anything. What is left of them is cleared at once, too.
    if (rowCount === 1) {
      await this.#database.query(endGrantsOfClient(clientId));
    }
    return rowCount === 1;
  }

  async markUsed(clientId: string): Promise<void> {
    await this.#database.query({ ...MARK_USED, values: [clientId] });
  }

  /** At most so many that were registered more than `seconds` ago and never used. */
  async removeAbandoned(seconds: number, limit: number): Promise<number> {
    const { rows } = await this.#database.query<{ client_id: string }>(FIND_ABANDONED, [seconds, limit]);
    // A statement that removes nobody would make every node read the directory again all the same.
    if (rows.length > 0) {
      await this.#database.query(REMOVE_ABANDONED, [rows.map(({ client_id }) => client_id)]);
    }
    return rows.length;
  }
}
