import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sendRaw } from '../testing/raw-request.ts';
import { json } from './testing/scripted-issuer.ts';
import {
  accountToken,
  BLOB_LIMIT,
  IDENTIFIER,
  METADATA_URL,
  PAGE_ORIGIN,
  startTestApi,
  type TestApi,
} from './testing/start-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  api.issuer.answer('alice', accountToken('alice'));
});
afterAll(() => api.stop());

const METADATA_PATH = new URL(METADATA_URL).pathname;

it('says in its metadata who issues tokens for it and how to send them (RFC 9728)', async () => {
  const response = await fetch(api.url + METADATA_PATH);
  expect(await response.json()).toEqual({
    resource: IDENTIFIER,
    authorization_servers: [api.issuer.issuer],
    scopes_supported: ['blobs:read', 'blobs:write', 'records:read', 'records:write', 'reports:run'],
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: expect.arrayContaining(['ES256', 'RS256']),
    resource_name: expect.any(String),
  });
});

it('introduces itself to programs and to people', async () => {
  const program = await fetch(api.url);
  expect(program.headers.get('content-type')).toContain('application/json');
  expect(await program.json()).toMatchObject({ resource: IDENTIFIER, resource_metadata: METADATA_URL });
  const person = await fetch(api.url, { headers: { accept: 'text/html,application/xml;q=0.9,*/*;q=0.8' } });
  expect(person.headers.get('content-type')).toContain('text/html');
  expect(person.headers.get('content-security-policy')).toContain("default-src 'none'; style-src 'sha256-");
  expect(await person.text()).toContain('<code>records:read</code>');
});

it('C89: sends its security headers with every answer, refusals included', async () => {
  for (const path of ['/whoami', '/records', '/nowhere', '/healthz', '/%ff']) {
    const { headers } = await fetch(api.url + path);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('strict-transport-security')).toContain('max-age=');
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('content-type')).toContain('application/json');
  }
});

describe('C91: a page', () => {
  const preflight = (origin: string, path = '/records') =>
    fetch(api.url + path, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'authorization' },
    });

  it('of a configured origin may call, and read the challenge', async () => {
    const { status, headers } = await preflight(PAGE_ORIGIN);
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe(PAGE_ORIGIN);
    expect(headers.get('access-control-allow-methods')).toContain('PUT');
    expect(headers.get('access-control-allow-headers')).toBe('Authorization,Content-Type,DPoP');
    expect(headers.get('access-control-allow-credentials')).toBeNull();

    const refused = await fetch(`${api.url}/records`, { headers: { origin: PAGE_ORIGIN } });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('access-control-allow-origin')).toBe(PAGE_ORIGIN);
    expect(refused.headers.get('access-control-expose-headers')).toContain('WWW-Authenticate');
    expect(refused.headers.get('vary')).toContain('Origin');
  });

  it.each(['https://evil.example', 'null', `${PAGE_ORIGIN}.evil.example`, 'http://localhost:30020'])(
    'of the origin %s gets no CORS header',
    async (origin) => {
      const responses = [await preflight(origin), await api.call('alice', '/records', { headers: { origin } })];
      for (const { headers } of responses) {
        expect([...headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
      }
    },
  );

  it('of any origin may read the metadata', async () => {
    const { headers } = await fetch(api.url + METADATA_PATH, { headers: { origin: 'https://any.example' } });
    expect(headers.get('access-control-allow-origin')).toBe('*');
  });
});

it.each([
  ['PATCH', '/records', 'HEAD, GET, POST'],
  ['DELETE', '/records', 'HEAD, GET, POST'],
  ['POST', '/records/x', 'HEAD, GET, PUT, DELETE'],
  ['DELETE', '/blobs/x', 'HEAD, GET'],
  ['POST', '/whoami', 'HEAD, GET'],
  ['PROPFIND', '/records', 'HEAD, GET, POST'],
])('answers %s %s with 405 and what it takes instead', async (method, path, allow) => {
  const response = await fetch(api.url + path, { method });
  expect(response.status).toBe(405);
  expect(response.headers.get('allow')?.split(', ').sort()).toEqual(allow.split(', ').sort());
  expect(await response.json()).toMatchObject({ error: 'method_not_allowed' });
});

it.each(['/nowhere', '/records/a/b', '//records', '/%', '/%00', '/.well-known/openid-configuration', '/RECORDS/../x'])(
  'answers 404 in JSON for %s',
  async (path) => {
    const response = await fetch(api.url + path);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: 'not_found' });
  },
);

it.each(['http://[::/records', 'http://evil.example:99999/', 'ftp://[', '*'])(
  'answers the request target %s with a refusal',
  async (target) => {
    const answer = await sendRaw(api.url, `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(answer.status).toBe(400);
    expect(answer.header('content-type')).toContain('application/json');
  },
);

it('hears the next request of a sender whose body it refused half-way', async () => {
  const chunk = `${BLOB_LIMIT.toString(16)}\r\n${'x'.repeat(BLOB_LIMIT)}\r\n`;
  const head = 'POST /blobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\nTransfer-Encoding: chunked\r\n\r\n';
  const next = 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
  const { status, text } = await sendRaw(api.url, `${head}${chunk}${chunk}0\r\n\r\n${next}`);
  expect(status).toBe(413);
  expect(text).toContain('HTTP/1.1 200 OK');
});

it('C86: answers 503 while the authorization server fails, and again what it did before as soon as that recovers', async () => {
  api.issuer.answerEverything(json({ active: true }, 500));
  const response = await api.call('alice', '/records');
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('2');
  expect(response.headers.get('www-authenticate')).toBeNull();
  expect(await response.json()).toEqual({
    error: 'temporarily_unavailable',
    error_description: expect.stringContaining('authorization server'),
  });
  expect((await fetch(`${api.url}/readyz`)).status).toBe(200);
  api.issuer.answerEverything(undefined);
  expect((await api.call('alice', '/records')).status).toBe(200);
});

it('C106: answers 503, and stays alive, while the database is away', async () => {
  const other = await startTestApi();
  other.issuer.answer('alice', accountToken('alice'));
  expect((await fetch(`${other.url}/readyz`)).status).toBe(200);
  await other.dropDatabase();
  for (const path of ['/readyz', '/records', '/blobs/6f1b2c9e-3a52-4f4e-9b69-0c8d0a3b6d11']) {
    const response = await other.call('alice', path);
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('2');
    expect(await response.json()).toEqual({
      error: 'temporarily_unavailable',
      error_description: expect.stringContaining('database'),
    });
  }
  expect((await fetch(`${other.url}/healthz`)).status).toBe(200);
  expect((await other.call('alice', '/whoami')).status).toBe(200);
  await other.stop();
});

it('C93: answers an unexpected error without any detail, and logs it once under the id of the request', async () => {
  const other = await startTestApi();
  other.issuer.answer('alice', accountToken('alice'));
  const database = new pg.Client({ connectionString: other.databaseUrl });
  await database.connect();
  await database.query('drop table records');
  await database.end();
  const response = await other.call('alice', '/records');
  expect(response.status).toBe(500);
  const text = await response.text();
  expect(JSON.parse(text)).toEqual({ error: 'server_error', error_description: expect.any(String) });
  expect(text).not.toMatch(/relation|select|records|at /);
  const entries = other.log().match(/relation \\?"records\\?" does not exist/g);
  const lines = other
    .log()
    .split('\n')
    .filter((line) => line.includes('"msg":"request failed"'));
  expect(entries).not.toBeNull();
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 50, requestId: response.headers.get('x-request-id') });
  await other.stop();
});
