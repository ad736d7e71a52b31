import type { Pool } from 'pg';
import type { Client, ClientMetadata, ClientStore, SelfDescribed } from '../clients/client.ts';
import type { Outcome } from '../directory/apply-directory.ts';

/** No client id is longer; keeps what a stranger sends out of the database. */
const MAX_ID_LENGTH = 255;

const FIND_CLIENT = {
  name: 'find-client',
  text: `select client_id, metadata, secret_hash, resource_server, created_at,
      (select 'registration' from client_registrations r where r.client_id = clients.client_id) as self_described
    from clients where client_id = $1 and disabled_at is null`,
};

const NEXT_CLIENTS = `
  select client_id, metadata, secret_hash, resource_server, created_at, null as self_described
    from clients where disabled_at is null and client_id > $1
      and not exists (select from client_registrations r where r.client_id = clients.client_id)
    order by client_id limit 500`;

/** Whoever saves it vouches for it: a client that had registered itself loses the token by which it could change this. */
const SAVE_CLIENT = `
  with existing as (select from clients where client_id = $1),
    vouched_for as (delete from client_registrations where client_id = $1)
  insert into clients (client_id, metadata, secret_hash, resource_server) values ($1, $2, $3, $4)
  on conflict (client_id) do update set
    metadata = excluded.metadata, secret_hash = excluded.secret_hash, resource_server = excluded.resource_server, updated_at = now()
  where (clients.metadata, clients.secret_hash, clients.resource_server)
    is distinct from (excluded.metadata, excluded.secret_hash, excluded.resource_server)
  returning exists (select from existing) as existed`;

export interface ClientRow {
  client_id: string;
  metadata: ClientMetadata;
  secret_hash: string | null;
  resource_server: string | null;
  self_described: SelfDescribed | null;
  created_at: Date;
}

/** Clients in PostgreSQL. Each method is one statement, and thereby atomic. */
export class PostgresClientStore implements ClientStore {
  readonly #database: Pick<Pool, 'query'>;

  constructor(database: Pick<Pool, 'query'>) {
    this.#database = database;
  }

  /** The ids of clients that authenticate with a secret of one of these hashes. */
  async clientsWithSecretHash(secretHashes: readonly string[]): Promise<readonly string[]> {
    const { rows } = await this.#database.query<{ client_id: string }>(
      'select client_id from clients where secret_hash = any ($1::text[]) and disabled_at is null order by client_id',
      [secretHashes],
    );
    return rows.map(({ client_id }) => client_id);
  }

  /** Those that somebody vouches for, in the order of their ids; read some at a time, for there may be many. */
  async *vouchedFor(): AsyncGenerator<Client> {
    let rows: ClientRow[];
    let last = '';
    do {
      ({ rows } = await this.#database.query<ClientRow>(NEXT_CLIENTS, [last]));
      yield* rows.map(toClient);
      last = rows.at(-1)?.client_id ?? last;
    } while (rows.length > 0);
  }

  async findClient(clientId: string): Promise<Client | undefined> {
    // PostgreSQL refuses a NUL in a text: no client has such an id, and asking would be an error.
    if (clientId.length > MAX_ID_LENGTH || clientId.includes('\0')) {
      return undefined;
    }
    const { rows } = await this.#database.query<ClientRow>({ ...FIND_CLIENT, values: [clientId] });
    return rows[0] && toClient(rows[0]);
  }

  /** Leaves a disabled client disabled. Writes nothing when the client is stored like this already. */
  async saveClient({ clientId, metadata, secretHash, resourceServer }: Client): Promise<Outcome> {
    const values = [clientId, JSON.stringify(metadata), secretHash, resourceServer];
    const { rows } = await this.#database.query<{ existed: boolean }>(SAVE_CLIENT, values);
    return rows[0] === undefined ? 'unchanged' : rows[0].existed ? 'updated' : 'created';
  }

  /** False when there is no such client. */
  async deleteClient(clientId: string): Promise<boolean> {
    const { rowCount } = await this.#database.query('delete from clients where client_id = $1', [clientId]);
    return rowCount === 1;
  }
}

export function toClient(row: ClientRow): Client {
  return {
    clientId: row.client_id,
    metadata: row.metadata,
    secretHash: row.secret_hash ?? undefined,
    resourceServer: row.resource_server ?? undefined,
    selfDescribed: row.self_described ?? undefined,
    createdAt: row.created_at,
  };
}
