import type { Pool } from 'pg';
import { inTransaction } from '../../database/transaction.ts';

/**
 * The resource server of this name is at this address from now on, with its clients; scopes and types stay behind, for whoever
 * applies them next. Does nothing where there is none, or where it is there already.
 */
export function moveResourceServer(pool: Pool, { identifier, name }: { identifier: string; name: string }) {
  return inTransaction(pool, async (connection) => {
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
