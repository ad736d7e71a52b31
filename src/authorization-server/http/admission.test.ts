import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sendRaw } from '../../testing/raw-request.ts';
import { admission } from './admission.ts';
import type { Answered } from './request-id.ts';

const LIMIT = 2;
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const HEADERS = new Map([['X-Content-Type-Options', 'nosniff']]);

/** A server whose application answers when it is told to, and has read the body of what it works on. */
async function startBusyServer() {
  const logged: Answered[] = [];
  const finished: (() => void)[] = [];
  let arrived = Promise.withResolvers<void>();
  const listener = admission(
    async (request, response) => {
      const body = await text(request).catch(() => undefined);
      if (body === undefined) {
        return;
      }
      if (['/healthz', '/jwks'].includes(request.url ?? '')) {
        response.end('ok');
        return;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      finished.push(resolve);
      arrived.resolve();
      await promise;
      response.end('done');
    },
    { log: (_request, answered) => logged.push(answered), headers: HEADERS, maxInProgress: LIMIT },
  );
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    address,
    logged,
    /** Another request has reached the server. */
    next: () => once(server, 'request'),
    /** Sends a request and waits until the application works on it. */
    async occupy(init: RequestInit & { path?: string } = {}) {
      arrived = Promise.withResolvers();
      const answer = fetch(`${address}${init.path ?? '/token'}`, init);
      answer.catch(() => undefined);
      await arrived.promise;
      return { status: () => answer.then((response) => response.status) };
    },
    finishOne: () => finished.shift()?.(),
    async stop() {
      for (const finish of finished) {
        finish();
      }
      server.closeAllConnections();
      server.close();
    },
  };
}

let server: Awaited<ReturnType<typeof startBusyServer>>;
beforeEach(async () => {
  server = await startBusyServer();
});
afterEach(() => server.stop());

async function beBusy(): Promise<void> {
  for (let request = 0; request < LIMIT; request += 1) {
    await server.occupy();
  }
}

it('refuses what comes while the server is busy at once, and says when to come back', async () => {
  await beBusy();
  const refused = await fetch(`${server.address}/token`, { method: 'POST', headers: FORM, body: 'a=b' });
  expect(refused.status).toBe(503);
  expect(Object.fromEntries(refused.headers)).toMatchObject({
    'retry-after': '1',
    'cache-control': 'no-store',
    'content-type': 'application/json; charset=utf-8',
    'x-content-type-options': 'nosniff',
  });
  expect(await refused.json()).toEqual({
    error: 'temporarily_unavailable',
    error_description: expect.any(String),
  });
});

it('tells a person in words', async () => {
  await beBusy();
  for (const path of ['/auth?client_id=x', '/interaction/x', '/session/end', '/nonsense']) {
    const refused = await fetch(`${server.address}${path}`);
    expect(refused.status).toBe(503);
    expect(refused.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await refused.text()).toContain('try again');
  }
});

it('C92: logs a refusal under its id, without the query', async () => {
  await beBusy();
  const refused = await fetch(`${server.address}/auth?code=secret`);
  expect(server.logged).toEqual([
    { requestId: refused.headers.get('x-request-id'), path: '/auth', status: 503, milliseconds: 0 },
  ]);
});

it('admits again as soon as a request is answered', async () => {
  const first = await server.occupy();
  await server.occupy();
  server.finishOne();
  expect(await first.status()).toBe(200);
  const next = await server.occupy();
  expect((await fetch(server.address)).status).toBe(503);
  server.finishOne();
  server.finishOne();
  expect(await next.status()).toBe(200);
});

it('always tells that it is well, and gives its keys', async () => {
  await beBusy();
  expect((await fetch(`${server.address}/healthz`)).status).toBe(200);
  expect((await fetch(`${server.address}/jwks`)).status).toBe(200);
});

it('goes on counting a request whose sender has hung up', async () => {
  const impatient = new AbortController();
  await server.occupy({ signal: impatient.signal });
  await server.occupy();
  impatient.abort();
  expect((await fetch(server.address)).status).toBe(503);
});

it('counts no request whose body is still on its way', async () => {
  const slow = Array.from({ length: 5 * LIMIT }, () =>
    httpRequest(`${server.address}/token`, { method: 'POST', headers: { ...FORM, 'content-length': 3 }, agent: false }),
  );
  for (const one of slow) {
    one.on('error', () => undefined);
    one.write('a=');
    await server.next();
  }
  const quick = await server.occupy({ method: 'POST', headers: FORM, body: 'a=b' });
  server.finishOne();
  expect(await quick.status()).toBe(200);
  for (const one of slow) {
    one.destroy();
  }
});

it('refuses what is read late in a turn of the event loop, and admits again in the next', async () => {
  const listener = admission(
    async (_request, response) => {
      response.end();
    },
    { log: () => undefined, headers: HEADERS, maxInTurn: 2 },
  );
  const busy = createServer(listener).listen(0, '127.0.0.1');
  await once(busy, 'listening');
  const { port } = busy.address() as AddressInfo;
  const request = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
  const last = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
  // What comes in one packet is read in one turn.
  const { text: answers } = await sendRaw(`http://127.0.0.1:${port}`, `${request}${request}${last}`);
  expect(answers.match(/^HTTP\/1.1 \d+/gm)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 503']);
  expect((await fetch(`http://127.0.0.1:${port}`)).status).toBe(200);
  busy.closeAllConnections();
  busy.close();
});
