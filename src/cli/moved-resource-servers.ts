import type { Pool } from 'pg';
import { z } from 'zod';
import { inTransaction } from '../database/transaction.ts';

const Named = z.object({ resourceServers: z.array(z.object({ identifier: z.string(), name: z.string() })) });

/**
 * The demo directory names a resource server by its address. At another address than at an earlier start it is the same one, by
 * its name, and not a second one that would want the types of the first. Its clients go along; scopes and types come with
 * the directory, which is applied next.
 */
export async function followMovedResourceServers(pool: Pool, content: unknown): Promise<void> {
  for (const { identifier, name } of Named.parse(content).resourceServers) {
    await inTransaction(pool, async (connection) => {
      const move = [identifier, name];
      await connection.query(
        `insert into resource_servers (identifier, name, access_token_format, access_token_ttl, claims)
         select $1, name, access_token_format, access_token_ttl, claims
           from resource_servers where name = $2 order by is_default desc limit 1
         on conflict (identifier) do nothing`,
        move,
      );
      await connection.query(
        `update clients set resource_server = $1
         where resource_server in (select identifier from resource_servers where name = $2 and identifier <> $1)`,
        move,
      );
      await connection.query('delete from resource_servers where name = $2 and identifier <> $1', move);
    });
  }
}
