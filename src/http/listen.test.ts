import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { listen } from './listen.ts';

const LOOPBACK = { host: '127.0.0.1', port: 0 };

it('C101: refuses more than 16 KiB of headers', async () => {
  const server = await listen((_, response) => response.end(), LOOPBACK);
  const response = await fetch(`http://127.0.0.1:${server.port}`, { headers: { x: 'y'.repeat(17_000) } });
  expect(response.status).toBe(431);
  await server.close();
});

it('C108: lets a running request end before it closes, and accepts no other', async () => {
  const { promise: asked, resolve: onRequest } = Promise.withResolvers<ServerResponse>();
  const server = await listen((_, response) => onRequest(response), LOOPBACK);
  const answer = fetch(`http://127.0.0.1:${server.port}`);
  const response = await asked;
  const closed = server.close();
  const late = connect(server.port, '127.0.0.1');
  const [error] = await once(late, 'error');
  expect(error.code).toBe('ECONNREFUSED');
  response.end('done');
  expect(await (await answer).text()).toBe('done');
  await closed;
});

it('says so when the port is taken', async () => {
  const server = await listen((_, response) => response.end(), LOOPBACK);
  await expect(listen(() => undefined, { ...LOOPBACK, port: server.port })).rejects.toThrow('EADDRINUSE');
  await server.close();
});
