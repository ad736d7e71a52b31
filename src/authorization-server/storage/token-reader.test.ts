import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts';

let database: TestDatabase;
let reader: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase('authorization-server');
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

  it('may run nothing else in the name of the owner, and cannot sign in by itself', async () => {
    const functions = await listed(`select proname from pg_proc
      where pronamespace = 'public'::regnamespace and prosecdef and has_function_privilege(oid, 'execute')`);
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
