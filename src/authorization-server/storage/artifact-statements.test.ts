import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts';
import * as statements from './artifact-statements.ts';

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase('authorization-server');
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  // An empty table is read faster than its indexes. Where there is one, it is taken now.
  await client.query('set enable_seqscan = off');
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

it.each([
  ['find', statements.find('', () => 0)],
  ['findByUid', statements.findByUid('', '')],
  ['findByUserCode', statements.findByUserCode('', [])],
  ['consume', statements.consume('')],
  ['destroy', statements.destroy('')],
  ['revokeByGrantId', statements.revokeByGrantId('')],
  ['revokeGrantOf', statements.revokeGrantOf('')],
  ['revokeByAccountId', statements.revokeByAccountId('')],
  ['removeExpired', statements.removeExpired(1)],
])('C104: %s finds its rows by an index, however many there are', async (_, { text }) => {
  const { rows } = await client.query(`explain (generic_plan, costs off) ${text}`);
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
  expect(plan).toMatch(/Index (Only )?(Scan|Cond)|Bitmap Index Scan/);
  expect(plan).not.toContain('Seq Scan');
});

it('names every statement once, so that PostgreSQL plans it once a connection', () => {
  const row = {
    key: '',
    kind: '',
    grant_id: null,
    account_id: null,
    client_id: null,
    uid: null,
    user_code: null,
    payload: '',
  };
  const all = [
    statements.upsert(row, null),
    statements.update(row, null),
    statements.find('', () => 0),
    statements.findByUid('', ''),
    statements.findByUserCode('', []),
    statements.consume(''),
    statements.destroy(''),
    statements.revokeByGrantId(''),
    statements.revokeGrantOf(''),
    statements.revokeByAccountId(''),
    statements.revokeByClientId(''),
    statements.removeExpired(1),
  ];
  const names = all.map(({ name }) => name);
  expect(new Set(names).size).toBe(all.length);
  expect(names).not.toContain(undefined);
});

it('asks how old the request is when the statement leaves, not when it starts to wait for a connection', () => {
  let age = 1;
  const statement = statements.find('key', () => age);
  age = 2;
  expect(statement.values).toEqual(['key', 2]);
});
