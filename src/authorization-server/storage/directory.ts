import type { Pool } from 'pg';
import { inTransaction } from '../../database/transaction.ts';
import type { DirectoryStore, DirectoryWriter } from '../directory/apply-directory.ts';
import type { Known } from '../directory/references.ts';
import { PostgresClientStore } from './clients.ts';
import { PostgresResourceStore } from './resources.ts';
import { PostgresTrustedIssuerStore } from './trusted-issuers.ts';

export class PostgresDirectoryStore implements DirectoryStore {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  transaction<Result>(work: (writer: DirectoryWriter) => Promise<Result>): Promise<Result> {
    return inTransaction(this.#pool, async (connection) => {
      // Two that apply at once would both miss what the other is about to insert. This is what every writer locks first,
      // so nobody waits for us with something that we need; readers do not wait at all.
      await connection.query('select from directory_version for update');
      const resources = new PostgresResourceStore(connection);
      const clients = new PostgresClientStore(connection);
      const trustedIssuers = new PostgresTrustedIssuerStore(connection);
      return work({
        saveResourceServer: (server) => resources.saveResourceServer(server),
        saveRole: (role) => resources.saveRole(role),
        saveClient: (client) => clients.saveClient(client),
        saveTrustedIssuer: (issuer) => trustedIssuers.saveTrustedIssuer(issuer),
      });
    });
  }

  /** The names that a directory may refer to. */
  async known(): Promise<Known> {
    const resources = new PostgresResourceStore(this.#pool);
    const [servers, roles] = await Promise.all([resources.listResourceServers(), resources.listRoles()]);
    return {
      resourceServers: new Set(servers.map(({ identifier }) => identifier)),
      scopes: new Set(servers.flatMap(({ scopes }) => scopes.map(({ name }) => name))),
      roles: new Set(roles.map(({ name }) => name)),
      authorizationDetailsTypes: new Map(
        servers.flatMap(({ identifier, authorizationDetailsTypes = [] }) =>
          authorizationDetailsTypes.map(({ type }) => [type, identifier] as const),
        ),
      ),
    };
  }
}
