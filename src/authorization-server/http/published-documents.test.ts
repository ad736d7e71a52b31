import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '../../logging/create-logger.ts';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { sendRaw } from '../../testing/raw-request.ts';
import { publishedDocuments } from './published-documents.ts';

const DOCUMENTS = ['/jwks', '/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'];
/** Node’s, of the connection and of the moment, and what names the one request. */
const OF_ONE_RESPONSE = ['date', 'connection', 'keep-alive', 'x-request-id'];

const lines: string[] = [];
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ logger: createLogger('info', { write: (line: string) => void lines.push(line) }) });
});
afterAll(() => server.stop());

function headersOf({ headers }: Response): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => !OF_ONE_RESPONSE.includes(name)));
}

describe.each(DOCUMENTS)('%s', (path) => {
  // A query is the application's to answer, and changes nothing of what it says.
  const byTheApplication = `${path}?x`;

  it.each([{}, { origin: 'https://app.example' }])(
    'is what the application says, with a validator (%o)',
    async (sent) => {
      const plain = await fetch(server.url(byTheApplication), { headers: sent });
      const text = await plain.text();
      for (let time = 0; time < 3; time += 1) {
        const kept = await fetch(server.url(path), { headers: sent });
        const { etag, ...others } = headersOf(kept);
        expect(kept.status).toBe(200);
        expect(await kept.text()).toBe(text);
        expect(others).toEqual(headersOf(plain));
        expect(etag).toMatch(/^"[\w-]{43}"$/);
      }
      const ids = [await fetch(server.url(path)), await fetch(server.url(path))].map(({ headers }) =>
        headers.get('x-request-id'),
      );
      expect(ids[0]).toMatch(/^[0-9a-f-]{36}$/);
      expect(ids[0]).not.toBe(ids[1]);
    },
  );

  it('is not sent again to who has it', async () => {
    const first = await fetch(server.url(path), { headers: { origin: 'https://app.example' } });
    const etag = first.headers.get('etag') ?? '';
    for (const validator of [etag, `W/${etag}`, `"another", ${etag}`, '*']) {
      const again = await fetch(server.url(path), {
        headers: { 'if-none-match': validator, origin: 'https://app.example' },
      });
      expect(again.status).toBe(304);
      expect(await again.text()).toBe('');
      const { 'content-type': _, 'content-length': __, ...others } = headersOf(first);
      expect(headersOf(again)).toEqual(others);
    }
    expect((await fetch(server.url(path), { headers: { 'if-none-match': '"another"' } })).status).toBe(200);
  });

  it('has the same headers for HEAD', async () => {
    const got = await fetch(server.url(path));
    const head = await fetch(server.url(path), { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(await head.text()).toBe('');
    expect(headersOf(head)).toEqual(headersOf(got));
  });

  it('is the application’s at any other spelling, with a body, and by another method', async () => {
    for (const spelling of [byTheApplication, `${path}/`, path.toUpperCase()]) {
      const answer = await fetch(server.url(spelling));
      expect(answer.status, spelling).toBe(200);
      expect(answer.headers.get('etag')).toBeNull();
    }
    const withBody = await sendRaw(
      server.issuer,
      `GET ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx`,
    );
    expect(withBody.status).toBe(200);
    expect(withBody.text).not.toMatch(/^etag:/im);
    expect((await fetch(server.url(path), { method: 'OPTIONS' })).status).toBe(204);
    expect((await fetch(server.url(path), { method: 'POST' })).status).toBe(405);
  });
});

it('stands in the log when the application was asked, under the id that the response has', async () => {
  const node = await server.addNode();
  lines.length = 0;
  const first = await fetch(`${node}/jwks`);
  expect(lines.filter((line) => line.includes('/jwks')).map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({
      requestId: first.headers.get('x-request-id'),
      method: 'GET',
      path: '/jwks',
      status: 200,
    }),
  ]);
});

it('is never older than a second', async () => {
  const clock = { now: 0 };
  const { address, stop } = await serve(
    publishedDocuments(
      async (_, response) => void response.end(String(clock.now)),
      () => clock.now,
    ),
  );
  try {
    const document = async () => (await fetch(`${address}/jwks`)).text();
    expect(await document()).toBe('0');
    clock.now = 999;
    expect(await document()).toBe('0');
    clock.now = 1000;
    expect(await document()).toBe('1000');
  } finally {
    await stop();
  }
});

it('keeps nothing but a success', async () => {
  const statuses = [503, 200];
  const { address, stop } = await serve(
    publishedDocuments(async (_, response) => {
      response.statusCode = statuses.shift() ?? 200;
      response.setHeader('Retry-After', '1');
      response.end('x');
    }),
  );
  try {
    const refused = await fetch(`${address}/jwks`);
    expect([refused.status, refused.headers.get('retry-after'), refused.headers.get('etag')]).toEqual([503, '1', null]);
    expect((await fetch(`${address}/jwks`)).status).toBe(200);
  } finally {
    await stop();
  }
});

async function serve(listener: (request: IncomingMessage, response: ServerResponse) => unknown) {
  const http = createServer(listener);
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    address: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async stop() {
      http.closeAllConnections();
      http.close();
    },
  };
}
