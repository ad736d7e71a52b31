import { randomInt } from 'node:crypto';
import pg from 'pg';
import { createRelyingParty, DEMO_WEB, introspect, tokensOf } from '../../src/testing/relying-party.ts';
import { type Node, type Nodes, prepareNodes } from '../servers/nodes.ts';
import { until } from '../servers/process.ts';
import { expect, test } from '../test.ts';
import { startLoad } from './load.ts';

test.describe.configure({ timeout: 90_000 });

const KILLS = 8;

let nodes: Nodes;
let one: Node;
let other: Node;

test.beforeAll(async () => {
  nodes = await prepareNodes();
  one = await nodes.start(nodes.issuer);
  other = await nodes.start();
});

test.afterAll(() => nodes.stop());

test('C107: nodes may be killed at any moment: nothing that was answered is lost, nothing is granted twice', async () => {
  const running = [one, other];
  const addresses = running.map(({ address }) => address);
  const load = await startLoad(nodes, { addresses, mayBeLost: true });
  for (let kill = 0; kill < KILLS; kill += 1) {
    await load.isServed();
    const moment = load.answers.total + randomInt(1, 100);
    await until(() => load.answers.total >= moment, 'there are more answers');
    const [doomed] = running.splice(randomInt(running.length), 1);
    doomed?.process.signal('SIGKILL');
    await doomed?.process.ended();
    running.push(await nodes.start(doomed?.address));
  }
  await load.isServed();
  await load.stop();
  console.log(`${KILLS} nodes killed: ${load}`);
  [one = one, other = other] = running;
});

test('C107, C26: a node that dies between using up a refresh token and answering: another node tells the retry', async () => {
  const web = createRelyingParty(nodes.issuer, DEMO_WEB);
  const { refresh_token } = await web.obtainTokens();
  const doomed = await nodes.start();
  const database = new pg.Client(nodes.database.urls.DATABASE_URL);
  await database.connect();
  const count = async (what: string) => (await database.query(`select count(*)::int from ${what}`)).rows[0].count;
  const USED = `tokens where kind = 'RefreshToken' and consumed_at is not null`;
  const WAITING = `pg_locks where relation = 'tokens'::regclass and mode = 'RowExclusiveLock' and not granted`;
  const usedBefore = await count(USED);

  await database.query('begin');
  await database.query('lock table tokens in share mode'); // Reading goes on, using up waits.
  const unanswered = web.refresh(refresh_token, {}, doomed.address).catch(() => 'no answer');
  await until(async () => (await count(WAITING)) > 0, 'the refresh waits');
  doomed.process.signal('SIGSTOP');
  await database.query('commit');
  await until(async () => (await count(USED)) > usedBefore, 'the refresh token is used up');
  doomed.process.signal('SIGKILL');
  expect(await unanswered).toBe('no answer');

  const retried = tokensOf(await web.refresh(refresh_token, {}, other.address));
  const again = tokensOf(await web.refresh(refresh_token, {}, one.address));
  expect([again.access_token, again.refresh_token]).toEqual([retried.access_token, retried.refresh_token]);
  expect(await introspect(one.address, retried.access_token)).toMatchObject({ active: true });
  await database.end();
});
