import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createPool } from '../../database/connect.ts';
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts';
import { loadServerSecrets } from '../provider/server-secrets.ts';
import { createSealing } from './sealing.ts';
import { PostgresServerSecretStore } from './server-secrets.ts';

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase('authorization-server');
  pool = createPool({ url: database.url, max: 8, applicationName: 'server-secrets.test' });
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

beforeEach(async () => {
  await pool.query('delete from server_secrets');
});

const storeWith = (...secrets: string[]) => new PostgresServerSecretStore(pool, createSealing(secrets));

it('makes what is needed at the first start, and keeps it', async () => {
  const secrets = await loadServerSecrets(storeWith('a secret'));
  expect(Buffer.from(secrets.pairwiseSalt, 'base64url')).toHaveLength(32);
  expect(secrets.encryptionKey).toMatchObject({
    kty: 'EC',
    crv: 'P-256',
    use: 'enc',
    alg: 'ECDH-ES',
    d: expect.any(String),
  });
  expect(await loadServerSecrets(storeWith('a secret'))).toEqual(secrets);
});

it('C74: keeps one, when many nodes start for the first time at once', async () => {
  let made = 0;
  let release = () => {};
  const all = new Promise<void>((resolve) => {
    release = resolve;
  });
  // Nobody goes on before everybody has found nothing.
  const create = async () => {
    made += 1;
    const mine = `secret ${made}`;
    if (made === 5) {
      release();
    }
    await all;
    return mine;
  };
  const kept = await Promise.all(
    Array.from({ length: 5 }, () => storeWith('a secret').keepServerSecret('a name', create)),
  );
  expect(made).toBe(5);
  expect(new Set(kept).size).toBe(1);
});

it('C97: keeps nothing that a copy of the database would tell', async () => {
  const { pairwiseSalt, encryptionKey } = await loadServerSecrets(storeWith('a secret'));
  const { rows } = await pool.query('select server_secrets::text as written from server_secrets');
  const written = rows.map((row) => row.written).join();
  expect(written).not.toContain(pairwiseSalt);
  expect(written).not.toContain(encryptionKey.d);
});

it('stays the same when the secret is replaced, and is sealed anew with it', async () => {
  const secrets = await loadServerSecrets(storeWith('old'));
  expect(await loadServerSecrets(storeWith('new', 'old'))).toEqual(secrets);
  expect(await loadServerSecrets(storeWith('new'))).toEqual(secrets);
  await expect(loadServerSecrets(storeWith('old'))).rejects.toThrow(/was sealed with another CONCIERGE_SECRET/);
});

it('opens under its own name only', async () => {
  await loadServerSecrets(storeWith('a secret'));
  await pool.query(`update server_secrets set name = 'encryption key 2' where name = 'encryption key'`);
  await pool.query(`update server_secrets set name = 'encryption key' where name = 'pairwise salt'`);
  await pool.query(`update server_secrets set name = 'pairwise salt' where name = 'encryption key 2'`);
  await expect(loadServerSecrets(storeWith('a secret'))).rejects.toThrow(/the pairwise salt in the database/);
});
