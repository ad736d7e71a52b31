import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { type DatabaseProxy, startProxy } from '../testing/proxy.ts';
import { createPool } from './connect.ts';
import { Listener } from './listen.ts';

const PATIENCE = { timeout: 10_000 };

let database: TestDatabase;
let pool: pg.Pool;
let proxy: DatabaseProxy | undefined;
let listener: Listener;
let notified: string[];
let connects: number;
let warnings: object[];

beforeEach(async () => {
  [notified, connects, warnings, proxy] = [[], 0, [], undefined];
  database = await createTestDatabase('resource-server');
  pool = createPool({ url: database.url, max: 2, applicationName: 'test' });
});

afterEach(async () => {
  await listener.close();
  await proxy?.stop();
  await pool.end();
  await database.drop();
});

async function listen(rewrite?: (sent: string) => string): Promise<void> {
  proxy = await startProxy(database.url, rewrite);
  listener = listenAt(proxy.url);
}

const listenAt = (url: string) =>
  new Listener({
    url,
    applicationName: 'test listener',
    channel: 'test_channel',
    logger: { warn: (details) => void warnings.push(details) },
    onNotification: (payload) => notified.push(payload),
    onConnect: () => {
      connects += 1;
    },
  });

const notify = (payload: string) => pool.query('select pg_notify($1, $2)', ['test_channel', payload]);
const one = () => listener.query('select 1 as one');
/** On the connection that listens, so what was notified before has come. */
const heard = async () => {
  await one();
  return notified;
};

// It gives up a connection that says nothing for a second and a half, which a machine that stands still for as long makes of any.
describe('Listener', { retry: 3 }, () => {
  it('hears what is notified, and answers queries on the same connection', async () => {
    await listen();
    expect(await one()).toEqual([{ one: 1 }]);
    await notify('first');
    await notify('second');
    expect(await heard()).toEqual(['first', 'second']);
    expect(connects).toBe(1);
  });

  it('answers several queries at once', async () => {
    await listen();
    expect(await Promise.all([one(), one(), one()])).toEqual([[{ one: 1 }], [{ one: 1 }], [{ one: 1 }]]);
  });

  it('comes back by itself when its connection is ended, and says so', async () => {
    await listen();
    await one();
    await pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'test listener'`,
    );
    await vi.waitFor(() => expect(connects).toBe(2), PATIENCE);
    await one(); // Behind the `listen` on the same connection.
    await notify('again');
    expect(await heard()).toEqual(['again']);
  });

  it('gives up a connection that has fallen silent, and the queries on it', async () => {
    await listen();
    await one();
    proxy?.cut();
    await expect(one()).rejects.toThrow();
    proxy?.mend();
    await vi.waitFor(() => expect(connects).toBe(2), PATIENCE);
    await one(); // Behind the `listen` on the same connection.
    await notify('again');
    expect(await heard()).toEqual(['again']);
  });

  it('still answers queries where listening is refused, and reports that', async () => {
    await listen((sent) => sent.replace('listen test_channel', 'select test_channel'));
    expect(await one()).toEqual([{ one: 1 }]);
    await notify('unheard');
    expect(await heard()).toEqual([]);
    expect(warnings).toEqual([expect.objectContaining({ channel: 'test_channel' })]);
    expect(connects).toBe(1);
  });

  it('fails queries while the database is away', async () => {
    listener = listenAt('postgres://postgres@127.0.0.1:1/postgres');
    await expect(one()).rejects.toThrow('ECONNREFUSED');
    await expect(one()).rejects.toThrow();
  });

  it.each(['connected', 'connecting', 'silent'])(
    'closes when it is %s, and fails the queries under way',
    async (when) => {
      await listen();
      if (when === 'connecting') {
        proxy?.cut();
      } else {
        await one();
      }
      if (when === 'silent') {
        proxy?.cut();
      }
      const query = listener.query('select pg_sleep(10)');
      const failed = expect(query).rejects.toThrow();
      await listener.close();
      await failed;
      await listener.close();
    },
  );
});
