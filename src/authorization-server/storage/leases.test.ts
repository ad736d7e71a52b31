import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPool } from '../../database/connect.ts';
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts';
import { createLease } from './leases.ts';

let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase('authorization-server');
  pool = createPool({ url: database.url, max: 8, applicationName: 'leases' });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

it('is held by exactly one of any number of nodes that ask at once, and that one may prolong it', async () => {
  const leases = Array.from({ length: 8 }, () => createLease(pool, 'one', 60));
  const held = await Promise.all(leases.map((lease) => lease.hold()));
  expect(held.filter((now) => now !== undefined)).toHaveLength(1);
  const again = await Promise.all(leases.map((lease) => lease.hold()));
  expect(again.map(Boolean)).toEqual(held.map(Boolean));
});

it('goes to another when its holder has not prolonged it in time', async () => {
  const [dead, next] = [createLease(pool, 'two', 60), createLease(pool, 'two', 60)];
  expect(await dead.hold()).toBeInstanceOf(Date);
  expect(await next.hold()).toBeUndefined();
  await pool.query(`update leases set expires_at = now() - interval '1 second' where name = 'two'`);
  expect(await next.hold()).toBeInstanceOf(Date);
  expect(await dead.hold()).toBeUndefined();
});

it('goes to another at once when its holder gives it up, which nobody else can do', async () => {
  const [holder, next] = [createLease(pool, 'three', 60), createLease(pool, 'three', 60)];
  await holder.hold();
  await next.release();
  expect(await next.hold()).toBeUndefined();
  await holder.release();
  expect(await next.hold()).toBeInstanceOf(Date);
});
