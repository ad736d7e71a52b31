import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts';
import { slotOf } from './token-slot.ts';

let database: TestDatabase;
let reader: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase('demonstration');
  reader = new pg.Client({ connectionString: database.url });
  await reader.connect();
  await reader.query('set role concierge_token_reader');
});
afterAll(async () => {
  await reader.end();
  await database.drop();
});

const listed = async (statement: string) => (await reader.query({ text: statement, rowMode: 'array' })).rows.flat();
const OURS = `relnamespace = 'public'::regnamespace`;

describe('the role that looks tokens up', () => {
  it('C97: is told nothing about a hash that there is not, whatever else it knows', async () => {
    const asked = `select introspect_token(1, gen_random_uuid(), false, identifier) from (values ('http://localhost:3001')) as known (identifier)`;
    expect(await listed(asked)).toEqual([null]);
    expect(await listed('select introspect_token(null, null, null, null)')).toEqual([null]);
  });

  it('may read, write and number nothing', async () => {
    const tables = await listed(`select relname from pg_class where ${OURS} and relkind in ('r', 'p', 'v', 'm')
      and (has_any_column_privilege(oid, 'select, insert, update, references') or has_table_privilege(oid, 'delete, truncate, trigger'))`);
    expect(tables).toEqual([]);
    const sequences = await listed(`select relname from pg_class where ${OURS} and
      case when relkind = 'S' then has_sequence_privilege(oid, 'usage, select, update') else false end`);
    expect(sequences).toEqual([]);
    for (const table of ['tokens', 'tokens_default', 'artifacts', 'accounts', 'clients', 'signing_keys']) {
      await expect(reader.query(`select * from ${table}`)).rejects.toThrow(/permission denied/);
    }
  });

  it('may run nothing else of ours, and cannot sign in by itself', async () => {
    // A trigger's function runs by its trigger only.
    const functions = await listed(`select proname from pg_proc
      where pronamespace = 'public'::regnamespace and prorettype <> 'trigger'::regtype and has_function_privilege(oid, 'execute')`);
    expect(functions).toEqual(['introspect_token']);
    expect(await listed(`select rolcanlogin from pg_roles where rolname = 'concierge_token_reader'`)).toEqual([false]);
  });

  it('cannot have the function look at tables of its own', async () => {
    await reader.query(`create temporary table resource_servers as select 'x'::text as identifier`);
    const [settings] = await listed(`select unnest(proconfig) from pg_proc where proname = 'introspect_token'`);
    expect(settings).toBe('search_path=public, pg_temp');
    expect(await listed(`select introspect_token(1, gen_random_uuid(), false, 'x')`)).toEqual([null]);
  });

  it('does not let anybody else look tokens up', async () => {
    const others = await listed(`select acl.grantee::regrole::text from pg_proc, aclexplode(proacl) acl
      where proname = 'introspect_token' and acl.grantee not in (proowner, 'concierge_token_reader'::regrole)`);
    expect(others).toEqual([]);
  });
});

/** So many tokens, each of a grant and a session of its own, of one account and one client. Nobody has counted them. */
const MANY = 500;

async function fill(owner: pg.Client, slot: number): Promise<void> {
  const says = `"exp": 9999999999, "scope": "records:read", "expiresWithSession": true, "grantId": "x"`;
  await owner.query(`
    insert into artifacts (key, kind, account_id, client_id, uid, payload)
      select md5(kind || n)::uuid, kind, account_id, 'demo-web', case kind when 'Session' then 'uid' || n end,
        '{"resources": {"http://localhost:3001": "records:read"}, "authorizations": {"demo-web": {"grantId": "x"}}}'
      from accounts, unnest('{Grant,Session}'::text[]) kind, generate_series(1, ${MANY}) n where email = 'alice@example.com';
    insert into tokens (slot, key, kind, grant_id, account_id, client_id, session_uid, payload)
      select ${slot} + n % 2, md5('token' || n)::uuid, 'AccessToken', md5('Grant' || n)::uuid, account_id, 'demo-web', 'uid' || n, '{${says}}'
      from accounts, generate_series(1, ${MANY}) n where email = 'alice@example.com'`);
}

it('C104: a look-up reads one partition, and the rows it needs by their keys, however many there are', async () => {
  const [owner, another] = [0, 1].map(() => new pg.Client({ connectionString: database.url })) as [
    pg.Client,
    pg.Client,
  ];
  await Promise.all([owner.connect(), another.connect()]);
  const slot = slotOf(Date.now() / 1000, 600);
  await fill(owner, slot);
  // On a connection that has read nothing yet, with the settings of any.
  await another.query('set role concierge_token_reader; begin');
  const told = await another.query(
    `select introspect_token($1, md5('token2')::uuid, false, 'http://localhost:3001') ->> 'scope' as scope`,
    [slot],
  );
  const read = await another.query(`
    select json_object_agg(regexp_replace(relname, '_\\d+$', ''), idx_tup_fetch) as by_index, sum(seq_scan)::int as otherwise
    from pg_stat_xact_user_tables where seq_scan + idx_scan > 0`);
  await Promise.all([owner.end(), another.end()]);
  expect(told.rows).toEqual([{ scope: 'records:read' }]);
  const directory = { clients: 1, accounts: 1, account_roles: 1, roles: 1, resource_servers: 2, scopes: 1 };
  expect(read.rows).toEqual([{ by_index: { ...directory, tokens_hour: 1, artifacts: 2 }, otherwise: 0 }]);
});
