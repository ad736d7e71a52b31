import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { ALICE, setUpSignIn } from '../../testing/sign-in.ts';

let setup: Awaited<ReturnType<typeof setUpSignIn>>;

beforeAll(async () => {
  setup = await setUpSignIn();
});
beforeEach(() => setup.reset());
afterAll(() => setup.tearDown());

/** A clock that moves only when told. */
function stoppedClock() {
  let time = Date.UTC(2030, 0, 1);
  return {
    now: () => new Date(time),
    pass(seconds: number) {
      time += seconds * 1000;
    },
  };
}

it('C59: verifies at most 10 of 100 parallel wrong passwords on two nodes, then refuses the right one', async () => {
  await setup.createAlice();
  const nodes = [await setup.startNode(), await setup.startNode()];
  const outcomes = await Promise.all(
    nodes.flatMap((node) => Array.from({ length: 50 }, (_, i) => node.signIn(`no ${i}`))),
  );
  expect(outcomes.every((account) => account === undefined)).toBe(true);
  const verified = nodes.flatMap((node) => node.verified);
  expect(verified).toHaveLength(100);
  expect(verified.filter((hash) => hash !== undefined)).toHaveLength(10);

  const later = await setup.startNode();
  expect(await later.signIn()).toBeUndefined();
  expect(later.verified).toEqual([undefined]);
});

it('lets 100 parallel right passwords in, although only 10 may fail', async () => {
  await setup.createAlice();
  const node = await setup.startNode();
  const outcomes = await Promise.all(Array.from({ length: 100 }, () => node.signIn()));
  expect(outcomes.every((account) => account !== undefined)).toBe(true);
});

it('C60: counts every spelling of an address for the same account', async () => {
  await setup.createAlice();
  const node = await setup.startNode();
  const spellings = [
    'ALICE@example.com',
    ' alice@example.com ',
    'ａlice@example.com',
    'alice@EXAMPLE.com.',
    'al\u200bice@example.com',
  ];
  for (const email of [...spellings, ...spellings]) {
    await node.signIn('wrong', email);
  }
  expect(await node.signIn()).toBeUndefined();
});

it('C63: throttles for a time only, however often', async () => {
  await setup.createAlice();
  const clock = stoppedClock();
  const node = await setup.startNode({ now: clock.now });
  for (let round = 0; round < 3; round += 1) {
    await node.fail(10);
    clock.pass(59);
    expect(await node.signIn()).toBeUndefined();
    clock.pass(1);
  }
  expect(await node.signIn()).toBeDefined();
});

it('C63: attempts during the throttle do not prolong it', async () => {
  await setup.createAlice();
  const clock = stoppedClock();
  const node = await setup.startNode({ now: clock.now });
  await node.fail(10);
  clock.pass(30);
  await node.fail(25);
  clock.pass(30);
  expect(await node.signIn()).toBeDefined();
});

it("decides by the database's clock when no other is given", async () => {
  await setup.createAlice();
  const node = await setup.startNode();
  await node.fail(10);
  const { rows } = await setup.pool.query('select throttled_until - now() between $1 and $2 as soon from accounts', [
    '50 s',
    '60 s',
  ]);
  expect(rows).toEqual([{ soon: true }]);
  await setup.pool.query('update accounts set throttled_until = now()');
  expect(await node.signIn()).toBeDefined();
});

it('forgets failures once the right password comes', async () => {
  await setup.createAlice();
  const node = await setup.startNode();
  await node.fail(9);
  expect(await node.signIn()).toBeDefined();
  await node.fail(9);
  expect(await node.signIn()).toBeDefined();
});

it('C60: unknown addresses grow no table', async () => {
  const node = await setup.startNode();
  for (let i = 0; i < 12; i += 1) {
    await node.signIn(ALICE.password, `nobody${i}@example.com`);
  }
  expect((await setup.pool.query('select from accounts')).rowCount).toBe(0);
});
