import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createPool } from '../../database/connect.ts';
import { createTestDatabase } from '../../testing/database.ts';
import { HASHING, POLICY } from '../../testing/sign-in.ts';
import { createAccountManagement, InvalidAccount } from '../accounts/manage-accounts.ts';
import { createPasswords, type Passwords } from '../accounts/passwords.ts';
import { PostgresAccountStore } from './accounts.ts';
import { createAudit } from './audit.ts';

const ALICE = {
  email: 'Alice@example.com',
  name: 'Alice',
  roles: ['user', 'admin'],
  emailVerified: true,
  password: 'correct-horse-battery-staple',
};

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let pool: Pool;
let accounts: PostgresAccountStore;
let passwords: Passwords;

beforeAll(async () => {
  database = await createTestDatabase('authorization-server');
  pool = createPool({ url: database.url, max: 8, applicationName: 'accounts.test' });
  accounts = new PostgresAccountStore(pool);
  passwords = await createPasswords(HASHING);
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

beforeEach(async () => {
  await pool.query('delete from accounts; delete from roles');
  await pool.query(`insert into roles (name) values ('admin'), ('guest'), ('user')`);
});

function manage() {
  const ended: string[] = [];
  const management = createAccountManagement({
    accounts,
    passwords,
    policy: POLICY,
    endAccess: async (accountId) => {
      ended.push(accountId);
    },
    audit: createAudit(pool, () => undefined),
  });
  return { ...management, ended };
}

const storedHash = async () => (await accounts.findByEmail('alice@example.com'))?.passwordHash;

it('creates an account under a random id, and finds it by that id with its roles', async () => {
  const { account, outcome } = await manage().saveAccount(ALICE);
  expect(outcome).toBe('created');
  expect(account.accountId).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  expect(await accounts.findAccount(account.accountId)).toEqual({
    accountId: account.accountId,
    email: 'Alice@example.com',
    emailVerified: true,
    name: 'Alice',
    roles: ['admin', 'user'],
    disabled: false,
    claims: {},
    updatedAt: expect.any(Date),
  });
});

it('finds nothing under ids that nobody has, a NUL and absurd lengths included', async () => {
  for (const id of [randomUUID(), '', 'a\0b', 'x'.repeat(1_000_000), "' or true --", '\ud800']) {
    expect(await accounts.findAccount(id)).toBeUndefined();
    expect(await accounts.setDisabled(id, true)).toBe(false);
    expect(await accounts.deleteAccount(id)).toBe(false);
  }
});

it('leaves an account alone that is saved again as it is, its hash too', async () => {
  const { saveAccount, ended } = manage();
  const { account } = await saveAccount(ALICE);
  const hash = await storedHash();
  const again = await saveAccount({ ...ALICE, roles: ['admin', 'user', 'admin'] });
  expect(again).toEqual({ account, outcome: 'unchanged' });
  expect(await storedHash()).toBe(hash);
  expect(ended).toEqual([]);
});

it('C60: takes another spelling of the address for the same account', async () => {
  const { saveAccount } = manage();
  const { account } = await saveAccount(ALICE);
  const again = await saveAccount({ ...ALICE, email: 'alice@EXAMPLE.com' });
  const updated = { ...account, email: 'alice@EXAMPLE.com', updatedAt: expect.any(Date) };
  expect(again).toEqual({ account: updated, outcome: 'updated' });
  expect((await pool.query('select from accounts')).rowCount).toBe(1);
});

it('updates what changed and keeps what is left out', async () => {
  const { saveAccount, ended } = manage();
  const { account } = await saveAccount(ALICE);
  const hash = await storedHash();
  const { outcome } = await saveAccount({ email: ALICE.email, name: 'Alice B.', roles: ['guest'] });
  expect(outcome).toBe('updated');
  expect(await accounts.findAccount(account.accountId)).toEqual({
    ...account,
    name: 'Alice B.',
    roles: ['guest'],
    updatedAt: expect.any(Date),
  });
  expect(await storedHash()).toBe(hash);
  await saveAccount({ ...ALICE, roles: [] });
  expect((await accounts.findAccount(account.accountId))?.roles).toEqual([]);
  expect(ended).toEqual([]);
});

it('writes down what an operator does to an account, and nothing where nothing changes', async () => {
  const { saveAccount, setDisabled, deleteAccount } = manage();
  const { account } = await saveAccount(ALICE);
  await saveAccount(ALICE);
  await saveAccount({ ...ALICE, name: 'Alice B.', roles: ['guest'], password: 'another-password-of-alice' });
  await setDisabled(account.accountId, true);
  await setDisabled(account.accountId, false);
  await deleteAccount(account.accountId);
  await deleteAccount(account.accountId);
  const { rows } = await pool.query('select kind, details from audit_events where account_id = $1 order by at, id', [
    account.accountId,
  ]);
  expect(rows.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['account_created', 'profile_changed', 'roles_changed', 'password_changed']),
  );
  expect(rows.slice(-3).map(({ kind }) => kind)).toEqual(['account_disabled', 'account_enabled', 'account_deleted']);
  expect(rows).toHaveLength(7);
  expect(rows.every(({ details }) => details.by === 'operator')).toBe(true);
});

it('keeps the claims that nobody speaks of, takes away those that are left out, and tells when that was', async () => {
  const { saveAccount } = manage();
  const claims = { given_name: 'Älice', address: { formatted: '1 Bell Street\nLondon' } };
  const { account } = await saveAccount({ ...ALICE, claims });
  expect(account.claims).toEqual(claims);
  await pool.query(`update accounts set updated_at = '2020-01-01'`);
  expect((await saveAccount(ALICE)).outcome).toBe('unchanged');
  const { address, given_name } = claims;
  expect((await saveAccount({ ...ALICE, claims: { address, given_name } })).outcome).toBe('unchanged');
  expect((await accounts.findAccount(account.accountId))?.updatedAt).toEqual(new Date('2020-01-01T00:00:00Z'));

  const changed = await saveAccount({ ...ALICE, claims: { given_name } });
  expect(changed).toMatchObject({ outcome: 'updated', account: { claims: { given_name } } });
  expect(changed.account.claims).not.toHaveProperty('address');
  expect(changed.account.updatedAt.getFullYear()).toBeGreaterThan(2020);
});

it('keeps a disabled account disabled when it is saved', async () => {
  const { saveAccount, setDisabled } = manage();
  const { account } = await saveAccount(ALICE);
  await setDisabled(account.accountId, true);
  expect((await saveAccount({ ...ALICE, name: 'A.' })).account.disabled).toBe(true);
  expect((await accounts.findAccount(account.accountId))?.disabled).toBe(true);
});

it('ends access and a throttle when the password is replaced', async () => {
  const { saveAccount, ended } = manage();
  const { account } = await saveAccount(ALICE);
  await pool.query(`update accounts set failed_sign_ins = 10, throttled_until = 'infinity'`);
  const before = await storedHash();
  expect((await saveAccount({ ...ALICE, password: 'seven-tapirs-row' })).outcome).toBe('updated');
  expect(await storedHash()).not.toBe(before);
  expect(new Set(ended)).toEqual(new Set([account.accountId]));
  const { rows } = await pool.query('select failed_sign_ins, throttled_until from accounts');
  expect(rows).toEqual([{ failed_sign_ins: 0, throttled_until: null }]);
});

it('keeps a throttle when anything but the password is saved', async () => {
  const { saveAccount } = manage();
  await saveAccount(ALICE);
  await pool.query(`update accounts set failed_sign_ins = 10, throttled_until = 'infinity'`);
  await saveAccount({ ...ALICE, name: 'A.' });
  expect((await pool.query('select failed_sign_ins from accounts where throttled_until is not null')).rows).toEqual([
    { failed_sign_ins: 10 },
  ]);
});

it('ends access after an account is disabled or deleted, and again on repetition', async () => {
  const { accountId } = (await manage().saveAccount(ALICE)).account;
  const { setDisabled, deleteAccount, ended } = manage();
  expect(await setDisabled(accountId, true)).toBe(true);
  expect(await setDisabled(accountId, true)).toBe(true);
  expect(ended).toEqual([accountId, accountId]);
  expect(await setDisabled(accountId, false)).toBe(true);
  expect(ended).toHaveLength(2);
  expect((await accounts.findAccount(accountId))?.disabled).toBe(false);

  expect(await deleteAccount(accountId)).toBe(true);
  expect(await deleteAccount(accountId)).toBe(false);
  expect(ended).toHaveLength(4);
  expect(await accounts.findAccount(accountId)).toBeUndefined();
});

it('refuses what cannot be an account, writes nothing, and never names the password', async () => {
  const { saveAccount } = manage();
  const refusal = async (change: Partial<typeof ALICE>) => {
    const error = await saveAccount({ ...ALICE, ...change }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidAccount);
    expect((error as Error).message).not.toContain(change.password ?? ALICE.password);
    return (error as Error).message;
  };
  expect(await refusal({ email: 'alice' })).toBe('"alice" is not an email address.');
  expect(await refusal({ name: 'Al\0ice' })).toBe('The name of alice@example.com contains a control character.');
  expect(await refusal({ password: 's3cret!' })).toContain('passwords.too-short');
  expect(await refusal({ password: 'x'.repeat(1025) })).toContain('passwords.too-long');
  expect(await refusal({ roles: ['user', 'king'] })).toBe(
    'alice@example.com has a role that does not exist: user, king.',
  );
  expect((await pool.query('select from accounts')).rowCount).toBe(0);
});

it('makes one account of parallel saves of the same address', async () => {
  const { saveAccount } = manage();
  const saved = await Promise.all(Array.from({ length: 10 }, () => saveAccount(ALICE)));
  expect(new Set(saved.map(({ account }) => account.accountId)).size).toBe(1);
  expect((await accounts.findByEmail('alice@example.com'))?.roles).toEqual(['admin', 'user']);
});

it('ends with the roles of one of two parallel saves, never with those of both', async () => {
  const { saveAccount } = manage();
  await saveAccount({ ...ALICE, roles: [] });
  for (let round = 0; round < 10; round += 1) {
    await Promise.all(['admin', 'guest'].map((role) => saveAccount({ ...ALICE, roles: [role] })));
    expect((await accounts.findByEmail('alice@example.com'))?.roles).toHaveLength(1);
  }
});
