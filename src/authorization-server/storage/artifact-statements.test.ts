import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts';
import * as artifacts from './artifact-statements.ts';
import { copyRemembered } from './remembered-grants.ts';
import * as revocations from './revocation-statements.ts';
import * as tokens from './token-statements.ts';

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase('authorization-server');
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  // As on every connection of the server.
  await client.query('set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off');
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

const EVERY_STATEMENT = {
  'artifacts.find': artifacts.find([]),
  'artifacts.findWithAccount': artifacts.findWithAccount([]),
  'artifacts.findByUid': artifacts.findByUid('', ''),
  'artifacts.findByUserCode': artifacts.findByUserCode('', []),
  'artifacts.upsert': artifacts.upsert([]),
  'artifacts.update': artifacts.update([]),
  'artifacts.consume': artifacts.consume(''),
  'artifacts.destroy': artifacts.destroy([]),
  'artifacts.removeExpired': artifacts.removeExpired(1),
  'remembered.copyRemembered': copyRemembered('', { id: '', accountId: '', clientId: '', client: '' }),
  'tokens.find': tokens.find([]),
  'tokens.insert': tokens.insert([]),
  'tokens.redeem': tokens.redeem([]),
  'tokens.redeemArtifact': tokens.redeemArtifact({ key: '', saved: [] }),
  'tokens.revoke': tokens.revoke([]),
  'revocations.revokeByGrantId': revocations.revokeByGrantId(''),
  'revocations.revokeGrantOf': revocations.revokeGrantOf({ slot: 0, key: '' }),
  'revocations.revokeByAccountId': revocations.revokeByAccountId(''),
  'revocations.revokeByClientId': revocations.revokeByClientId(''),
  'revocations.endGrantsOfClient': revocations.endGrantsOfClient(''),
  'revocations.endGrant': revocations.endGrant(''),
  'revocations.endSession': revocations.endSession('', ''),
};

/** Nothing to look for, or rare enough to look everywhere. */
const WITHOUT_INDEX = ['artifacts.upsert', 'tokens.insert', 'revocations.revokeByClientId'];

it.each(Object.entries(EVERY_STATEMENT).filter(([name]) => !WITHOUT_INDEX.includes(name)))(
  'C104: %s finds its rows by an index, however many there are',
  async (_, { text }) => {
    const { rows } = await client.query(`explain (generic_plan, costs off) ${text}`);
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toMatch(/Index (Only )?(Scan|Cond)|Bitmap Index Scan/);
    expect(plan).not.toMatch(/Seq Scan|Hash Join|Merge Join/);
  },
);

it('names every statement once, so that PostgreSQL plans it once a connection', () => {
  const names = Object.values(EVERY_STATEMENT).map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).not.toContain(undefined);
});
