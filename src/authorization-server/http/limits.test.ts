import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listen } from '../../http/listen.ts';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { sendRaw } from '../../testing/raw-request.ts';
import {
  basicAuth,
  createRelyingParty,
  DEMO_MACHINE,
  DEMO_WEB,
  type Parameters,
  postForm,
  type RelyingParty,
  send,
} from '../../testing/relying-party.ts';
import { UserAgent } from '../../testing/user-agent.ts';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const POSTED = [
  '/token',
  '/token/introspection',
  '/token/revocation',
  '/request',
  '/device/auth',
  '/backchannel',
  '/me',
  '/session/end/confirm',
];

let server: TestServer;
let web: RelyingParty;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
});
afterAll(() => server.stop());

/** A body that does not say how long it is. */
function postChunked(path: string, chunk: string, times: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(server.url(path), { method: 'POST', headers: FORM, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
      request.destroy();
    });
    request.on('error', reject);
    for (let time = 0; time < times; time += 1) {
      request.write(chunk);
    }
    request.end();
  });
}

describe('a body', () => {
  it.each(POSTED)('C101: larger than 56 KiB is refused by %s before it is read', async (path) => {
    const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${FORM['content-type']}`;
    // Only the announcement is sent: an answer that waited for the body would never come. Nor would the end.
    const answer = await sendRaw(server.issuer, `${head}\r\nContent-Length: 1000000000\r\n\r\n`);
    expect(answer.status).toBe(413);
  });

  it.each([...POSTED, '/interaction/x/sign-in'])('C101: that never ends is refused by %s', async (path) => {
    expect([400, 401, 413]).toContain(await postChunked(path, `a=${'x'.repeat(10_000)}&`, 10));
  });

  it.each([
    ['ten thousand parameters', Array.from({ length: 5_000 }, (_, n) => `p${n}=x`).join('&')],
    ['one parameter ten thousand times', 'scope=x&'.repeat(6_000)],
    ['nothing but separators', '&'.repeat(50_000)],
    ['percent signs', '%'.repeat(50_000)],
    ['deep brackets', `a${'[a]'.repeat(10_000)}=x`],
    ['a scope list without end', `grant_type=client_credentials&scope=${'records:read+'.repeat(4_000)}`],
    ['a long secret', `grant_type=client_credentials&client_secret=${'x'.repeat(50_000)}`],
    ['names of the prototype', '__proto__=x&constructor=x&hasOwnProperty=x&toString=x'],
    ['UTF-8 cut in two', 'grant_type=%e2%82&code=%ff'],
    ['UTF-16', '\uFEFFgrant_type=client_credentials'],
  ])('C103: of %s is a plain refusal everywhere', async (_name, body) => {
    const headers = { ...FORM, authorization: basicAuth(DEMO_MACHINE.clientId, DEMO_MACHINE.secret) };
    for (const path of POSTED) {
      const { status } = await send(server.url(path), { method: 'POST', headers, body });
      expect(status, path).toBeGreaterThanOrEqual(200);
      expect(status, path).toBeLessThan(500);
    }
  });

  it.each([
    ['application/json', '{"grant_type":"client_credentials"}'],
    ['application/json', '['.repeat(20_000)],
    ['text/plain', 'grant_type=client_credentials'],
    ['multipart/form-data; boundary=x', '--x\r\n\r\n--x--'],
    ['application/x-www-form-urlencoded; charset=utf-7', 'grant_type=client_credentials'],
    ['application/x-www-form-urlencoded; charset=nonsense', 'grant_type=client_credentials'],
    ['application/x-www-form-urlencoded; charset="', 'grant_type=client_credentials'],
    [';;;', 'x'],
  ])('C103: of type %s is a plain refusal', async (type, body) => {
    for (const path of POSTED) {
      const { status } = await send(server.url(path), { method: 'POST', headers: { 'content-type': type }, body });
      expect([400, 401, 415], path).toContain(status);
    }
  });

  it('C103: that is compressed is not unpacked', async () => {
    const headers = { ...FORM, 'content-encoding': 'gzip' };
    const body = Buffer.from('H4sIAAAAAAAAA0tMBAAtq6fYAgAAAA==', 'base64');
    expect((await send(server.url('/token'), { method: 'POST', headers, body })).status).toBe(401);
  });
});

describe('an authorization request', () => {
  const huge = 'x'.repeat(12_000);
  it.each<[string, Parameters]>([
    ['a long state', { state: huge }],
    ['a long nonce', { nonce: huge }],
    ['a long login_hint', { login_hint: `${'a'.repeat(6_000)}@${'b'.repeat(6_000)}` }],
    ['a hint for slow patterns', { login_hint: `${'a@'.repeat(3_000)}!` }],
    ['many scopes', { scope: `openid ${'records:read '.repeat(800)}` }],
    ['many unknown scopes', { scope: `openid ${Array.from({ length: 2_000 }, (_, n) => n).join(' ')}` }],
    ['deep claims', { claims: '{"a":'.repeat(2_000) }],
    ['many resources', { resource: Array.from({ length: 300 }, () => 'http://localhost:3001') }],
    ['many prompts', { prompt: 'login '.repeat(1_000) }],
    ['many locales', { ui_locales: 'de '.repeat(3_000) }],
    ['a long client_id', { client_id: huge }],
    ['a long redirect_uri', { redirect_uri: `http://localhost:3002/${huge}` }],
    ['a long hint of an ID token', { id_token_hint: `${huge}.${'x'.repeat(100)}.x` }],
  ])('C103: with %s is answered in time, and never by an error of ours', async (_name, parameters) => {
    const visit = await new UserAgent(server.issuer).get(web.authorizationUrl({ scope: 'openid', ...parameters }));
    expect(visit.status).toBeLessThan(500);
    expect(visit.url + visit.html).not.toContain('server_error');
  });
});

describe('headers', () => {
  it('C101: beyond 16 KiB are answered 431', async () => {
    const listening = await listen((_request, response) => response.end('x'), { host: '127.0.0.1', port: 0 });
    try {
      const address = `http://127.0.0.1:${listening.port}`;
      const request = (padding: string) =>
        sendRaw(address, `GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: ${padding}\r\n\r\n`);
      expect((await request('x'.repeat(8 * 1024))).status).toBe(200);
      expect((await request('x'.repeat(17 * 1024))).status).toBe(431);
    } finally {
      await listening.close();
    }
  });

  it.each([
    'Authorization: Basic',
    'Authorization: Basic !!!!',
    `Authorization: Basic ${'A'.repeat(8_000)}`,
    'Authorization: Bearer',
    `Authorization: Bearer ${'A'.repeat(8_000)}`,
    'Authorization: \xff\xfe',
    'Accept: ;;;,,,q=',
    'Accept: nonsense/*;q=9',
    'Origin: \xff',
    'Origin: http://[',
    'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0',
    'X-Forwarded-For: , , ,',
    'X-Forwarded-Proto: javascript',
    'Sec-Fetch-Site: nonsense',
    'If-None-Match: *',
    'Range: bytes=0-0',
    'Expect: nonsense',
  ])('C103: of rubbish are no error of ours: %s', async (header) => {
    for (const [method, path] of [
      ['GET', '/'],
      ['GET', '/auth'],
      ['GET', '/me'],
      ['POST', '/me'],
      ['POST', '/token'],
      ['POST', '/token/introspection'],
      ['POST', '/interaction/x/sign-in'],
      ['GET', '/nonsense'],
    ]) {
      const head = `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${header}\r\n\r\n`;
      const { status } = await sendRaw(server.issuer, head);
      expect(status, path).toBeGreaterThanOrEqual(200);
      expect(status, path).toBeLessThan(500);
    }
  });
});

describe('an error of ours', () => {
  it('C93: tells nothing of what went wrong, in JSON or on a page, and the server lives on', async () => {
    const broken = await startTestServer();
    try {
      const rp = createRelyingParty(broken.issuer, DEMO_WEB);
      await broken.pool.query('alter table artifacts rename to something_else');
      const answers = [
        await rp.refresh('a-refresh-token'),
        await postForm(broken.url('/token/introspection'), { token: 'x' }, DEMO_WEB),
        await send(broken.url('/me'), { headers: { authorization: 'Bearer x' } }),
        await send(rp.authorizationUrl({ scope: 'openid' }), { headers: { accept: 'text/html' } }),
        await send(rp.authorizationUrl({ scope: 'openid', redirect_uri: undefined }), { headers: { accept: '*/*' } }),
      ];
      for (const { status, text, headers } of answers) {
        expect(status === 303 || status >= 500).toBe(true);
        const all = `${text} ${headers.get('location') ?? ''}`;
        expect(all).toContain('server_error');
        expect(all).not.toMatch(/artifacts|relation|42P01|select|node_modules|\.ts\b| at \//i);
      }
      await broken.pool.query('alter table something_else rename to artifacts');
      expect((await rp.obtainTokens({ scope: 'openid' })).id_token).toBeTruthy();
    } finally {
      await broken.stop();
    }
  });
});
