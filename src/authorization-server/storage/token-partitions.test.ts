import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPool } from '../../database/connect.ts';
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts';
import { TokenPartitions } from './token-partitions.ts';
import { slotOf } from './token-slot.ts';

const NOW = new Date('2026-11-22T20:15:00Z');
const MINUTE = 60;
const HOUR = 3600;
const DAY = 24 * HOUR;
const LIFETIMES = [MINUTE, HOUR, 14 * DAY];

let database: TestDatabase;
let pool: Pool;
let log: string[];
beforeAll(async () => {
  database = await createTestDatabase('authorization-server');
  pool = createPool({ url: database.url, max: 12, applicationName: 'token-partitions' });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(async () => {
  log = [];
  for (const { name } of await createPartitions().list()) {
    await pool.query(`drop table ${name}`);
  }
  await pool.query('delete from tokens');
});

const later = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);
const createPartitions = () => new TokenPartitions(pool, pino({ level: 'info' }, { write: (line) => log.push(line) }));
const names = async () => (await createPartitions().list()).map(({ name }) => name);

/** A token issued then with such a lifetime; says which partition took it. */
async function issue(issuedAt: Date, lifetime: number): Promise<string> {
  const slot = slotOf(issuedAt.getTime() / 1000 + lifetime, lifetime);
  const { rows } = await pool.query(
    `insert into tokens (slot, key, kind, payload) values ($1, gen_random_uuid(), 'AccessToken', '')
      returning tableoid::regclass::text as partition`,
    [slot],
  );
  return rows[0].partition;
}

describe('partitions of tokens', () => {
  it('are there for every token that is issued in the next six hours, and in two of their widths', async () => {
    await createPartitions().ensure(LIFETIMES, NOW);
    expect(await names()).toEqual([
      'tokens_hour_2026112220',
      'tokens_hour_2026112221',
      'tokens_hour_2026112222',
      'tokens_hour_2026112223',
      'tokens_hour_2026112300',
      'tokens_hour_2026112301',
      'tokens_hour_2026112302',
      'tokens_hour_2026112303',
      'tokens_week_2026120200',
      'tokens_week_2026120900',
      'tokens_week_2026121600',
    ]);
    expect(await issue(NOW, MINUTE)).toBe('tokens_hour_2026112220');
    expect(await issue(later(6 * HOUR), HOUR)).toBe('tokens_hour_2026112303');
    expect(await issue(later(14 * DAY), DAY / 12)).toBe('tokens_default');
    expect(await issue(later(14 * DAY), 14 * DAY)).toBe('tokens_week_2026121600');
  });

  it('take tokens of every lifetime, however long', async () => {
    const lifetimes = [1, 6 * HOUR, 6 * HOUR + 1, 6 * DAY, 6 * DAY + 1, 42 * DAY, 42 * DAY + 1, 400 * DAY];
    await createPartitions().ensure(lifetimes, NOW);
    for (const lifetime of lifetimes) {
      expect(await issue(NOW, lifetime)).not.toBe('tokens_default');
    }
  });

  it('are made once by any number of nodes', async () => {
    await Promise.all(Array.from({ length: 10 }, () => createPartitions().ensure(LIFETIMES, NOW)));
    expect(await names()).toHaveLength(11);
    await createPartitions().ensure(LIFETIMES, NOW);
    expect(log).toEqual([]);
  });

  it('follow the hours', async () => {
    await createPartitions().ensure(LIFETIMES, NOW);
    await createPartitions().ensure(LIFETIMES, later(HOUR));
    expect((await names()).filter((name) => name.includes('hour'))).toHaveLength(9);
  });

  it('that cannot be made now are made later; requests have waited for one attempt', async () => {
    const request = await pool.connect();
    await request.query('begin; select from tokens');
    await createPartitions().ensure([HOUR], NOW);
    expect(await names()).toEqual([]);
    expect(log).toHaveLength(1);
    await request.query('commit');
    request.release();
    await createPartitions().ensure([HOUR], NOW);
    expect(await names()).toHaveLength(7);
  });
});

describe('C98: past partitions', () => {
  beforeEach(() => createPartitions().ensure([HOUR], NOW)); // From 21 until 3 o'clock.
  const firstNames = async () => (await names()).slice(0, 2);

  it('are dropped ten minutes after the last of their tokens expired, and no earlier', async () => {
    await issue(NOW, HOUR);
    const untilOver = 1.75 * HOUR; // 22:00
    expect(await createPartitions().dropPast(later(untilOver + 10 * MINUTE))).toBeUndefined();
    expect(await createPartitions().dropPast(later(untilOver + 10 * MINUTE + 1))).toBe('tokens_hour_2026112221');
    expect(await firstNames()).toEqual(['tokens_hour_2026112222', 'tokens_hour_2026112223']);
    expect((await pool.query('select from tokens')).rowCount).toBe(0);
  });

  it('stay while a transaction uses them, and go at the next run', async () => {
    const request = await pool.connect();
    await request.query('begin; select from tokens');
    expect(await createPartitions().dropPast(later(2 * HOUR))).toBeUndefined();
    await request.query('commit');
    request.release();
    expect(await createPartitions().dropPast(later(2 * HOUR))).toBe('tokens_hour_2026112221');
  });

  it('are dropped when a node died after it had detached one', async () => {
    await pool.query('alter table tokens detach partition tokens_hour_2026112221');
    expect(await createPartitions().dropPast(later(2 * HOUR))).toBe('tokens_hour_2026112221');
  });

  it('are dropped one at a time, the oldest first', async () => {
    const partitions = createPartitions();
    expect(await partitions.dropPast(later(10 * HOUR))).toBe('tokens_hour_2026112221');
    expect(await partitions.dropPast(later(10 * HOUR))).toBe('tokens_hour_2026112222');
    expect(await partitions.dropPast(later(10 * HOUR))).toBe('tokens_hour_2026112223');
    while ((await names()).length > 0) {
      expect(await partitions.dropPast(later(10 * HOUR))).toBeDefined();
    }
    expect(await partitions.dropPast(later(10 * HOUR))).toBeUndefined();
  });

  it('are dropped once by any number of nodes that find them at the same moment', async () => {
    const nodes = Array.from({ length: 10 }, () => createPartitions());
    const dropped = await Promise.all(nodes.map((node) => node.dropPast(later(2 * HOUR))));
    expect(dropped.filter((name) => name !== undefined)).toEqual(['tokens_hour_2026112221']);
    expect(await firstNames()).toEqual(['tokens_hour_2026112222', 'tokens_hour_2026112223']);
  });

  it('are dropped once by any number of nodes, while tokens are issued and looked up', async () => {
    let over = false;
    const requests = Array.from({ length: 4 }, async () => {
      while (!over) {
        await issue(later(HOUR), HOUR);
        await pool.query('select from tokens join unnest($1::integer[]) as wanted (slot) using (slot)', [[1, 2, 3]]);
      }
    });
    while ((await names()).includes('tokens_hour_2026112221')) {
      await Promise.all([1, 2, 3].map(() => createPartitions().dropPast(later(2 * HOUR))));
    }
    over = true;
    await Promise.all(requests);
    expect(await firstNames()).toEqual(['tokens_hour_2026112222', 'tokens_hour_2026112223']);
  });
});

describe('C98: the default partition', () => {
  const rowsLeft = async () => (await pool.query('select from tokens_default')).rowCount;

  it('loses what expired more than ten minutes ago, of every class and in batches', async () => {
    for (const lifetime of [MINUTE, HOUR, DAY, 14 * DAY, 365 * DAY]) {
      await issue(later(-lifetime - 11 * MINUTE), lifetime);
      await issue(later(-lifetime - 9 * MINUTE), lifetime);
    }
    expect(await createPartitions().removeExpiredFromDefault(NOW, 3)).toBe(3);
    expect(await createPartitions().removeExpiredFromDefault(NOW, 3)).toBe(2);
    expect(await rowsLeft()).toBe(5);
  });

  it('keeps a row that a request holds until the next run', async () => {
    await issue(later(-2 * HOUR), HOUR);
    const request = await pool.connect();
    await request.query('begin; select from tokens_default for update');
    expect(await createPartitions().removeExpiredFromDefault(NOW, 10)).toBe(0);
    await request.query('commit');
    request.release();
    expect(await createPartitions().removeExpiredFromDefault(NOW, 10)).toBe(1);
  });
});
