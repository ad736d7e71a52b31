/** Where the browser may be sent: RFC 6749 §3.1.2 and §10.15, RFC 8252 §7.3 and §8.4, RFC 9700 §2.1 and §4.1. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { createRelyingParty, type Parameters, send } from '../../../testing/relying-party.ts';

const CALLBACK = 'https://rp.example.com/app/cb';
const CLIENT = { grant_types: ['authorization_code'], scope: 'openid', default_scope: 'openid' };
const PUBLIC = { ...CLIENT, token_endpoint_auth_method: 'none' };
const NATIVE = { ...PUBLIC, application_type: 'native' };

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await server.apply({
    clients: [
      { ...PUBLIC, client_id: 'one', redirect_uris: [CALLBACK] },
      { ...PUBLIC, client_id: 'two', redirect_uris: [CALLBACK, 'https://rp.example.com/other'] },
      { ...NATIVE, client_id: 'ipv4', redirect_uris: ['http://127.0.0.1/cb'] },
      { ...NATIVE, client_id: 'ipv6', redirect_uris: ['http://[::1]/cb'] },
      { ...NATIVE, client_id: 'localhost', redirect_uris: ['http://localhost/cb'] },
      { ...NATIVE, client_id: 'app', redirect_uris: ['com.example.app:/cb'] },
      { ...PUBLIC, client_id: 'web-loopback', redirect_uris: ['http://127.0.0.1:4000/cb'] },
    ],
  });
});
afterAll(() => server.stop());

/** A request that goes straight to its answer: nobody is signed in. */
function request(clientId: string, parameters: Parameters) {
  const url = createRelyingParty(server.issuer, { clientId }).authorizationUrl({ prompt: 'none', ...parameters });
  return send(url, { headers: { accept: 'text/html' } });
}

/** Where an answer for this redirect URI is sent; `undefined` when a page is shown instead. */
async function destination(clientId: string, redirect_uri: string | undefined) {
  const { status, headers, text } = await request(clientId, { redirect_uri });
  const location = headers.get('location');
  if (location === null) {
    expect(status).toBe(400);
    expect(text).toContain('We stopped to keep your account safe');
    return undefined;
  }
  expect(location).toContain('error=login_required');
  return location.slice(0, location.indexOf('?'));
}

const ELSEWHERE = {
  'another host': 'https://evil.example/app/cb',
  'a sub-domain': 'https://sub.rp.example.com/app/cb',
  'the host as a prefix': 'https://rp.example.com.evil.example/app/cb',
  'the host with another letter for the dot': 'https://rpaexample.com/app/cb',
  'another letter case of the host': 'https://RP.example.com/app/cb',
  'another letter case of the path': 'https://rp.example.com/app/CB',
  'another letter case of the scheme': 'HTTPS://rp.example.com/app/cb',
  http: 'http://rp.example.com/app/cb',
  'a port': 'https://rp.example.com:8443/app/cb',
  'the default port': 'https://rp.example.com:443/app/cb',
  'a longer path': 'https://rp.example.com/app/cb/more',
  'a shorter path': 'https://rp.example.com/app',
  'dots that lead elsewhere': 'https://rp.example.com/app/cb/../../evil',
  'dots that lead back': 'https://rp.example.com/app/x/../cb',
  'encoded dots': 'https://rp.example.com/app/cb/%2e%2e/evil',
  'an encoded letter': 'https://rp.example.com/app/c%62',
  'a slash at the end': 'https://rp.example.com/app/cb/',
  'a doubled slash': 'https://rp.example.com//app/cb',
  'a path parameter': 'https://rp.example.com/app/cb;x',
  'a query': 'https://rp.example.com/app/cb?x=y',
  'an empty query': 'https://rp.example.com/app/cb?',
  'a fragment': 'https://rp.example.com/app/cb#x',
  'an empty fragment': 'https://rp.example.com/app/cb#',
  'a user name': 'https://rp.example.com@evil.example/app/cb',
  'a user name before the host': 'https://evil@rp.example.com/app/cb',
  'a backslash': 'https://rp.example.com\\@evil.example/app/cb',
  'a backslash in the path': 'https://rp.example.com\\app\\cb',
  'a tab': 'https://rp.example.com/app/\tcb',
  'a line break': 'https://rp.example.com/app/cb\n',
  'a carriage return and a header': 'https://rp.example.com/app/cb\r\nset-cookie: x=y',
  'a space before': ' https://rp.example.com/app/cb',
  'a space behind': 'https://rp.example.com/app/cb ',
  'a homoglyph': 'https://rp.ехample.com/app/cb',
  'its punycode': 'https://xn--rp-mlc.example.com/app/cb',
  'a full-width letter': 'https://rp.example.com/app/ｃb',
  'a soft hyphen': 'https://rp.exam\u00adple.com/app/cb',
  'no scheme': '//rp.example.com/app/cb',
  'a path alone': '/app/cb',
  'a script': 'javascript:alert(1)//https://rp.example.com/app/cb',
  data: 'data:text/html,https://rp.example.com/app/cb',
  'a wildcard': 'https://*.example.com/app/cb',
  '8 kB more': `https://rp.example.com/app/cb${'x'.repeat(8000)}`,
};

describe('C3: any address but the registered one is a page and never a redirect', () => {
  it.each(Object.entries(ELSEWHERE))('%s', async (_name, redirectUri) => {
    expect(await destination('one', redirectUri)).toBeUndefined();
    expect(await destination('two', redirectUri)).toBeUndefined();
  });

  it('a NUL', async () => {
    const { status, headers } = await request('one', { redirect_uri: `${CALLBACK}\0` });
    expect(status).toBe(400);
    expect(headers.get('location')).toBeNull();
  });

  it.each(['response_type', 'scope', 'state', 'code_challenge_method'])(
    'also when %s is wrong at the same time',
    async (name) => {
      const wrong = { [name]: ['x', 'y'], redirect_uri: 'https://evil.example/app/cb' };
      const { status, headers, text } = await request('one', wrong);
      expect(status).toBe(400);
      expect(headers.get('location')).toBeNull();
      expect(text).toContain('We stopped to keep your account safe');
    },
  );
});

describe('C2: a redirect_uri that is left out', () => {
  it('is the only one that is registered (RFC 6749 §3.1.2.3)', async () => {
    expect(await destination('one', undefined)).toBe(CALLBACK);
  });

  it('is a 400 page where several are registered', async () => {
    const { status, headers, text } = await request('two', { redirect_uri: undefined });
    expect(status).toBe(400);
    expect(headers.get('location')).toBeNull();
    expect(text).toContain('redirect_uri');
  });
});

describe('C4: native apps (RFC 8252)', () => {
  it.each([
    ['ipv4', 'http://127.0.0.1/cb'],
    ['ipv4', 'http://127.0.0.1:51004/cb'],
    ['ipv6', 'http://[::1]:51004/cb'],
    ['localhost', 'http://localhost:51004/cb'],
    ['app', 'com.example.app:/cb'],
  ])('%s may use %s', async (clientId, redirectUri) => {
    expect(await destination(clientId, redirectUri)).toBe(redirectUri);
  });

  it.each([
    ['ipv4', 'http://127.0.0.1:51004/other'],
    ['ipv4', 'http://127.0.0.1:51004/cb?x=y'],
    ['ipv4', 'http://127.0.0.1:51004/cb#'],
    ['ipv4', 'http://localhost:51004/cb'],
    ['ipv4', 'http://127.0.0.2:51004/cb'],
    ['ipv4', 'http://127.1:51004/cb'],
    ['ipv4', 'http://2130706433:51004/cb'],
    ['ipv4', 'http://[::1]:51004/cb'],
    ['ipv4', 'https://127.0.0.1:51004/cb'],
    ['ipv4', 'http://evil@127.0.0.1:51004/cb'],
    ['ipv4', 'http://127.0.0.1:51004@evil.example/cb'],
    ['ipv4', 'http://127.0.0.1.evil.example:51004/cb'],
    ['ipv4', 'http://127.0.0.1:51004\\@evil.example/cb'],
    ['ipv4', 'http://127.0.0.1:99999/cb'],
    ['localhost', 'http://127.0.0.1:51004/cb'],
    ['localhost', 'http://localhost.evil.example:51004/cb'],
    ['app', 'com.example.app:/other'],
    ['app', 'com.example.app://cb'],
    ['app', 'COM.example.app:/cb'],
    ['web-loopback', 'http://127.0.0.1:4001/cb'],
  ])('%s may not use %s', async (clientId, redirectUri) => {
    expect(await destination(clientId, redirectUri)).toBeUndefined();
  });
});

describe('C5: what cannot be registered', () => {
  it.each([
    'javascript:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    'https://rp.example.com/cb#x',
    'https://*.example.com/cb',
    'https://rp.example.com/*',
    '/cb',
    '//rp.example.com/cb',
    'https:///cb',
    'https://user@rp.example.com/cb',
    'http://rp.example.com/cb',
    'https://rp.example.com\\cb',
    'https://rp.example.com/cb\n',
    '',
  ])('%j', async (redirectUri) => {
    for (const kind of [CLIENT, PUBLIC, NATIVE]) {
      const client = { ...kind, client_id: 'new', redirect_uris: [redirectUri] };
      await expect(server.apply({ clients: [client] })).rejects.toThrow('redirect_uris');
    }
  });
});
