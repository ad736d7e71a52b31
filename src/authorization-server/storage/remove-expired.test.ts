import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPool } from '../../database/connect.ts';
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts';
import * as statements from './artifact-statements.ts';
import { createArtifactStore } from './artifacts.ts';
import { createSealing } from './sealing.ts';

let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase('authorization-server');
  pool = createPool({ url: database.url, max: 4, applicationName: 'remove-expired' });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(() => pool.query('delete from artifacts'));

const createNode = () =>
  createArtifactStore({
    pool,
    sealing: createSealing(['a-secret-of-this-test-with-more-than-32-characters']),
    currentRequest: () => undefined,
    refreshGrace: { seconds: 0, longest: async () => ({ refreshToken: 60, accessToken: 60 }) },
  });

const removeExpired = async (limit: number) => (await pool.query(statements.removeExpired(limit))).rowCount ?? 0;

/** Consents that may go since so many minutes. */
async function save(count: number, minutesAgo: number): Promise<void> {
  const grants = createNode().adapter('Grant');
  for (let n = 0; n < count; n += 1) {
    await grants.upsert(`${minutesAgo} ${n}`, {}, 60);
  }
  // Which is what the rounding to hours leaves no other way to say.
  await pool.query(
    `update artifacts set expires_at = now() - make_interval(mins => $1) where expires_at > now() and created_at > now() - interval '1 hour'`,
    [minutesAgo],
  );
}

async function rowsLeft(): Promise<number> {
  return Number((await pool.query('select count(*) from artifacts')).rows[0].count);
}

describe('C98: removing expired rows', () => {
  it('removes at most as many as it is told, the oldest first', async () => {
    await save(3, 60);
    await save(2, 30);
    expect(await removeExpired(4)).toBe(4);
    expect(await createNode().adapter('Grant').find('30 1')).toBeDefined();
    expect(await removeExpired(4)).toBe(1);
    expect(await removeExpired(4)).toBe(0);
  });

  it('leaves what is valid, what expired just now, and what never expires', async () => {
    await save(1, -60);
    await save(1, 1);
    await createNode().adapter('Grant').upsert('for ever', {});
    expect(await removeExpired(10)).toBe(0);
    expect(await rowsLeft()).toBe(3);
  });

  it('passes over a row that a request holds, and waits for nobody', async () => {
    await save(2, 60);
    const request = await pool.connect();
    await request.query('begin');
    await request.query('select from artifacts limit 1 for update');
    expect(await removeExpired(10)).toBe(1);
    await request.query('commit');
    request.release();
    expect(await removeExpired(10)).toBe(1);
  });

  it('is done once by any number of nodes', async () => {
    await save(40, 60);
    const removed = await Promise.all([1, 2, 3, 4].map(() => removeExpired(20)));
    expect(removed.reduce((sum, one) => sum + one, 0) + (await rowsLeft())).toBe(40);
  });
});
