import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { type RawAnswer, sendRaw } from '../../testing/raw-request.ts';
import { createRelyingParty, DEMO_WEB, postForm, send } from '../../testing/relying-party.ts';

let server: TestServer;
let query: string;
beforeAll(async () => {
  server = await startTestServer();
  query = new URL(createRelyingParty(server.issuer, DEMO_WEB).authorizationUrl({ scope: 'openid' })).search;
});
afterAll(() => server.stop());

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'];

function request(target: string, method = 'GET', headers = 'Host: localhost', body = ''): Promise<RawAnswer> {
  const head = `${method} ${target} HTTP/1.1\r\n${headers}\r\nAccept: text/html\r\nConnection: close`;
  return sendRaw(server.issuer, `${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
}

describe('a request target', () => {
  it.each([
    ['/nonsense', 404],
    ['//auth', 404],
    ['/%2e%2e/auth', 404],
    ['/..%2fauth', 404],
    ['/auth/../auth', 404],
    ['/%', 404],
    ['/%zz', 404],
    ['/%E0%A4%A', 404],
    ['/%00', 404],
    ['/__proto__', 404],
    ['/assets/', 404],
    ['/assets/%2e%2e/%2e%2e/package.json', 404],
    ['/views/landing.ejs', 404],
    ['/\\evil', 404],
    ['/auth/%E0%A4%A', 400],
    ['/auth/%00', 400],
    ['/auth/x?client_id=demo-web', 400],
    ['/auth/x/?client_id=demo-web', 400],
    ['/AUTH/x?client_id=demo-web&redirect_uri=http%3A%2F%2Flocalhost%3A3002%2Fcallback', 400],
    ['/interaction/%E0%A4%A', 400],
    ['/interaction/%00', 400],
    ['/interaction/x', 400],
    ['/interaction/x/sign-in', 400],
    ['/interaction/x/consent', 405],
    ['http://[/', 400],
    ['http://evil.example:99999/auth', 400],
    ['*', 400],
  ])('%s is answered %i with a page, and a 4xx with any method', async (target, status) => {
    expect((await request(target)).status).toBe(status);
    for (const answer of await Promise.all(METHODS.map((method) => request(target, method)))) {
      expect(answer.status).toBeGreaterThanOrEqual(200);
      expect(answer.status).toBeLessThan(500);
    }
  });

  it('that does not exist gets a page for people and JSON for programs', async () => {
    const page = await send(server.url('/nonsense'), { headers: { accept: 'text/html' } });
    expect(page.status).toBe(404);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.text).toContain('data-testid="error-title"');
    const json = await send(server.url('/nonsense'), { headers: { accept: 'application/json' } });
    expect(json.status).toBe(404);
    expect(json.body).toMatchObject({ error: 'not_found', error_description: expect.stringMatching(/\w+ \w+/) });
  });

  it('C62: may be a whole URL, of which only path and query count', async () => {
    const metadata = await request('http://evil.example/.well-known/openid-configuration');
    expect(metadata.status).toBe(200);
    expect(metadata.text).toContain(`"issuer":"${server.issuer}"`);
    const authorization = await request(`https://evil.example/auth${query}`);
    expect(authorization.status).toBe(303);
    expect(authorization.text).not.toContain('evil');
  });
});

describe('a host name', () => {
  it.each([
    ['Host: evil.example'],
    [
      'Host: evil.example\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\nForwarded: host=evil.example',
    ],
    ['Host: localhost\r\nX-Forwarded-Host: evil.example, evil.example\r\nX-Forwarded-Port: 99999'],
    ['Host: evil.example@localhost:1'],
    ['Host: ['],
    ['Host: \xff'],
  ])('C62: has no influence on any link: %s', async (headers) => {
    const targets = ['/', '/.well-known/openid-configuration', `/auth${query}`, '/session/end', '/nonsense', '/auth'];
    for (const answer of await Promise.all(targets.map((target) => request(target, 'GET', headers)))) {
      expect(answer.status).toBeLessThan(500);
      expect(answer.text).not.toContain('evil');
    }
    expect((await request('/.well-known/openid-configuration', 'GET', headers)).text).toContain(server.issuer);
  });

  it('of the same machine that is not the issuer’s leads to the issuer: they do not share cookies', async () => {
    const { port } = new URL(server.issuer);
    for (const host of [`127.0.0.1:${port}`, `[::1]:${port}`]) {
      const answer = await request('/', 'GET', `Host: ${host}`);
      expect(answer.status).toBe(302);
      expect(answer.header('location')).toBe(`${server.issuer}/`);
    }
    expect((await request('/', 'GET', `Host: localhost:${port}`)).status).toBe(200);
  });
});

describe('a cookie header', () => {
  it.each([
    ['session=%ZZ; session.sig=%ZZ'],
    ['session=x; session.sig='],
    ['session=; session.sig=; interaction=; interaction_resume='],
    ['session="; session.sig="'],
    ['=;=;;session;session.sig;interaction'],
    ['session=\xff\xfe; session.sig=\xff'],
    [`session=${'a'.repeat(4000)}`],
    ['__proto__=x; constructor=x; session=[object Object]'],
  ])('of rubbish is as good as none: %s', async (cookies) => {
    for (const target of [`/auth${query}`, '/session/end', '/interaction/x', '/auth/x']) {
      expect((await request(target, 'GET', `Host: localhost\r\nCookie: ${cookies}`)).status).toBeLessThan(500);
    }
    expect((await request(`/auth${query}`, 'GET', `Host: localhost\r\nCookie: ${cookies}`)).status).toBe(303);
  });
});

describe('a method', () => {
  const ENDPOINTS: readonly [string, string][] = [
    ['/auth', 'GET, POST, HEAD, OPTIONS'],
    ['/request', 'POST, OPTIONS'],
    ['/backchannel', 'POST, OPTIONS'],
    ['/device/auth', 'POST, OPTIONS'],
    ['/device', 'GET, POST, HEAD, OPTIONS'],
    ['/register', 'POST, GET, PUT, DELETE, HEAD, OPTIONS'],
    ['/token', 'POST, OPTIONS'],
    ['/token/introspection', 'POST, OPTIONS'],
    ['/token/revocation', 'POST, OPTIONS'],
    ['/me', 'GET, POST, HEAD, OPTIONS'],
    ['/jwks', 'GET, HEAD, OPTIONS'],
    ['/session/end', 'GET, POST, HEAD, OPTIONS'],
    ['/session/end/confirm', 'POST, OPTIONS'],
    ['/.well-known/openid-configuration', 'GET, HEAD, OPTIONS'],
    ['/.well-known/oauth-authorization-server', 'GET, HEAD, OPTIONS'],
  ];

  it.each(ENDPOINTS)('that %s does not have is answered 405 with those that it has', async (path, allow) => {
    for (const method of METHODS.filter((one) => !allow.includes(one))) {
      const answer = await request(path, method);
      expect(answer.status).toBe(405);
      expect(answer.header('allow')).toBe(allow);
    }
    const options = await request(path, 'OPTIONS');
    expect(options.status).toBe(204);
    expect(options.header('allow')).toBe(allow);
  });

  it('refused where people come by is answered with a page, and with JSON where programs do', async () => {
    for (const path of ['/auth', '/session/end']) {
      const page = await send(server.url(path), { method: 'PUT', headers: { accept: 'text/html' } });
      expect(page.status).toBe(405);
      expect(page.text).toContain('data-testid="error-description"');
      const json = await send(server.url(path), { method: 'PUT', headers: { accept: 'application/json' } });
      expect(json.body).toMatchObject({
        error: 'invalid_request',
        error_description: `${path} is used with GET or POST`,
      });
    }
    const token = await send(server.url('/token'), { headers: { accept: 'text/html' } });
    expect(token.body).toMatchObject({ error: 'invalid_request', error_description: '/token is used with POST' });
  });

  it('HEAD is GET without a body', async () => {
    for (const path of ['/', '/jwks', '/.well-known/openid-configuration', '/nonsense', '/healthz']) {
      const [get, head] = await Promise.all([request(path), request(path, 'HEAD')]);
      expect(head.status).toBe(get.status);
      expect(head.header('content-type')).toBe(get.header('content-type'));
      expect(head.text.endsWith('\r\n\r\n')).toBe(true);
    }
  });

  it.each(['/TOKEN', '/token/', '/Token/'])('meets the same checks at %s', async (path) => {
    expect((await request(path, 'PUT')).status).toBe(405);
    const answer = await postForm(server.url(path), { grant_type: 'nonsense' }, DEMO_WEB);
    expect(answer.headers.get('pragma')).toBe('no-cache');
    expect((await postForm(server.url(path), { code: 'x'.repeat(60_000) }, DEMO_WEB)).status).toBe(413);
  });
});
