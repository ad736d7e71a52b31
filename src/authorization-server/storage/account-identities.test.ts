import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createPool } from '../../database/connect.ts';
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts';
import { PostgresIdentityStore } from './account-identities.ts';

let database: TestDatabase;
let pool: Pool;
let store: PostgresIdentityStore;

beforeAll(async () => {
  database = await createTestDatabase('authorization-server');
  pool = createPool({ url: database.url, max: 8, applicationName: 'identities' });
  store = new PostgresIdentityStore(pool);
  await pool.query("insert into roles (name) values ('user')");
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(() => pool.query('delete from accounts'));

const NEW = { email: 'Ann@example.com', canonicalEmail: 'ann@example.com', name: 'Ann', roles: ['user', 'gone'] };
const identity = (subject: string, provider = 'example') => ({ provider, subject, email: 'ann@example.com' });

it('makes an account with an identity, a verified email, those roles that there are, and no password', async () => {
  const account = await store.createAccount(NEW, identity('1'));
  expect(account).toMatchObject({ email: 'Ann@example.com', emailVerified: true, name: 'Ann', roles: ['user'] });
  expect(await store.findByIdentity(identity('1'))).toEqual(account);
  const { rows } = await pool.query('select password_hash from accounts');
  expect(rows).toEqual([{ password_hash: null }]);
});

it('makes one account when the same person comes for the first time twice at once', async () => {
  const made = await Promise.all(Array.from({ length: 8 }, () => store.createAccount(NEW, identity('1'))));
  expect(made.filter((account) => account !== undefined)).toHaveLength(1);
  expect(await store.identitiesOf(made.find(Boolean)?.accountId ?? '')).toHaveLength(1);
});

it('makes no account whose email is taken, and links nothing', async () => {
  await store.createAccount(NEW, identity('1'));
  expect(await store.createAccount(NEW, identity('2'))).toBeUndefined();
  expect(await store.findByIdentity(identity('2'))).toBeUndefined();
});

it('makes no account for an identity that is linked', async () => {
  await store.createAccount(NEW, identity('1'));
  const other = { ...NEW, email: 'bob@example.com', canonicalEmail: 'bob@example.com' };
  expect(await store.createAccount(other, identity('1'))).toBeUndefined();
  expect((await pool.query('select from accounts')).rowCount).toBe(1);
});

it('links an identity to one account only, and one of a provider to an account', async () => {
  const ann = await store.createAccount(NEW, identity('1'));
  const bob = await store.createAccount(
    { ...NEW, email: 'bob@example.com', canonicalEmail: 'bob@example.com' },
    identity('2'),
  );
  const [annId, bobId] = [ann?.accountId ?? '', bob?.accountId ?? ''];
  expect(await store.link(annId, identity('1'))).toBe(true);
  expect(await store.link(bobId, identity('1'))).toBe(false);
  expect(await store.link(annId, identity('3'))).toBe(false);
  expect(await store.link(annId, identity('3', 'another'))).toBe(true);
  expect(await store.identitiesOf(annId)).toMatchObject([identity('1'), identity('3', 'another')]);
});

it('forgets an identity that is not the only way to sign in', async () => {
  const ann = await store.createAccount(NEW, identity('1'));
  const id = ann?.accountId ?? '';
  expect(await store.unlink(id, 'example')).toBe('only_way');
  await store.link(id, identity('2', 'another'));
  expect(await store.unlink(id, 'example')).toBe('unlinked');
  expect(await store.unlink(id, 'example')).toBe('not_linked');
  expect(await store.findByIdentity(identity('1'))).toBeUndefined();
  expect(await store.unlink(id, 'another')).toBe('only_way');
  await pool.query("update accounts set password_hash = 'hash'");
  expect(await store.unlink(id, 'another')).toBe('unlinked');
});

it('forgets all identities with the account', async () => {
  await store.createAccount(NEW, identity('1'));
  await pool.query('delete from accounts');
  expect(await store.findByIdentity(identity('1'))).toBeUndefined();
});
