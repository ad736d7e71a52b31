import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPool, REQUEST_TIMEOUTS } from '../../database/connect.ts';
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts';
import { DatabaseUnavailable, reportUnavailability } from './database-unavailable.ts';
import { revokeByGrantId } from './revocation-statements.ts';
import { placeOf } from './token-payload.ts';
import { createTokenId, slotOf } from './token-slot.ts';
import { createTokenTable } from './token-table.ts';

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase('authorization-server');
  const options = { url: database.url, max: 10, applicationName: 'tokens', timeouts: REQUEST_TIMEOUTS };
  pool = reportUnavailability(createPool(options), { warn() {} });
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

const createPlace = () => ({
  ...placeOf(createTokenId(slotOf(Date.now() / 1000 + 60, 60))),
  kind: 'RefreshToken',
  successors: null,
  saved: [],
});
const without = { account_id: null, client_id: null, session_uid: null, payload: '{}' };

it('C42: uses of many tokens and the end of their grant never wait for each other', async () => {
  const [one, other] = [createTokenTable(pool), createTokenTable(pool)];
  for (let round = 0; round < 40; round += 1) {
    const grant = randomUUID();
    const places = Array.from({ length: 60 }, createPlace);
    await Promise.all(places.map((place) => one.insert({ ...place, ...without, grant_id: grant })));
    const uses = places.map((place, index) => (index % 2 ? one : other).redeem(place));
    const outcomes = await Promise.allSettled([...uses, pool.query(revokeByGrantId(grant))]);
    expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([]);
  }
});

it('a token that somebody holds is waited for alone: whoever came with it is answered', async () => {
  const table = createTokenTable(pool);
  const places = Array.from({ length: 20 }, createPlace);
  await Promise.all(places.map((place) => table.insert({ ...place, ...without, grant_id: null })));
  const holder = await pool.connect();
  await holder.query('begin');
  await holder.query('select from tokens where key = $1 for update', [places[7]?.key]);
  const outcomes = await Promise.allSettled(places.map((place) => table.redeem(place)));
  await holder.query('rollback');
  holder.release();
  const refused = outcomes.filter((one) => one.status === 'rejected');
  expect(refused.map(({ reason }) => reason)).toEqual([expect.any(DatabaseUnavailable)]);
  expect(outcomes.filter((one) => one.status === 'fulfilled' && one.value)).toHaveLength(19);
  expect(await table.redeem(places[7] ?? createPlace())).toBe(true);
});
