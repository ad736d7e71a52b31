import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPool } from '../../database/connect.ts';
import { createTestDatabase } from '../../testing/database.ts';
import type { RateLimits } from '../provider/rate-limits.ts';
import { createRateLimits, removeRenewedLimits } from './rate-limits.ts';
import { createSealing } from './sealing.ts';

const LIMIT = { name: 'tries', most: 3, seconds: 60 };

let pool: Pool;
let nodes: readonly RateLimits[];
let drop: () => Promise<void>;
beforeAll(async () => {
  const database = await createTestDatabase('authorization-server');
  pool = createPool({ url: database.url, max: 4, applicationName: 'rate limits' });
  const sealing = createSealing(['a secret for tests that is long enough']);
  nodes = [createRateLimits(pool, sealing), createRateLimits(pool, sealing)];
  drop = async () => {
    await pool.end();
    await database.drop();
  };
});
afterAll(() => drop());

async function takeInTurns(times: number, whose: string, limit = LIMIT): Promise<boolean[]> {
  return Promise.all(Array.from({ length: times }, (_, n) => (nodes[n % 2] as RateLimits).take(limit, whose)));
}

const allowed = (answers: boolean[]) => answers.filter(Boolean).length;

it('of 30 at once at two nodes exactly as many are allowed as the limit says', async () => {
  expect(allowed(await takeInTurns(30, 'burst'))).toBe(3);
});

it('each has a count of its own, and each limit too', async () => {
  expect(allowed(await takeInTurns(3, 'one'))).toBe(3);
  expect(allowed(await takeInTurns(4, 'two'))).toBe(3);
  expect(allowed(await takeInTurns(4, 'one', { ...LIMIT, name: 'other tries' }))).toBe(3);
});

it('one that was given back may be taken again, and none is given back that was not taken', async () => {
  const [node] = nodes as [RateLimits];
  await takeInTurns(3, 'returned');
  await node.giveBack(LIMIT, 'returned');
  expect(allowed(await takeInTurns(2, 'returned'))).toBe(1);
  await node.giveBack(LIMIT, 'nobody');
  expect(allowed(await takeInTurns(4, 'nobody'))).toBe(3);
});

it('the time over, all are to be had again, however many were refused', async () => {
  await takeInTurns(20, 'patient');
  await pool.query('update rate_limits set renews_at = now()');
  expect(allowed(await takeInTurns(4, 'patient'))).toBe(3);
});

it('what is over is removed, and what still counts is not', async () => {
  await pool.query('delete from rate_limits');
  await takeInTurns(1, 'over');
  await pool.query(`update rate_limits set renews_at = now() - interval '1 second'`);
  await takeInTurns(3, 'counting');
  expect((await pool.query(removeRenewedLimits(10))).rowCount).toBe(1);
  expect(allowed(await takeInTurns(1, 'counting'))).toBe(0);
});
