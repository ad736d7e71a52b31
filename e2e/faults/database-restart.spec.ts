import { setTimeout as sleep } from 'node:timers/promises';
import { createRelyingParty, DEMO_API, DEMO_MACHINE, introspect, revoke } from '../../src/testing/relying-party.ts';
import { type Node, type Nodes, prepareNodes } from '../servers/nodes.ts';
import { expect, test } from '../test.ts';

let nodes: Nodes;
let node: Node;

test.beforeAll(async () => {
  nodes = await prepareNodes();
  node = await nodes.start(nodes.issuer);
});

test.afterAll(() => nodes.stop());

test('C105, C106: an immediate restart of PostgreSQL costs 503 for a moment, and nothing that was answered', async () => {
  const machine = createRelyingParty(nodes.issuer, DEMO_MACHINE);
  const statuses = new Set<number>();
  const issued: string[] = [];
  let loaded = true;
  const load = Array.from({ length: 4 }, async () => {
    while (loaded) {
      const { status, body } = await machine.requestToken({ grant_type: 'client_credentials' });
      statuses.add(status);
      if (status === 200) {
        issued.push(String(body.access_token));
      } else {
        await sleep(20);
      }
    }
  });
  await expect.poll(() => issued.length).toBeGreaterThan(10);
  const [revoked = ''] = issued.splice(0, 1);
  expect((await revoke(nodes.issuer, revoked, DEMO_MACHINE)).status).toBe(200);

  await nodes.database.crash();
  await expect.poll(() => statuses.has(503)).toBe(true);
  expect((await fetch(`${nodes.issuer}/healthz`)).status).toBe(200);
  expect((await fetch(`${nodes.issuer}/readyz`)).status).toBe(503);
  expect((await fetch(`${nodes.issuer}/jwks`)).status).toBe(200);
  const before = issued.length;
  await nodes.database.startAgain();
  await expect.poll(() => issued.length, { timeout: 5_000 }).toBeGreaterThan(before + 10);
  loaded = false;
  await Promise.all(load);

  expect([...statuses].sort()).toEqual([200, 503]);
  expect(node.process.running).toBe(true);
  const sample = [...issued.slice(0, 10), ...issued.slice(-10), ...issued.slice(before - 5, before + 5)];
  for (const token of sample) {
    expect(await introspect(nodes.issuer, token, DEMO_API)).toMatchObject({ active: true });
  }
  expect(await introspect(nodes.issuer, revoked, DEMO_API)).toEqual({ active: false });
});
