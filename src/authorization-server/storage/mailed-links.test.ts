import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPool } from '../../database/connect.ts';
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts';
import { createToken, type NewLink } from '../self-service/mailed-link.ts';
import { PostgresAccountStore } from './accounts.ts';
import { PostgresMailedLinks, removeExpiredLinks } from './mailed-links.ts';
import { PostgresOutbox, removeUndelivered } from './outbox.ts';
import { createSealing } from './sealing.ts';

const sealing = createSealing(['a secret of a test that is long enough']);

let database: TestDatabase;
let pool: Pool;
let links: PostgresMailedLinks;

beforeAll(async () => {
  database = await createTestDatabase('authorization-server');
  pool = createPool({ url: database.url, max: 4, applicationName: 'test' });
  links = new PostgresMailedLinks(pool, sealing);
});
beforeEach(() => pool.query('delete from mailed_links; delete from accounts; delete from roles'));
afterAll(async () => {
  await pool.end();
  await database.drop();
});

async function add(link: Partial<NewLink<'invitation'>> = {}) {
  const token = createToken();
  const address = { email: 'Alice@example.com', emailCanonical: 'alice@example.com' };
  await links.add({ ...address, token, purpose: 'invitation', details: {}, seconds: 60, ...link });
  return token;
}

it('finds a link by its token, and by nothing that the database knows', async () => {
  const token = await add();
  expect(await links.find(token)).toMatchObject({ purpose: 'invitation', email: 'Alice@example.com', details: {} });
  const { rows } = await pool.query('select token_hash, sealed from mailed_links');
  expect(JSON.stringify(rows)).not.toContain(token);
  expect(await links.find(rows[0].token_hash)).toBeUndefined();
  expect(await links.find('')).toBeUndefined();
  expect(await links.find('a\0b')).toBeUndefined();
});

it('opens what a link is about for its own token only', async () => {
  const [token, other] = [await add(), await add({ emailCanonical: 'bob@example.com' })];
  await pool.query(`update mailed_links m set sealed = o.sealed from mailed_links o
    where m.email_canonical = 'alice@example.com' and o.email_canonical = 'bob@example.com'`);
  expect(await links.find(token)).toBeUndefined();
  expect(await links.find(other)).toBeDefined();
});

it('makes an account once, with the roles that there are, and uses the link up even where the address is taken', async () => {
  await pool.query(`insert into roles (name) values ('user')`);
  const account = { name: 'Alice', passwordHash: 'hash', roles: ['user', 'gone'] };
  const token = await add();
  const outcomes = await Promise.all(
    ['one', 'two', 'three'].map((accountId) => links.createAccount(token, { ...account, accountId })),
  );
  expect(outcomes.filter((outcome) => outcome === 'used')).toHaveLength(2);
  const made = outcomes.find((outcome) => outcome !== 'used');
  expect(made).toMatchObject({ email: 'Alice@example.com', emailVerified: true, roles: ['user'] });
  const late = await add();
  expect(await links.createAccount(late, { ...account, accountId: 'four' })).toBe('taken');
  expect(await links.find(late)).toBeUndefined();
});

it('does with a link what it is for and nothing else', async () => {
  const token = await add();
  expect(await links.setPassword(token, 'hash')).toBe('used');
  expect(await links.changeEmail(token)).toBe('used');
  expect(await links.find(token)).toBeDefined();
});

it('removes what is over; an invitation may be sent again for a month', async () => {
  const seconds = -60;
  await add({ seconds });
  await links.add({
    token: createToken(),
    purpose: 'sign-up',
    email: 'bob@example.com',
    emailCanonical: 'bob@example.com',
    details: { name: 'Bob', passwordHash: 'hash', browser: 'b', request: '' },
    seconds,
  });
  expect((await pool.query(removeExpiredLinks(100))).rowCount).toBe(1);
  expect(await links.listInvitations()).toHaveLength(1);
  await pool.query(`update mailed_links set expires_at = now() - interval '31 days'`);
  expect((await pool.query(removeExpiredLinks(100))).rowCount).toBe(1);
});

it('leaves what an earlier secret sealed out of the way of what can be delivered', async () => {
  const [outbox, before] = [
    new PostgresOutbox(pool, sealing),
    new PostgresOutbox(pool, createSealing(['x'.repeat(32)])),
  ];
  await pool.query('delete from outbox');
  await Promise.all(Array.from({ length: 4 }, () => before.add('letter', '{}')));
  const claim = async () => (await outbox.claim('letter', { most: 4, seconds: 0 })).map(({ payload }) => payload);
  expect(await claim()).toEqual([]);
  await outbox.add('letter', '{"new":true}');
  expect(await claim()).toEqual(['{"new":true}']);
  await pool.query('delete from outbox');
});

it('removes from the outbox what nobody has delivered for days', async () => {
  const outbox = new PostgresOutbox(pool, sealing);
  await outbox.add('mailbox', '{}');
  await outbox.add('mailbox', '{}');
  await pool.query(
    `update outbox set created_at = now() - interval '5 days' where id = (select id from outbox limit 1)`,
  );
  expect((await pool.query(removeUndelivered(100))).rowCount).toBe(1);
  expect(await outbox.list('mailbox', 10)).toHaveLength(1);
});

describe('links of one account to choose a password', () => {
  const alice = { email: 'alice@example.com', emailCanonical: 'alice@example.com' };

  async function addFor(accountId: string): Promise<string> {
    const token = createToken();
    const details = { browser: '', request: '' };
    await links.add({ ...alice, token, purpose: 'password', accountId, details, seconds: 60 });
    return token;
  }

  async function createAccount(): Promise<string> {
    await pool.query(
      `insert into accounts (account_id, email, email_canonical, name) values ('alice', $1, $1, 'Alice')`,
      [alice.email],
    );
    return 'alice';
  }

  it('are one as soon as one of them is used, however many are used at once', async () => {
    const accountId = await createAccount();
    for (let round = 0; round < 10; round++) {
      const tokens = await Promise.all([addFor(accountId), addFor(accountId), addFor(accountId)]);
      const outcomes = await Promise.all(tokens.map((token) => links.setPassword(token, token)));
      expect(outcomes.filter((outcome) => outcome === 'used')).toHaveLength(2);
    }
  });

  it('do not come back with an account that was disabled', async () => {
    const accountId = await createAccount();
    const token = await addFor(accountId);
    const accounts = new PostgresAccountStore(pool);
    await accounts.setDisabled(accountId, true);
    await accounts.setDisabled(accountId, false);
    expect(await links.find(token)).toBeUndefined();
    const later = await addFor(accountId);
    await accounts.setDisabled(accountId, false);
    expect(await links.find(later)).toBeDefined();
  });

  it('are nothing to an account that has another address by now', async () => {
    const token = await addFor(await createAccount());
    await pool.query(`update accounts set email = 'al@example.com', email_canonical = 'al@example.com'`);
    expect(await links.setPassword(token, 'hash')).toBe('used');
    expect((await pool.query('select password_hash from accounts')).rows).toEqual([{ password_hash: null }]);
  });
});
