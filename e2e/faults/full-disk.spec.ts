import { introspect } from '../../src/testing/relying-party.ts';
import { type Nodes, prepareNodes } from '../servers/nodes.ts';
import { expect, test } from '../test.ts';
import { startLoad } from './load.ts';
import { moveToSmallDisk } from './small-disk.ts';

test.describe.configure({ timeout: 90_000 });

const PLENTY = 40;

let nodes: Nodes;

test.beforeAll(async () => {
  nodes = await prepareNodes();
});

test.afterAll(() => nodes.stop());

test('C114, C105: a full disk costs 503 until there is room again, and nothing that was answered', async () => {
  const disk = await moveToSmallDisk(nodes.database);
  test.skip(typeof disk === 'string', String(disk));
  if (typeof disk === 'string') {
    return;
  }
  const running = [await nodes.start(nodes.issuer), await nodes.start()];
  const addresses = running.map(({ address }) => address);
  const load = await startLoad(nodes, { addresses });
  await load.isServed(PLENTY);
  await disk.fill();
  await load.isRefused(PLENTY);
  for (const node of addresses) {
    expect((await fetch(`${node}/readyz`)).status).toBe(200);
    expect(await introspect(node, 'no-such-token')).toEqual({ active: false });
  }
  await disk.free();
  const recovery = await load.isServed();
  await load.isServed(PLENTY);
  await load.stop();
  console.log(`full disk: ${load}; served again after ${recovery} ms`);
  expect(running.map(({ process }) => process.running)).toEqual([true, true]);
});
