import pg from 'pg';
import { type Node, type Nodes, prepareNodes } from '../servers/nodes.ts';
import { until } from '../servers/process.ts';
import { expect, test } from '../test.ts';
import { startLoad } from './load.ts';

test.describe.configure({ timeout: 90_000 });

const PLENTY = 40;

let nodes: Nodes;
let running: Node[];
let addresses: string[];

test.beforeAll(async () => {
  nodes = await prepareNodes();
  running = [await nodes.start(nodes.issuer), await nodes.start()];
  addresses = running.map(({ address }) => address);
});

test.afterAll(() => nodes.stop());

for (const [way, stopDatabase] of [
  ['a fast', () => nodes.database.shutDown()],
  ['an immediate', () => nodes.database.crash()],
] as const) {
  test(`C105, C106: ${way} restart of PostgreSQL costs 503 for a moment, and nothing that was answered`, async () => {
    const load = await startLoad(nodes, { addresses });
    await load.isServed(PLENTY);
    await stopDatabase();
    await load.isRefused(PLENTY);
    for (const node of addresses) {
      expect(await statusesOf(node)).toEqual({ '/healthz': 200, '/readyz': 503, '/jwks': 200 });
    }
    await nodes.database.startAgain();
    const recovery = await load.isServed();
    await load.isServed(PLENTY);
    await load.stop();
    console.log(`${way} restart: ${load}; served again after ${recovery} ms`);
    expect(running.map(({ process }) => process.running)).toEqual([true, true]);
  });
}

for (const [waiting, mode] of [
  ['a change of tokens', 'share'],
  ['anything about tokens', 'access exclusive'],
] as const) {
  test(`C105, C109: ${waiting} that waits too long costs 503, and nothing that was answered`, async () => {
    const load = await startLoad(nodes, { addresses });
    await load.isServed(PLENTY);
    const before = running.map(givenUp);
    const connection = new pg.Client(nodes.database.urls.DATABASE_URL);
    await connection.connect();
    await connection.query(`begin; lock table tokens in ${mode} mode`);
    await load.isRefused();
    await until(() => running.every((node, n) => givenUp(node) > (before[n] ?? 0)), 'each node gave up a statement');
    for (const node of addresses) {
      expect(await statusesOf(node)).toMatchObject({ '/healthz': 200, '/jwks': 200 });
    }
    await connection.end();
    const recovery = await load.isServed();
    await load.isServed(PLENTY);
    await load.stop();
    console.log(`lock in ${mode} mode: ${load}; served again after ${recovery} ms`);
  });
}

/** Statements that took too long, as the log of the node has them. */
function givenUp({ process }: Node): number {
  return process.output().split('"code":"57014"').length;
}

async function statusesOf(node: string): Promise<Record<string, number>> {
  const ask = async (path: string) => [path, (await fetch(node + path)).status] as const;
  return Object.fromEntries(await Promise.all(['/healthz', '/readyz', '/jwks'].map(ask)));
}
