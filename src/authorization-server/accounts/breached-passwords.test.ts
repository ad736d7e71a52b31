import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createOutgoing } from '../provider/outgoing.ts';
import { createBreachedPasswords } from './breached-passwords.ts';

/** SHA-1: 21BD1 2DC183F740EE76F27B78EB39C8AD972A757 */
const STOLEN = 'P@ssw0rd';
const ITS_ROW = '2DC183F740EE76F27B78EB39C8AD972A757:86453';

let answer: (request: IncomingMessage, response: ServerResponse) => void;
const server = createServer((request, response) => answer(request, response));
let url: string;
let failures: unknown[];

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/range`;
});

beforeEach(() => {
  failures = [];
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const isBreached = (
  password: string,
  settings: { development: boolean; answerLimit?: number } = { development: true },
) =>
  createBreachedPasswords({ url, fetch: createOutgoing(settings), onFailure: (error) => failures.push(error) })(
    password,
  );

it('C64: finds a stolen password by the first five digits of its hash, and tells no more', async () => {
  const seen: IncomingMessage[] = [];
  answer = (request, response) => {
    seen.push(request);
    response.end(`0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n${ITS_ROW}\r\n011053FD0102E94D6AE2F8B83D76FAF94F6:1`);
  };
  expect(await isBreached(STOLEN)).toBe(true);
  expect(await isBreached('seven tapirs rowing quietly')).toBe(false);
  expect(seen[0]?.url).toBe('/range/21BD1');
  expect(seen[0]?.headers).toMatchObject({ 'add-padding': 'true' });
  expect(seen[0]?.method).toBe('GET');
  expect(failures).toEqual([]);
});

it('takes no row of padding for a stolen password', async () => {
  answer = (_request, response) => void response.end(ITS_ROW.replace(/:.*/, ':0'));
  expect(await isBreached(STOLEN)).toBe(false);
});

it('fails open, and says so, where the list cannot be asked', async () => {
  answer = (_request, response) => void response.writeHead(503).end();
  expect(await isBreached(STOLEN)).toBe(false);
  answer = (request) => void request.socket.destroy();
  expect(await isBreached(STOLEN)).toBe(false);
  answer = (_request, response) => void response.end(`${ITS_ROW}\n`.repeat(1000));
  expect(await isBreached(STOLEN, { development: true, answerLimit: 1000 })).toBe(false);
  answer = (_request, response) => void response.end(ITS_ROW);
  expect(await isBreached(STOLEN, { development: false })).toBe(false);
  expect(failures).toHaveLength(4);
  expect(failures.join()).not.toMatch(/21BD1|P@ss/);
});

it('waits no longer than a second', async () => {
  answer = () => {};
  const startedAt = performance.now();
  expect(await isBreached(STOLEN)).toBe(false);
  expect(performance.now() - startedAt).toBeLessThan(2000);
  expect(failures).toHaveLength(1);
});
