import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { createPool } from '../../database/connect.ts';
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts';
import { PostgresOutbox } from '../storage/outbox.ts';
import { createSealing } from '../storage/sealing.ts';
import { createDeliveries, type DeliveryHandler, pauseAfter, type RunningDeliveries } from './deliveries.ts';

let database: TestDatabase;
let pool: Pool;
let running: RunningDeliveries[] = [];
let lines: { level: string; about: Record<string, unknown> }[] = [];

const sealing = createSealing(['a secret of a test that is long enough']);
const logger = {
  warn: (about: object) => void lines.push({ level: 'warn', about: { ...about } }),
  error: (about: object) => void lines.push({ level: 'error', about: { ...about } }),
} as never;

beforeAll(async () => {
  database = await createTestDatabase('authorization-server');
  pool = createPool({ url: database.url, max: 8, applicationName: 'test' });
});
afterEach(async () => {
  await Promise.all(running.map((one) => one.stop()));
  await pool.query('delete from outbox');
  [running, lines] = [[], []];
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

/** A node that delivers what is of this kind. */
function startNode(kind: string, deliver: DeliveryHandler['deliver'], patience?: number) {
  const deliveries = createDeliveries({ outbox: new PostgresOutbox(pool, sealing), logger });
  running.push(deliveries.start({ [kind]: { deliver, ...(patience !== undefined && { patience }) } }));
  return deliveries;
}

const waiting = async () => (await pool.query('select attempts, next_attempt_at from outbox')).rows;
/** On a machine that has much else to do. */
const PATIENCE = { timeout: 15_000 };

const gone = () => vi.waitFor(async () => expect(await waiting()).toEqual([]), PATIENCE);
/** A line is written after what it tells of. */
const said = (count: number) => vi.waitFor(() => expect(lines).toHaveLength(count), PATIENCE);
const makeDue = () => pool.query('update outbox set next_attempt_at = now()');

it('delivers at once what is enqueued, and forgets it', async () => {
  const delivered: unknown[] = [];
  const node = startNode('letter', async (payload) => {
    delivered.push(payload);
    return 'delivered';
  });
  await node.enqueue('letter', { to: 'Alice' });
  await gone();
  expect(delivered).toEqual([{ to: 'Alice' }]);
});

it('tries again what failed, later, under the same id', async () => {
  const attempts: { id: string; attempt: number }[] = [];
  const deliver: DeliveryHandler['deliver'] = async (_payload, { id, attempt }) => {
    attempts.push({ id, attempt });
    if (attempt < 3) {
      throw new Error('not now');
    }
    return 'delivered';
  };
  let begun = Date.now();
  await startNode('letter', deliver).enqueue('letter', {});
  for (const count of [1, 2]) {
    await said(count);
    const [{ next_attempt_at: next }] = await waiting();
    expect(next.getTime()).toBeGreaterThan(begun + 2_000);
    expect(next.getTime()).toBeLessThan(Date.now() + 20_000);
    begun = Date.now();
    await makeDue();
    startNode('letter', deliver); // It looks as soon as it starts.
  }
  await gone();
  expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  expect(new Set(attempts.map(({ id }) => id)).size).toBe(1);
  expect(lines.map(({ level }) => level)).toEqual(['warn', 'warn']);
});

it('doubles the pause from one attempt to the next, up to an hour, and scatters it', () => {
  for (const attempt of [1, 2, 5, 10, 40]) {
    const longest = Math.min(5 * 2 ** (attempt - 1), 3600);
    const pauses = Array.from({ length: 50 }, () => pauseAfter(attempt));
    expect(Math.max(...pauses)).toBeLessThanOrEqual(longest);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(longest / 2);
    expect(new Set(pauses).size).toBeGreaterThan(1);
  }
});

it('gives up what was refused at once, and what failed for too long, with a line for the operator', async () => {
  const node = startNode('letter', async (payload) => {
    if ((payload as { refuse?: boolean }).refuse) {
      return 'refused';
    }
    throw new Error('away');
  });
  await node.enqueue('letter', { refuse: true });
  await said(1);
  expect(await waiting()).toEqual([]);
  expect(lines).toMatchObject([{ level: 'error', about: { kind: 'letter', attempt: 1 } }]);
  await node.enqueue('letter', {});
  await said(2);
  await pool.query(`update outbox set created_at = now() - interval '49 hours', next_attempt_at = now()`);
  startNode('letter', async () => {
    throw new Error('away');
  });
  const givenUp = { level: 'error', about: { kind: 'letter' } };
  await vi.waitFor(() => expect(lines.at(-1)).toMatchObject(givenUp), PATIENCE);
  expect(await waiting()).toEqual([]);
});

it('delivers once what several nodes see at the same time', async () => {
  const outbox = new PostgresOutbox(pool, sealing);
  const expected = Array.from({ length: 40 }, () => randomUUID());
  await Promise.all(expected.map((name) => outbox.add('letter', JSON.stringify({ name }))));
  const delivered: string[] = [];
  for (let node = 0; node < 3; node += 1) {
    startNode('letter', async (payload) => {
      delivered.push((payload as { name: string }).name);
      return 'delivered';
    });
  }
  await gone();
  expect(delivered.sort()).toEqual(expected.sort());
});

it('takes over from a node that died during an attempt', async () => {
  const outbox = new PostgresOutbox(pool, sealing);
  await outbox.add('letter', '{}');
  expect(await outbox.claim('letter', { most: 1, seconds: 120 })).toHaveLength(1);
  expect(await outbox.claim('letter', { most: 1, seconds: 120 })).toEqual([]);
  await makeDue();
  expect(await outbox.claim('letter', { most: 1, seconds: 120 })).toMatchObject([{ attempt: 2 }]);
});

it('waits at the end for the attempt under way', async () => {
  let finish = () => {};
  const started = new Promise<void>((resolve) => {
    const node = startNode('letter', async () => {
      resolve();
      await new Promise<void>((end) => {
        finish = end;
      });
      return 'delivered';
    });
    void node.enqueue('letter', {});
  });
  await started;
  let stopped = false;
  const stopping = running[0]?.stop().then(() => {
    stopped = true;
  });
  await new Promise(setImmediate);
  expect(stopped).toBe(false);
  finish();
  await stopping;
  expect(await waiting()).toEqual([]);
});

it('C97: keeps what is delivered sealed, one kind apart from another', async () => {
  const outbox = new PostgresOutbox(pool, sealing);
  await outbox.add('letter', JSON.stringify({ link: 'https://id.example/links/secret' }));
  const { rows } = await pool.query('select * from outbox');
  expect(JSON.stringify(rows)).not.toContain('secret');
  await pool.query(`update outbox set kind = 'other'`);
  expect(await outbox.claim('other', { most: 1, seconds: 1 })).toEqual([]);
});

it('stops without waiting for ever for a server that does not answer, and leaves the delivery to others', async () => {
  let answer = () => {};
  const asked = Promise.withResolvers<void>();
  const deliveries = createDeliveries({ outbox: new PostgresOutbox(pool, sealing), logger });
  const node = deliveries.start({
    letter: {
      deliver: () => {
        asked.resolve();
        return new Promise((resolve) => {
          answer = () => resolve('delivered');
        });
      },
    },
  });
  await deliveries.enqueue('letter', {});
  await asked.promise;
  await node.stop(20);
  expect(await waiting()).toMatchObject([{ attempts: 1 }]);
  answer();
  await gone();
});
