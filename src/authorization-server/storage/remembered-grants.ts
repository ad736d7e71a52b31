import type { QueryConfig } from 'pg';
import type { GrantToCopy, RememberedGrants } from '../grants/remembered-grant.ts';
import type { ArtifactPayload } from './artifact-payload.ts';
import type { Database } from './batched.ts';
import { LIVE } from './grant-statements.ts';
import type { RequestMemory } from './request-memory.ts';

/** Tells the few from the many that the password grant may have made, before they are read; the rest is looked at as JSON. */
const IS_REMEMBERED = `${LIVE} and payload like '%"remembered":{%'`;

/**
 * The lock makes what ends or changes the grant wait for the copy (end-all.ts), and the copy for that: then it is the changed
 * one that is copied, or none. The second of two at once finds the first one's row.
 */
export const copyRemembered = (key: string, { accountId, clientId, client }: GrantToCopy): QueryConfig => ({
  name: 'grants-copy-remembered',
  text: `with remembered as materialized (
      select key, payload::json as permits from artifacts
      where account_id = $2 and client_id = $3 and ${IS_REMEMBERED}),
    newest as materialized (
      select key from remembered
      where (permits ->> 'exp')::float8 > extract(epoch from now()) and permits #>> '{remembered,client}' = $4
      order by (permits #>> '{remembered,at}')::float8 desc limit 1)
    insert into artifacts (key, kind, account_id, client_id, payload, expires_at)
    select $1::uuid, kind, account_id, client_id, payload, expires_at from artifacts
    where key = (select key from newest) and ${IS_REMEMBERED} for share
    on conflict (key) do update set payload = artifacts.payload where artifacts.consumed_at is null
    returning payload`,
  values: [key, accountId, clientId, client],
});

interface RememberedGrantsDeps {
  readonly pool: Database;
  readonly payload: Pick<ArtifactPayload, 'keyOf'>;
  readonly memory: () => RequestMemory | undefined;
}

export function createRememberedGrants({ pool, payload, memory }: RememberedGrantsDeps): RememberedGrants {
  return {
    async copyRemembered(copy) {
      const key = payload.keyOf('Grant', copy.id);
      const { rows } = await pool.query<{ payload: string }>(copyRemembered(key, copy));
      if (rows[0] !== undefined) {
        memory()?.grants.set(key, rows[0].payload);
      }
      return rows[0] !== undefined;
    },
  };
}
