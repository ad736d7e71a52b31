/** What went to the default partition, for want of one of its own, does not stay there. */
import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPool } from '../../database/connect.ts';
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts';
import { TokenPartitions } from './token-partitions.ts';
import { exclude } from './token-partitions-statements.ts';
import { placeOf } from './token-payload.ts';
import { createTokenId, rangeOf, slotOf } from './token-slot.ts';
import { createTokenTable } from './token-table.ts';

const NOW = new Date('2026-11-22T20:15:00Z');
const HOUR = 3600;
const DAY = 24 * HOUR;

let database: TestDatabase;
let pool: Pool;
let log: string[];
beforeAll(async () => {
  database = await createTestDatabase('authorization-server');
  pool = createPool({ url: database.url, max: 8, applicationName: 'token-partitions-default' });
  // Which holds a lock of its own now and then, and partitions would wait for the next run.
  await pool.query('alter table tokens_default set (autovacuum_enabled = false)');
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(async () => {
  log = [];
  for (const { name } of await partitions().list()) {
    await pool.query(`drop table ${name}`);
  }
  await pool.query('truncate tokens_default');
});

const partitions = () => new TokenPartitions(pool, pino({ level: 'info' }, { write: (line) => log.push(line) }));

/** `count` tokens, of which `apart` share a second. */
async function issue(count: number, lifetime: number, apart = 1, payload = ''): Promise<void> {
  await pool.query(
    `insert into tokens (slot, key, kind, payload)
      select $1 + g / $2::int, gen_random_uuid(), 'AccessToken', $3 from generate_series(0, $4 - 1) g`,
    [slotOf(NOW.getTime() / 1000 + lifetime, lifetime), apart, payload, count],
  );
}

async function countByPartition(): Promise<Record<string, number>> {
  const { rows } = await pool.query(
    'select tableoid::regclass::text as name, count(*)::int as count from tokens group by 1 order by 1',
  );
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]));
}

function tokenOf(lifetime: number) {
  const place = placeOf(createTokenId(slotOf(NOW.getTime() / 1000 + lifetime, lifetime)));
  const nobody = { grant_id: null, account_id: null, client_id: null, session_uid: null };
  return { ...place, ...nobody, kind: 'AccessToken', payload: '{}' };
}

describe('tokens that were issued before there was a partition for them', () => {
  it('move to it when it is made', async () => {
    await issue(3, HOUR);
    await issue(1, 6 * DAY);
    await partitions().ensure([HOUR, 6 * DAY], NOW);
    expect(await countByPartition()).toEqual({ tokens_day_2026112800: 1, tokens_hour_2026112221: 3 });
    expect(log).toEqual([]);
  });

  it.each([
    ['at many moments', 5],
    ['at one moment', 10_000],
  ])('move however many there are, issued %s', async (_when, apart) => {
    await issue(5_000, HOUR, apart);
    await partitions().ensure([HOUR], NOW);
    expect(await countByPartition()).toEqual({ tokens_hour_2026112221: 5_000 });
    await partitions().ensure([HOUR], NOW);
    await issue(1, HOUR + 44 * 60);
    expect(await countByPartition()).toEqual({ tokens_hour_2026112221: 5_001 });
  });

  it('move by the hands of any number of nodes', async () => {
    await issue(5_000, HOUR, 5);
    await Promise.all([1, 2, 3].map(() => partitions().ensure([HOUR], NOW)));
    await partitions().ensure([HOUR], NOW);
    expect(await countByPartition()).toEqual({ tokens_hour_2026112221: 5_000 });
  });

  it('are found, used and revoked at any time, as are those that are issued meanwhile', async () => {
    const tokens = createTokenTable(pool);
    const issued = Array.from({ length: 200 }, () => tokenOf(HOUR));
    await Promise.all(issued.map((token) => tokens.insert(token)));
    await issue(10_000, HOUR, 5);
    let over = false;
    let missed = 0;
    const requests = Array.from({ length: 4 }, async () => {
      for (let turn = 0; !over; turn++) {
        const token = tokenOf(HOUR + (turn % 2600));
        await tokens.insert(token);
        const known = [token, ...issued.slice(turn % 150, (turn % 150) + 20)];
        const found = await Promise.all(known.map((one) => tokens.find(one)));
        missed += found.filter((one) => one === undefined).length;
        missed += (await tokens.redeem({ ...token, saved: [], successors: null })) ? 0 : 1;
        await tokens.revoke(token);
        missed += (await tokens.find(token)) === undefined ? 0 : 1;
      }
    });
    const finished = Promise.all(requests);
    await partitions().ensure([HOUR], NOW);
    over = true;
    await finished;
    expect(missed).toBe(0);
    await partitions().ensure([HOUR], NOW);
    expect(Object.keys(await countByPartition())).toEqual(['tokens_hour_2026112221']);
    for (const token of issued) {
      expect(await tokens.find(token)).toMatchObject({ kind: 'AccessToken' });
    }
  });

  it('are found, and others issued, by requests that had to wait while they moved', async () => {
    const waiting = `select from pg_locks where not granted and relation = any ('{tokens, tokens_default}'::regclass[])`;
    for (let round = 0; round < 5; round++) {
      const [moved, next] = [tokenOf(HOUR), tokenOf(HOUR)];
      await pool.query('drop table if exists tokens_hour_2026112221');
      await createTokenTable(pool).insert(moved);
      const holder = await pool.connect();
      await holder.query('begin; lock table tokens_default in access share mode');
      let over = false;
      const making = partitions()
        .ensure([HOUR], NOW)
        .finally(() => {
          over = true;
        });
      while (!over && (await holder.query(waiting)).rowCount === 0) {}
      const tokens = createTokenTable(pool);
      const answers = Promise.all([tokens.find(moved), tokens.insert(next)]);
      while (!over && ((await holder.query(waiting)).rowCount ?? 0) < 3) {}
      await holder.query('commit');
      holder.release();
      await making;
      expect((await answers)[0]).toBeDefined();
      expect(await tokens.find(next)).toBeDefined();
    }
  });

  it('move later when somebody holds them now', async () => {
    await issue(1, HOUR);
    const request = await pool.connect();
    await request.query('begin; select from tokens_default for update');
    await partitions().ensure([HOUR], NOW);
    expect(await countByPartition()).toEqual({ tokens_default: 1 });
    await request.query('commit');
    request.release();
    await partitions().ensure([HOUR], NOW);
    expect(await countByPartition()).toEqual({ tokens_hour_2026112221: 1 });
  });
});

describe('a default partition that is too big to be read while requests wait', () => {
  /** Just too short to be compressed. */
  const LARGE = 'x'.repeat(1_900);
  const hours = async () => (await partitions().list()).map(({ name }) => name.slice(-4));
  const constraints = async () =>
    (
      await pool.query(
        `select conname from pg_constraint where conrelid = 'tokens_default'::regclass and contype = 'c'`,
      )
    ).rows;
  beforeEach(() => issue(10_000, HOUR, 10_000, LARGE));

  it('keeps what it has, and the partitions are made that no token belongs to yet', async () => {
    await partitions().ensure([HOUR], NOW);
    expect(await hours()).toEqual(['2300', '2301', '2302', '2303']);
    expect(await constraints()).toEqual([]);
    await issue(1, HOUR);
    await issue(1, 4 * HOUR);
    expect(await countByPartition()).toEqual({ tokens_default: 10_001, tokens_hour_2026112300: 1 });
  });

  it('is not read by an attach, since it is known to have nothing of the range', async () => {
    const spared: string[] = [];
    const verbose = createPool({ url: database.url, max: 1, applicationName: 'token-partitions-verbose' });
    verbose.on('connect', async (client) => {
      client.on('notice', ({ message = '' }) => {
        if (/default partition.*is implied/.test(message)) {
          spared.push(message);
        }
      });
      await client.query('set client_min_messages = debug1');
    });
    await new TokenPartitions(verbose, pino({ level: 'silent' })).ensure([HOUR], NOW);
    await verbose.end();
    expect(await hours()).toHaveLength(4);
    expect(spared).toHaveLength(4);
  });

  it('gives up the rest when it has become small', async () => {
    await partitions().ensure([HOUR], NOW);
    // As after a vacuum, which others in the database may keep from freeing what was deleted.
    await pool.query('truncate tokens_default');
    await issue(40, HOUR);
    await partitions().ensure([HOUR], NOW);
    expect(await hours()).toHaveLength(7);
    expect(await countByPartition()).toEqual({ tokens_hour_2026112221: 40 });
  });

  it('keeps what it has of a distant partition, which is not made then', async () => {
    await issue(1, 5 * HOUR);
    await partitions().ensure([HOUR], NOW);
    expect(await hours()).toEqual(['2300', '2302', '2303']);
    expect(await constraints()).toEqual([]);
    await issue(1, 5 * HOUR);
  });

  it('takes tokens again that a node had begun to keep out before it died', async () => {
    await pool.query(exclude('tokens_hour_2026112221', rangeOf(new Date(NOW.getTime() + HOUR * 1000), HOUR)));
    await expect(issue(1, HOUR)).rejects.toMatchObject({ code: '23514' });
    await partitions().ensure([HOUR], NOW);
    await issue(1, HOUR);
    expect(await countByPartition()).toEqual({ tokens_default: 10_001 });
  });
});
