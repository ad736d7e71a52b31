import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPool } from '../../database/connect.ts';
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts';
import { readStorageFigures, takeStorageSample } from './storage-figures.ts';
import { TokenPartitions } from './token-partitions.ts';
import { slotOf } from './token-slot.ts';

const HOUR = 3600;

let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase('authorization-server');
  pool = createPool({ url: database.url, max: 1, applicationName: 'storage-figures' });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(() => pool.query('truncate artifacts, tokens, storage_samples'));

async function issue(count: number, expiresIn: number): Promise<void> {
  await pool.query(
    `insert into tokens (slot, key, kind, payload) select $1, gen_random_uuid(), 'AccessToken', '' from generate_series(1, $2)`,
    [slotOf(Date.now() / 1000 + expiresIn, HOUR), count],
  );
}

async function save(kind: string, count: number, expiresIn: number): Promise<void> {
  await pool.query(
    `insert into artifacts (key, kind, payload, expires_at)
      select gen_random_uuid(), $1, '', now() + make_interval(secs => $2) from generate_series(1, $3)`,
    [kind, expiresIn, count],
  );
}

/** A session that tells the statistics of its inserts after somebody has counted the rows would add them once more. */
async function figures() {
  await pool.query('select pg_stat_force_next_flush()');
  await pool.query('analyze');
  return readStorageFigures(pool);
}

describe('the figures of the storage', () => {
  it('are zero when there is nothing', async () => {
    const { tokens, artifacts, purgeLag, growth } = await figures();
    expect(tokens).toMatchObject({ live: 0, expired: 0 });
    expect(artifacts).toMatchObject({ live: 0, expired: 0, kinds: {} });
    expect([purgeLag, growth]).toEqual([0, undefined]);
  });

  it('tell what is live from what has expired, and artifacts by kind', async () => {
    await save('Session', 3, HOUR);
    await save('Interaction', 2, -HOUR);
    await issue(5, 10 * 60);
    await issue(4, -HOUR);
    const { tokens, artifacts, purgeLag } = await figures();
    expect(tokens).toMatchObject({ live: 5, expired: 4, partitions: 0 });
    expect(artifacts).toMatchObject({ live: 3, expired: 2, kinds: { Session: 3, Interaction: 2 } });
    expect(Math.round(purgeLag / HOUR)).toBe(1);
    expect(artifacts.bytes.heap).toBeGreaterThan(0);
    expect(artifacts.bytes.indexes).toBeGreaterThan(0);
  });

  it('count the partitions, and what is in one that has passed as expired', async () => {
    const partitions = new TokenPartitions(pool, pino({ level: 'silent' }));
    await partitions.ensure([HOUR], new Date(Date.now() - 5 * HOUR * 1000));
    await issue(7, -4 * HOUR);
    const { tokens, purgeLag } = await figures();
    expect(tokens).toMatchObject({ live: 0, expired: 7, partitions: 7 });
    expect(purgeLag).toBeGreaterThan(2 * HOUR);
    while (await partitions.dropPast(new Date(Date.now() + 9 * HOUR * 1000))) {}
  });

  it('know the growth once there are two samples, of which one is taken an hour', async () => {
    await takeStorageSample(pool);
    await takeStorageSample(pool);
    expect((await pool.query('select from storage_samples')).rowCount).toBe(1);
    expect((await figures()).growth).toBeUndefined();
    await pool.query(`insert into storage_samples
      select taken_at - interval '12 hours', rows - 500, bytes - 1000000 from storage_samples`);
    const { tokens, artifacts, growth } = await figures();
    expect(growth).toMatchObject({ rowsPerDay: 1000, bytesPerDay: 2_000_000, observedDays: 0.5 });
    const bytes = [tokens, artifacts]
      .flatMap((table) => Object.values(table.bytes))
      .reduce((one, other) => one + other);
    expect(growth?.projectedBytes).toBe(bytes + 60_000_000);
  });

  it('forget samples after 60 days', async () => {
    await pool.query(`insert into storage_samples values (now() - interval '61 days', 1, 1)`);
    await takeStorageSample(pool);
    expect((await pool.query('select from storage_samples')).rowCount).toBe(1);
  });
});
