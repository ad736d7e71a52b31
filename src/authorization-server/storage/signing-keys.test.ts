import { compactVerify, importJWK, SignJWT } from 'jose';
import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createPool } from '../../database/connect.ts';
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts';
import { loadSigningKeys, type SigningKey } from '../provider/signing-keys.ts';
import { createSealing } from './sealing.ts';
import { PostgresSigningKeyStore } from './signing-keys.ts';

const SECRET = 'a secret for tests';

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase('authorization-server');
  pool = createPool({ url: database.url, max: 12, applicationName: 'signing-keys.test' });
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

beforeEach(async () => {
  await pool.query('delete from signing_keys');
});

const storeWith = (...secrets: string[]) => new PostgresSigningKeyStore(pool, createSealing(secrets));

it('makes an RS256 and an ES256 key at the first start, and keeps them', async () => {
  const keys = await loadSigningKeys(storeWith(SECRET));
  expect(keys.map(({ alg, use }) => `${alg} ${use}`)).toEqual(['RS256 sig', 'ES256 sig']);
  expect(await loadSigningKeys(storeWith(SECRET))).toEqual(keys);
});

it('C74: keeps one set of keys, in one order, when many nodes start for the first time at once', async () => {
  const made = await Promise.all(Array.from({ length: 4 }, makeSigningKeys));
  // As long as this is held nobody can insert, so everybody who only looks first finds nothing.
  const connection = await pool.connect();
  await connection.query('begin');
  await connection.query('lock table signing_keys in share mode');
  const nodes = made.map((keys) => storeWith(SECRET).keepFirstSigningKeys(keys));
  await expect.poll(() => countOf(`wait_event_type = 'Lock'`)).toBe(nodes.length);
  await connection.query('commit');
  connection.release();
  const kids = (await Promise.all(nodes)).map((keys) => keys.map(({ kid }) => kid).join());
  expect(new Set(kids).size).toBe(1);
  expect((await storeWith(SECRET).listSigningKeys()).map(({ kid }) => kid).join()).toBe(kids[0]);
});

it('makes keys that verify what they sign, 2048 bits of RSA at least', async () => {
  for (const key of await loadSigningKeys(storeWith(SECRET))) {
    const jwt = await new SignJWT({}).setProtectedHeader({ alg: key.alg }).sign(await importJWK(key, key.alg));
    await compactVerify(jwt, await importJWK(publicPartOf(key), key.alg));
  }
  const [rsa] = await loadSigningKeys(storeWith(SECRET));
  expect(Buffer.from(rsa?.n ?? '', 'base64url').length * 8).toBeGreaterThanOrEqual(2048);
});

it('C71: names each key by a thumbprint of its own', async () => {
  const keys = await loadSigningKeys(storeWith(SECRET));
  expect(new Set(keys.map(({ kid }) => kid)).size).toBe(keys.length);
});

it('C97: keeps no private part that a copy of the database would tell', async () => {
  const keys = await loadSigningKeys(storeWith(SECRET));
  const { rows } = await pool.query('select signing_keys::text as written from signing_keys');
  const written = rows.map((row) => row.written).join();
  for (const key of keys) {
    for (const part of ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const) {
      const value = key[part];
      expect(value === undefined || !written.includes(value)).toBe(true);
    }
    expect(written).not.toContain(Buffer.from(JSON.stringify(key)).toString('base64url').slice(0, 40));
  }
});

it('reads its keys after the secret was replaced, as long as the old one is listed', async () => {
  const keys = await loadSigningKeys(storeWith('old'));
  expect(await loadSigningKeys(storeWith('new', 'old'))).toEqual(keys);
});

it('seals its keys anew with the secret in front, so that the old one can be taken off the list', async () => {
  const keys = await loadSigningKeys(storeWith('old'));
  await loadSigningKeys(storeWith('new', 'old'));
  expect(await loadSigningKeys(storeWith('new'))).toEqual(keys);
  await expect(loadSigningKeys(storeWith('old'))).rejects.toThrow('sealed with another CONCIERGE_SECRET');
});

it('says what to do when the keys were sealed with another secret, and makes no new ones', async () => {
  await loadSigningKeys(storeWith('old'));
  await expect(loadSigningKeys(storeWith('new'))).rejects.toThrow(
    /the signing key \S+ in the database was sealed with another CONCIERGE_SECRET: put that secret back/,
  );
  const { rows } = await pool.query('select count(*)::int as count from signing_keys');
  expect(rows[0].count).toBe(2);
});

it('accepts no sealed key under the name of another', async () => {
  await loadSigningKeys(storeWith(SECRET));
  await pool.query(`update signing_keys set kid = 'renamed' where alg = 'ES256'`);
  await expect(loadSigningKeys(storeWith(SECRET))).rejects.toThrow('the signing key renamed');
});

it('gives its connection back when keeping the keys fails', async () => {
  const store = new PostgresSigningKeyStore(pool, {
    ...createSealing([SECRET]),
    seal: () => {
      throw new Error('no entropy');
    },
  });
  for (let time = 0; time < 20; time += 1) {
    await expect(loadSigningKeys(store)).rejects.toThrow('no entropy');
  }
  expect(pool.idleCount).toBe(pool.totalCount);
  expect(await countOf(`state = 'idle in transaction'`)).toBe(0);
  expect(await storeWith(SECRET).listSigningKeys()).toEqual([]);
});

it('tells why keeping the keys failed when the connection is lost with it', async () => {
  const keys = await makeSigningKeys();
  const holder = await pool.connect();
  await holder.query('begin; lock table signing_keys in exclusive mode');
  const kept = expect(storeWith(SECRET).keepFirstSigningKeys(keys)).rejects.toThrow('terminating connection');
  await expect.poll(() => countOf(`wait_event_type = 'Lock'`)).toBe(1);
  await pool.query(`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`);
  await kept;
  await holder.query('rollback');
  holder.release();
  expect(await countOf(`state = 'idle in transaction'`)).toBe(0);
});

function publicPartOf({ kty, n, e, crv, x, y }: SigningKey) {
  return JSON.parse(JSON.stringify({ kty, n, e, crv, x, y }));
}

/** Keys as a node makes them that finds none. */
function makeSigningKeys() {
  return loadSigningKeys({ listSigningKeys: async () => [], keepFirstSigningKeys: async (keys) => keys });
}

async function countOf(connections: string): Promise<number> {
  const { rows } = await pool.query(
    `select count(*)::int as count from pg_stat_activity where datname = current_database() and ${connections}`,
  );
  return rows[0].count;
}
