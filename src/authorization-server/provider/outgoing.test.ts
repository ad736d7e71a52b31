import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOutgoing } from './outgoing.ts';
import { isPublic } from './public-addresses.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let answer: Answer;
let calls = 0;
const server = createServer((request, response) => {
  calls += 1;
  answer(request, response);
});
let port: number;
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const outgoing = createOutgoing({ development: true });
const inProduction = createOutgoing({ development: false });

describe('an address', () => {
  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::127.0.0.1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    '2001:db8::1',
    '2002:7f00:1::',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1',
    'fe80::1%eth0',
    'ff02::1',
    'localhost',
    '',
  ])('%j is not public', (address) => {
    expect(isPublic(address)).toBe(false);
  });

  it.each(['1.1.1.1', '8.8.8.8', '172.32.0.1', '100.128.0.1', '2001:4860:4860::8888', '2606:4700::1111'])(
    '%s is public',
    (address) => {
      expect(isPublic(address)).toBe(true);
    },
  );
});

describe('a request of the server', () => {
  it.each([
    'http://127.0.0.1',
    'https://127.0.0.1',
    'https://127.1',
    'https://2130706433',
    'https://0x7f.1',
    'https://localhost',
    'https://[::1]',
    'https://[::ffff:127.0.0.1]',
    'https://0.0.0.0',
  ])('never reaches this machine at %s in production', async (origin) => {
    calls = 0;
    answer = (_request, response) => response.end();
    await expect(inProduction(`${origin}:${port}/`)).rejects.toThrow(/is not called/);
    expect(calls).toBe(0);
  });

  it.each([
    'https://10.0.0.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://[fd00::1]/',
    'http://8.8.8.8/',
    'http://example.com/',
    'file:///etc/passwd',
    'ftp://example.com/',
  ])('goes to %s in no mode', async (url) => {
    await expect(outgoing(url)).rejects.toThrow(/is not called/);
    await expect(inProduction(url)).rejects.toThrow(/is not called/);
  });

  it('reaches this machine in development, with method, headers and body', async () => {
    answer = async (request, response) => {
      response.setHeader('x-seen', `${request.method} ${request.headers.accept} ${request.headers['content-length']}`);
      response.end(await text(request));
    };
    for (const host of ['localhost', '127.0.0.1']) {
      const response = await outgoing(`http://${host}:${port}/path`, {
        method: 'POST',
        headers: new Headers({ accept: 'application/json' }),
        body: new URLSearchParams({ a: 'b c' }),
      });
      expect(response.status).toBe(200);
      expect(response.headers.get('x-seen')).toBe('POST application/json 5');
      expect(await response.text()).toBe('a=b+c');
    }
  });

  it('does not follow a redirect', async () => {
    calls = 0;
    answer = (_request, response) => response.writeHead(302, { location: '/elsewhere' }).end();
    expect((await outgoing(`http://127.0.0.1:${port}/`)).status).toBe(302);
    expect(calls).toBe(1);
  });

  it('takes an answer without a body', async () => {
    answer = (_request, response) => response.writeHead(204).end();
    const response = await outgoing(`http://127.0.0.1:${port}/`);
    expect([response.status, await response.text()]).toEqual([204, '']);
  });

  it('ends when the answer gets too long, whatever it said of its length', async () => {
    answer = (_request, response) => {
      const more = () => response.write('x'.repeat(10_000), more);
      more();
    };
    await expect(outgoing(`http://127.0.0.1:${port}/`)).rejects.toThrow('more than 65536 bytes');
  });

  it('ends when the answer takes too long, also in the middle of it', async () => {
    answer = (_request, response) => {
      response.write('{');
    };
    await expect(outgoing(`http://127.0.0.1:${port}/`)).rejects.toThrow(/abort|timeout/i);
  });

  it('ends when its caller is out of patience', async () => {
    answer = () => {};
    const signal = AbortSignal.abort();
    await expect(outgoing(`http://127.0.0.1:${port}/`, { signal })).rejects.toThrow(/abort/i);
  });

  it('fails when nobody answers, when the answer breaks off, and when it is no HTTP', async () => {
    await expect(outgoing('http://127.0.0.1:1/')).rejects.toThrow('ECONNREFUSED');
    answer = (_request, response) => {
      response.setHeader('content-length', 10);
      response.write('{', () => response.destroy());
    };
    await expect(outgoing(`http://127.0.0.1:${port}/`)).rejects.toThrow();
    answer = (request) => void request.socket.end('hello\r\n\r\n');
    await expect(outgoing(`http://127.0.0.1:${port}/`)).rejects.toThrow();
  });
});
