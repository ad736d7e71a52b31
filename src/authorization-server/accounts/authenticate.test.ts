import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { ALICE, HASHING, LOCKOUT, setUpSignIn } from '../../testing/sign-in.ts';
import { createAuthenticate } from './authenticate.ts';
import { TooBusy } from './too-busy.ts';

let setup: Awaited<ReturnType<typeof setUpSignIn>>;

beforeAll(async () => {
  setup = await setUpSignIn();
});
beforeEach(() => setup.reset());
afterAll(() => setup.tearDown());

it('signs in with the right email and password, and answers with the account', async () => {
  const account = await setup.createAlice();
  const node = await setup.startNode();
  expect((await node.signIn())?.person.account).toEqual(account);
  expect(account).toMatchObject({ email: 'alice@example.com', name: 'Alice', roles: ['user'], disabled: false });
});

it('C57, C58: unknown, wrong, throttled, disabled and without a password answer alike, after exactly one verification', async () => {
  const { accountId } = await setup.createAlice();
  await setup.management.saveAccount({ email: 'bob@example.com', name: 'Bob', roles: [] });

  const attempt = async (email: string, password: string) => {
    const node = await setup.startNode();
    expect(await node.signIn(password, email)).toBeUndefined();
    expect(node.verified).toHaveLength(1);
  };
  await attempt('nobody@example.com', ALICE.password);
  await attempt('not an address', ALICE.password);
  await attempt('alice@example.com', 'wrong');
  await attempt('bob@example.com', ALICE.password);
  await setup.accounts.setDisabled(accountId, true);
  await attempt('alice@example.com', ALICE.password);
  await setup.accounts.setDisabled(accountId, false);
  await (await setup.startNode()).fail(LOCKOUT.attempts);
  await attempt('alice@example.com', ALICE.password);
});

it('C56: never signs in without a password and an email in text, and verifies no impossible password', async () => {
  await setup.createAlice();
  const node = await setup.startNode();
  const impossible = [
    '',
    undefined,
    null,
    [ALICE.password],
    { a: ALICE.password },
    ALICE.password.repeat(50),
  ] as string[];
  for (const password of impossible) {
    expect(await node.authenticate({ email: ALICE.email, password })).toBeUndefined();
  }
  expect(node.verified).toEqual([]);
  for (const email of ['', undefined, null, [ALICE.email], { a: ALICE.email }, 'alice\0@example.com'] as string[]) {
    expect(await node.authenticate({ email, password: ALICE.password })).toBeUndefined();
  }
  expect(node.verified.every((hash) => hash === undefined)).toBe(true);
});

it('C64: renews the hash at sign-in when the parameters have risen, also when two sign in at once', async () => {
  const { accountId } = await setup.createAlice();
  const hashNow = async () => (await setup.accounts.findByEmail(ALICE.email))?.passwordHash;
  expect(await hashNow()).toContain('m=64,t=1');

  const node = await setup.startNode({ hashing: { ...HASHING, memoryKiB: 128, iterations: 2 } });
  await node.fail(1);
  expect(await hashNow()).toContain('m=64,t=1');
  const both = await Promise.all([node.signIn(), node.signIn()]);
  expect(both.map((proof) => proof?.person.account.accountId)).toEqual([accountId, accountId]);
  const renewed = await hashNow();
  expect(renewed).toContain('m=128,t=2');

  expect(await node.signIn()).toBeDefined();
  expect(await (await setup.startNode()).signIn()).toBeDefined();
  expect(await hashNow()).toBe(renewed);
});

it('refuses a right password when it is replaced, or the account disabled, while it is verified', async () => {
  const { accountId } = await setup.createAlice();
  const meanwhile = (change: () => Promise<unknown>) =>
    createAuthenticate({
      accounts: {
        reserveAttempt: (email, lockout) => setup.accounts.reserveAttempt(email, lockout),
        async recordSuccess(success) {
          await change();
          return setup.accounts.recordSuccess(success);
        },
      },
      passwords: setup.passwords,
      lockout: LOCKOUT,
      audit: setup.audit,
    })({ email: ALICE.email, password: ALICE.password });

  expect(await meanwhile(() => setup.accounts.setDisabled(accountId, true))).toBeUndefined();
  await setup.accounts.setDisabled(accountId, false);
  expect(
    await meanwhile(() => setup.management.saveAccount({ ...ALICE, password: 'quite-another-password' })),
  ).toBeUndefined();
  expect(await (await setup.startNode()).signIn('quite-another-password')).toBeDefined();
});

it('C65: throws TooBusy when too many wait, and counts no attempt for those', async () => {
  await setup.createAlice();
  const node = await setup.startNode({ hashing: { ...HASHING, concurrency: 1, queue: 2 } });
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => node.signIn('wrong')));
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  expect(refused).toHaveLength(17);
  expect(refused.every(({ reason }) => reason instanceof TooBusy)).toBe(true);
  expect(node.verified).toHaveLength(3);
  expect((await setup.pool.query('select failed_sign_ins from accounts')).rows).toEqual([{ failed_sign_ins: 3 }]);
});
