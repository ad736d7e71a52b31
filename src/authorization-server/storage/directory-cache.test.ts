import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createPool } from '../../database/connect.ts';
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts';
import { type DatabaseProxy, startProxy } from '../../testing/proxy.ts';
import type { Client } from '../clients/client.ts';
import { hashSecret } from '../clients/secret.ts';
import { PostgresClientStore } from './clients.ts';
import { DirectoryCache } from './directory-cache.ts';
import { PostgresResourceStore } from './resources.ts';

const POLL = 'select version from directory_version';
const PATIENCE = { timeout: 10_000 };

let database: TestDatabase;
let pool: pg.Pool;
let proxy: DatabaseProxy;
let running: DirectoryCache[];
let now: number;
/** Of the stores behind the caches. */
let reads: string[];
/** Comes between a read and whoever asked for it. */
let delay: () => Promise<unknown>;

beforeEach(async () => {
  [running, now, reads, delay] = [[], 0, [], async () => {}];
  database = await createTestDatabase('authorization-server');
  pool = createPool({ url: database.url, max: 4, applicationName: 'test' });
  await pool.query(`
    insert into clients (client_id, metadata, secret_hash) values ('shop', '{}', 'old'), ('bank', '{}', null), ('club', '{}', null);
    insert into resource_servers (identifier, name) values ('https://api.example', 'API');
    insert into roles (name, scopes) values ('reader', '{a,b}'), ('writer', '{b,c}')`);
});

afterEach(async () => {
  await Promise.all(running.map((cache) => cache.close()));
  await pool.end();
  await database.drop();
});

const observed = {
  async query(...args: unknown[]) {
    const [statement] = args as [string | { text: string }];
    reads.push(typeof statement === 'string' ? statement : statement.text);
    const result = await (pool.query as (...args: unknown[]) => Promise<unknown>)(...args);
    await delay();
    return result;
  },
} as Pick<pg.Pool, 'query'>;

/** One for each node; its clock stands still. */
async function startCache({ url = database.url, capacity }: { url?: string; capacity?: number } = {}) {
  const cache = new DirectoryCache({
    clients: new PostgresClientStore(observed),
    resources: new PostgresResourceStore(observed),
    url,
    capacity,
    logger: { warn: () => {} },
    now: () => now,
  });
  running.push(cache);
  await cache.confirm();
  return cache;
}

async function readsOf(work: () => Promise<unknown>): Promise<number> {
  const before = reads.length;
  await work();
  return reads.length - before;
}

const secretOf = async (cache: DirectoryCache) => (await cache.findClient('shop'))?.secretHash;
const replaceSecret = (secretHash: string) => pool.query('update clients set secret_hash = $1', [secretHash]);

describe('what has not changed', () => {
  it('is read once: clients, resource servers and roles', async () => {
    const cache = await startCache();
    const everything = async () => [
      await cache.findClient('shop'),
      await cache.listResourceServers(),
      [...(await cache.permittedScopes(['reader', 'writer']))].sort(),
      [...(await cache.permittedScopes(['reader', 'unknown']))].sort(),
      [...(await cache.permittedScopes([]))],
    ];
    const first = await everything();
    expect(first.slice(2)).toEqual([['a', 'b', 'c'], ['a', 'b'], []]);
    expect(reads).toHaveLength(3);
    expect(await readsOf(everything)).toBe(0);
    expect(await everything()).toEqual(first);
  });

  it('is read once for all who ask at the same time', async () => {
    const cache = await startCache();
    const find = () => Promise.all([cache.findClient('shop'), cache.findClient('shop'), cache.findClient('bank')]);
    expect(await readsOf(find)).toBe(2);
  });

  it('is asked for again after a read that failed', async () => {
    const cache = await startCache();
    delay = () => Promise.reject(new Error('lost'));
    await expect(cache.findClient('shop')).rejects.toThrow('lost');
    await expect(cache.listResourceServers()).rejects.toThrow('lost');
    delay = async () => {};
    expect(await secretOf(cache)).toBe('old');
    expect(await cache.listResourceServers()).toHaveLength(1);
  });
});

describe('a change', () => {
  it.each([
    ['update', `update clients set disabled_at = now() where client_id = 'shop'`],
    ['delete', `delete from clients where client_id = 'shop'`],
    ['truncate', 'truncate clients cascade'],
  ])('C34: counts at every node once it is confirmed: %s of a client', async (_how, statement) => {
    const nodes = [await startCache(), await startCache()];
    expect(await Promise.all(nodes.map(secretOf))).toEqual(['old', 'old']);
    await pool.query(statement);
    await Promise.all(nodes.map((node) => node.confirm()));
    expect(await Promise.all(nodes.map(secretOf))).toEqual([undefined, undefined]);
  });

  it.each([
    [`update resource_servers set name = 'Changed'`, 'Changed'],
    [`insert into scopes values ('https://api.example', 'a', 'read')`, 'read'],
    [`update roles set scopes = '{z}'`, 'z'],
    [`insert into resource_servers (identifier, name) values ('https://new.example', 'New')`, 'New'],
  ])('counts once it is confirmed: %s', async (statement, visible) => {
    const cache = await startCache();
    const everything = async () =>
      JSON.stringify([await cache.listResourceServers(), ...(await cache.permittedScopes(['reader']))]);
    expect(await everything()).not.toContain(visible);
    await pool.query(statement);
    await cache.confirm();
    expect(await everything()).toContain(visible);
  });

  it('is told at once, without asking', async () => {
    proxy = await startProxy(database.url, (sent) => sent.replace(POLL, `select '0' as version`.padEnd(POLL.length)));
    const cache = await startCache({ url: proxy.url });
    await secretOf(cache);
    await replaceSecret('new');
    await vi.waitFor(async () => expect(await secretOf(cache)).toBe('new'), PATIENCE);
    await proxy.stop();
  });

  it('is found by asking where the database cannot be listened to, as behind a pooler', async () => {
    proxy = await startProxy(database.url, (sent) => sent.replace('listen concierge', 'select concierge'));
    const cache = await startCache({ url: proxy.url });
    expect(await readsOf(() => secretOf(cache))).toBe(1);
    expect(await readsOf(() => secretOf(cache))).toBe(0);
    await replaceSecret('new');
    await vi.waitFor(async () => expect(await secretOf(cache)).toBe('new'), PATIENCE);
    await proxy.stop();
  });

  it('that is not committed counts for nobody', async () => {
    const cache = await startCache();
    const connection = await pool.connect();
    await connection.query(`begin; update clients set secret_hash = 'new'`);
    await cache.confirm();
    expect(await secretOf(cache)).toBe('old');
    await connection.query('commit');
    connection.release();
    await cache.confirm();
    expect(await secretOf(cache)).toBe('new');
  });

  it('outdates a read that was under way', async () => {
    const cache = await startCache();
    const [read, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    delay = () => {
      read.resolve();
      return released.promise;
    };
    const early = secretOf(cache);
    await read.promise;
    await replaceSecret('new');
    await cache.confirm();
    released.resolve();
    expect(await early).toBe('old');
    expect(await secretOf(cache)).toBe('new');
  });
});

describe('when the database falls silent', () => {
  beforeEach(async () => {
    proxy = await startProxy(database.url);
  });
  afterEach(() => proxy.stop());

  it('uses nothing that was proven right a second ago', async () => {
    const cache = await startCache({ url: proxy.url });
    await secretOf(cache);
    proxy.cut();
    await replaceSecret('new');
    now += 999;
    expect(await readsOf(() => secretOf(cache))).toBe(0);
    now += 1;
    expect(await secretOf(cache)).toBe('new');
    await replaceSecret('newer');
    expect(await secretOf(cache)).toBe('newer');
    expect(await cache.listResourceServers()).toHaveLength(1);
    expect([...(await cache.permittedScopes(['reader']))].sort()).toEqual(['a', 'b']);
  });

  it('counts from when it was asked, not from when the answer came', async () => {
    const cache = await startCache({ url: proxy.url });
    await secretOf(cache);
    const confirmed = cache.confirm();
    now += 1_000;
    await confirmed;
    expect(await readsOf(() => secretOf(cache))).toBe(1);
  });

  it('trusts nothing when told to confirm', async () => {
    const cache = await startCache({ url: proxy.url });
    await secretOf(cache);
    proxy.cut();
    await replaceSecret('new');
    await cache.confirm();
    expect(await secretOf(cache)).toBe('new');
  });

  it('remembers again once it can be heard again', async () => {
    const cache = await startCache({ url: proxy.url });
    proxy.cut();
    await cache.confirm();
    await replaceSecret('new');
    proxy.mend();
    await vi.waitFor(async () => expect(await readsOf(() => secretOf(cache))).toBe(0), PATIENCE);
    expect(await secretOf(cache)).toBe('new');
  });
});

it('forgets everything when its connection is ended, and follows again by another', async () => {
  const cache = await startCache();
  await secretOf(cache);
  await pool.query(`
    alter table clients disable trigger directory_version;
    update clients set secret_hash = 'new';
    select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'concierge directory'`);
  await vi.waitFor(async () => expect(await secretOf(cache)).toBe('new'), PATIENCE);
  await vi.waitFor(async () => expect(await readsOf(() => secretOf(cache))).toBe(0), PATIENCE);
});

describe('room', () => {
  it('is not taken by ids that nobody has, however many come', async () => {
    const cache = await startCache({ capacity: 2 });
    await Promise.all([cache.findClient('shop'), cache.findClient('bank')]);
    await Promise.all(Array.from({ length: 50 }, (_, index) => cache.findClient(`unknown-${index}`)));
    expect(await readsOf(() => Promise.all([cache.findClient('shop'), cache.findClient('bank')]))).toBe(0);
  });

  it('is made by the client that was read first', async () => {
    const cache = await startCache({ capacity: 2 });
    for (const clientId of ['shop', 'bank', 'club']) {
      await cache.findClient(clientId);
    }
    expect(await readsOf(() => Promise.all([cache.findClient('bank'), cache.findClient('club')]))).toBe(0);
    expect(await readsOf(() => cache.findClient('shop'))).toBe(1);
  });
});

it('gives each client as it is stored', async () => {
  const cache = await startCache();
  const registered: Client = {
    clientId: 'registered',
    metadata: { grant_types: ['client_credentials'], response_types: [], token_endpoint_auth_method: 'none' },
    secretHash: hashSecret('secret'),
    resourceServer: 'https://api.example',
  };
  await new PostgresClientStore(pool).saveClient(registered);
  await cache.confirm();
  const stored = { ...registered, createdAt: expect.any(Date) };
  expect([await cache.findClient('registered'), await cache.findClient('registered')]).toEqual([stored, stored]);
});
