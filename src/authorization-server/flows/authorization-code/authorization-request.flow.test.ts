/** What the authorization endpoint refuses: RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import {
  createRelyingParty,
  DEMO_IMPLICIT,
  DEMO_SPA,
  DEMO_WEB,
  type Parameters,
  type RelyingParty,
  send,
} from '../../../testing/relying-party.ts';
import { UserAgent } from '../../../testing/user-agent.ts';

let server: TestServer;
let web: RelyingParty;
let spa: RelyingParty;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
  spa = createRelyingParty(server.issuer, DEMO_SPA);
});
afterAll(() => server.stop());

/** What came back to the client at its redirect URI. */
async function refusal(url: string, separator: '?' | '#' = '?') {
  const { status, headers, text } = await send(url, { headers: { accept: 'text/html' } });
  const location = headers.get('location');
  expect(location, `${status} ${text.slice(0, 500)}`).not.toBeNull();
  expect(status).toBe(303);
  const [address, answer] = (location as string).split(separator);
  return { address, ...Object.fromEntries(new URLSearchParams(answer)) } as Record<string, string>;
}

/** The page that a person sees when no client can be told. */
async function page(url: string) {
  const answer = await send(url, { headers: { accept: 'text/html' } });
  expect(answer.headers.get('location')).toBeNull();
  expect(answer.headers.get('content-type')).toMatch(/^text\/html/);
  return answer;
}

const SENTENCE = /^[\x20\x21\x23-\x5B\x5D-\x7E]{10,}$/;

describe('errors that no client is told (RFC 6749 §4.1.2.1)', () => {
  const requests: readonly [string, Parameters][] = [
    ['C1: an unknown client_id', { client_id: 'nobody' }],
    ['C1: no client_id', { client_id: undefined }],
    ['C1: a client_id of 4 kB', { client_id: 'x'.repeat(4096) }],
    ['C1: the client_id of another letter case', { client_id: 'Demo-web' }],
    ['C6: client_id twice', { client_id: ['demo-web', 'demo-spa'] }],
    ['a client that has no redirect URI', { client_id: 'demo-machine' }],
  ];
  it.each(requests)('%s is a 400 page without a redirect', async (_name, parameters) => {
    const { status, text } = await page(web.authorizationUrl(parameters));
    expect(status).toBe(400);
    expect(text).toContain('data-testid=');
  });

  it.each(['client_id', 'redirect_uri', 'state', 'nonce', 'scope', 'login_hint', 'no-such-parameter'])(
    'C19: NUL in %s is a 400',
    async (name) => {
      const { status, headers } = await send(web.authorizationUrl({ [name]: 'a\0b' }));
      expect(status).toBe(400);
      expect(headers.get('location')).toBeNull();
    },
  );
});

describe('errors that the client is told (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6)', () => {
  const requests: readonly [string, string, Parameters][] = [
    ['C8: no response_type', 'invalid_request', { response_type: undefined }],
    ['C7: an empty response_type, which is none', 'invalid_request', { response_type: '' }],
    ['C8: an unknown response_type', 'unsupported_response_type', { response_type: 'kode' }],
    ['C8: response_type none, which nobody needs here', 'unsupported_response_type', { response_type: 'none' }],
    ['an unknown response_mode', 'unsupported_response_mode', { response_mode: 'web_message' }],
    ['C6: redirect_uri twice', 'invalid_request', { redirect_uri: ['https://evil.example', DEMO_WEB.redirectUri] }],
    ['C6: scope twice', 'invalid_request', { scope: ['openid', 'records:read'] }],
    ['C6: response_type twice', 'invalid_request', { response_type: ['code', 'code'] }],
    ['C6: code_challenge twice', 'invalid_request', { code_challenge: ['x'.repeat(43), 'y'.repeat(43)] }],
    ['C6: nonce twice', 'invalid_request', { nonce: ['1', '2'] }],
    ['C11: scope with a quote', 'invalid_scope', { scope: 'openid "profile"' }],
    ['C11: scope with line breaks', 'invalid_scope', { scope: 'openid\r\nprofile' }],
    ['C11: scope with double spaces', 'invalid_scope', { scope: 'openid  profile' }],
    ['an unknown prompt', 'invalid_request', { prompt: 'create' }],
    ['C14: prompt none together with another', 'invalid_request', { prompt: 'none login' }],
    ['C14: a max_age that is no number', 'invalid_request', { max_age: 'soon', scope: 'openid' }],
    ['C14: a negative max_age', 'invalid_request', { max_age: '-1', scope: 'openid' }],
    ['C103: a max_age beyond every number', 'invalid_request', { max_age: '1e400', scope: 'openid' }],
    ['C14: an id_token_hint that is none', 'invalid_request', { id_token_hint: 'rubbish', scope: 'openid' }],
    ['a nonce without openid', 'invalid_request', { nonce: 'n', scope: 'records:read' }],
    ['an unknown resource', 'invalid_target', { resource: 'https://api.example' }],
    ['a resource that is no URI', 'invalid_target', { resource: 'rubbish' }],
    ['a resource with a fragment', 'invalid_target', { resource: 'http://localhost:3001#x' }],
    ['C16: the challenge method plain', 'invalid_request', { code_challenge_method: 'plain' }],
    ['C16: no challenge method, which would mean plain', 'invalid_request', { code_challenge_method: undefined }],
    ['C16: a method without a challenge', 'invalid_request', { code_challenge: undefined }],
    ['C16: a challenge that is too short', 'invalid_request', { code_challenge: 'x'.repeat(42) }],
    ['C16: a challenge that is too long', 'invalid_request', { code_challenge: 'x'.repeat(129) }],
    ['C16: a challenge with odd characters', 'invalid_request', { code_challenge: `${'x'.repeat(43)}ä` }],
  ];
  it.each(requests)('%s is %s', async (_name, error, parameters) => {
    const answer = await refusal(web.authorizationUrl(parameters));
    expect(answer).toMatchObject({ address: DEMO_WEB.redirectUri, error, state: 'a-state', iss: server.issuer });
    expect(answer.error_description).toMatch(SENTENCE);
  });

  it.each([
    ['request', 'invalid_request_object', 'e30.e30.'],
    ['request_uri', 'request_uri_not_supported', 'https://app.example.com/request.jwt'],
    ['registration', 'registration_not_supported', '{}'],
  ])('refuses %s with %s (OpenID Connect Core §3.1.2.6)', async (name, error, value) => {
    expect(await refusal(web.authorizationUrl({ [name]: value }))).toMatchObject({ error, iss: server.issuer });
  });

  it('C6: state twice is refused, and neither is returned', async () => {
    const answer = await refusal(web.authorizationUrl({ state: ['first', 'second'] }));
    expect(answer).toMatchObject({ error: 'invalid_request', iss: server.issuer });
    expect(answer.state).toBeUndefined();
  });

  it('C8: errors of a response type with tokens travel in the fragment', async () => {
    const answer = await refusal(web.authorizationUrl({ response_type: 'id_token token', nonce: 'n' }), '#');
    expect(answer).toMatchObject({ address: DEMO_WEB.redirectUri, state: 'a-state', iss: server.issuer });
  });

  it.each(['token', 'id_token', 'code id_token', 'code token', 'id_token code token'])(
    'C12: the response type %s is unauthorized_client for a client that is not registered for it',
    async (response_type) => {
      const answer = await refusal(web.authorizationUrl({ response_type, nonce: 'n', scope: 'openid' }), '#');
      expect(answer).toMatchObject({ error: 'unauthorized_client', state: 'a-state' });
      expect(answer.error_description).toContain('response type');
    },
  );

  it.each(['id_token', 'id_token token'])('C15: %s without a nonce is invalid_request', async (response_type) => {
    const implicit = createRelyingParty(server.issuer, DEMO_IMPLICIT);
    const answer = await refusal(implicit.authorizationUrl({ response_type, scope: 'openid' }), '#');
    expect(answer).toMatchObject({ error: 'invalid_request', state: 'a-state', iss: server.issuer });
    expect(answer.error_description).toContain('nonce');
  });

  it('C16: a public client must use PKCE', async () => {
    const without = { code_challenge: undefined, code_challenge_method: undefined };
    const answer = await refusal(spa.authorizationUrl(without));
    expect(answer).toMatchObject({ error: 'invalid_request', address: DEMO_SPA.redirectUri });
    expect(answer.error_description).toContain('PKCE');
  });

  it('answers by form_post when that is asked for', async () => {
    const { status, text, headers } = await page(web.authorizationUrl({ response_mode: 'form_post', prompt: 'none' }));
    expect(status).toBeLessThan(500);
    expect(text).toContain('login_required');
    expect(text).toContain(`action="${DEMO_WEB.redirectUri}"`);
    expect(headers.get('cache-control')).toBe('no-store');
  });
});

describe('C13: request_uri is never fetched', () => {
  it('refuses an address in the local network without a call', async () => {
    let calls = 0;
    const listener = createServer((_request, response) => {
      calls += 1;
      response.end();
    });
    await once(listener.listen(0, '127.0.0.1'), 'listening');
    const { port } = listener.address() as AddressInfo;
    for (const request_uri of [`http://127.0.0.1:${port}/`, 'http://169.254.169.254/latest/meta-data/']) {
      const answer = await refusal(web.authorizationUrl({ request_uri }));
      expect(answer).toMatchObject({ error: 'request_uri_not_supported', state: 'a-state' });
    }
    listener.close();
    expect(calls).toBe(0);
  });
});

describe('what is accepted', () => {
  it.each([
    [
      'C7: an unknown parameter is ignored',
      { 'no-such': 'x', client_scope: 'admin', constructor: 'x', __proto__x: 'y' },
    ],
    ['C7: an unknown parameter may come twice', { 'no-such': ['x', 'y'] }],
    ['C7: empty parameters are as good as none', { nonce: '', prompt: '', max_age: '', login_hint: '', scope: '' }],
  ])('%s', async (_name, parameters) => {
    const { callback } = await web.authorize(parameters);
    expect(callback.searchParams.get('code')).toMatch(/^[\w-]{43}$/);
  });

  it.each([
    ['4 kB', 'x'.repeat(4096)],
    ['every script', 'žluťoučký 漢字 🛎 \u202e'],
    ['markup', '"><script>alert(1)</script>'],
    ['reserved characters', '&code=x#%41+ %'],
  ])('C19: state comes back unchanged: %s', async (_name, state) => {
    const { callback } = await web.authorize({ state });
    expect(callback.searchParams.getAll('state')).toEqual([state]);
    expect(callback.searchParams.get('iss')).toBe(server.issuer);
    expect((await refusal(web.authorizationUrl({ state, response_type: 'kode' }))).state).toBe(state);
  });

  it('C12: a stored request that was tampered with is worth nothing', async () => {
    const browser = new UserAgent(server.issuer);
    const visit = await browser.get(web.authorizationUrl());
    await server.pool.query(
      `update artifacts set payload = overlay(payload placing case substr(payload, 40, 1) when 'A' then 'B' else 'A' end
        from 40 for 1) where kind = 'Interaction'`,
    );
    const answer = await browser.signIn(visit, { email: 'alice@example.com' });
    expect(answer.status).toBe(400);
    expect(browser.isOurs(answer.url)).toBe(true);
  });
});
