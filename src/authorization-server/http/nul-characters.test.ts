import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import {
  createRelyingParty,
  DEMO_MACHINE,
  DEMO_PASSWORD_CLIENT,
  DEMO_SPA,
  DEMO_WEB,
  postForm,
  send,
  type TestClient,
  tokensOf,
} from '../../testing/relying-party.ts';
import { actionOf, UserAgent } from '../../testing/user-agent.ts';

// PostgreSQL refuses a NUL in a text: what passes one on to it fails with a 500.
const VALUES = ['\0', 'a\0', '\0a', 'a\0b'];

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

describe('a NUL in a query is refused with a 400', () => {
  const AUTHORIZATION = [
    'client_id',
    'redirect_uri',
    'response_type',
    'response_mode',
    'scope',
    'state',
    'nonce',
    'prompt',
    'max_age',
    'login_hint',
    'id_token_hint',
    'acr_values',
    'ui_locales',
    'claims',
    'code_challenge',
    'code_challenge_method',
    'resource',
    'request',
    'request_uri',
    'client_scope',
    'no_such_parameter',
  ];

  it.each(AUTHORIZATION)('C19: as %s of an authorization request', async (name) => {
    const { authorizationUrl } = createRelyingParty(server.issuer, DEMO_WEB);
    for (const value of VALUES) {
      const { status, headers } = await send(authorizationUrl({ scope: 'openid', [name]: value }));
      expect(status).toBe(400);
      expect(headers.get('location')).toBeNull();
    }
  });

  it.each([
    '/session/end',
    '/session/end/success',
    '/me',
    '/jwks',
    '/token',
    '/token/introspection',
    '/token/revocation',
    '/.well-known/openid-configuration',
  ])('at %s', async (path) => {
    for (const query of [
      'a=%00',
      '%00=a',
      '%00',
      'client_id=demo-web&post_logout_redirect_uri=%00',
      'id_token_hint=%00',
    ]) {
      const method = path.startsWith('/token') ? 'POST' : 'GET';
      expect((await send(server.url(`${path}?${query}`), { method })).status).toBe(400);
    }
  });

  it.each([
    '/',
    '/interaction/%00',
    '/interaction/x%00/sign-in',
    '/auth/%00',
    '/auth/a%00b',
    '/assets/%00',
    '/%00',
    '/healthz',
  ])('or does no harm at %s', async (path) => {
    for (const method of ['GET', 'POST']) {
      const { status } = await send(server.url(`${path}?a=%00`), { method });
      expect(status).toBeLessThan(500);
    }
  });
});

describe('a NUL in a body is never a 5xx, and nothing is issued for it', () => {
  const TOKEN_REQUESTS: readonly [string, Record<string, string>, TestClient][] = [
    ['authorization_code', { code: 'x', redirect_uri: 'x', code_verifier: 'x', resource: 'x' }, DEMO_WEB],
    ['refresh_token', { refresh_token: 'x', scope: 'openid', resource: 'x' }, DEMO_WEB],
    ['client_credentials', { scope: 'records:read', resource: 'http://localhost:3001' }, DEMO_MACHINE],
    [
      'password',
      { username: 'alice@example.com', password: 'x', scope: 'openid', resource: 'x' },
      DEMO_PASSWORD_CLIENT,
    ],
  ];

  it.each(TOKEN_REQUESTS)('of a token request for %s', async (grant_type, parameters, client) => {
    for (const name of [...Object.keys(parameters), 'client_id', 'client_secret', 'grant_type']) {
      for (const value of VALUES) {
        const answer = await postForm(server.url('/token'), { grant_type, ...parameters, [name]: value }, client);
        expect([400, 401], `${name} ${answer.text}`).toContain(answer.status);
        expect(answer.body.error_description).toEqual(expect.any(String));
      }
    }
  });

  it.each(['/token/introspection', '/token/revocation'])('of %s', async (path) => {
    for (const value of VALUES) {
      const names = ['token', 'token_type_hint', 'client_id', 'client_secret'];
      for (const name of names) {
        const { status } = await postForm(server.url(path), { token: 'x', [name]: value }, DEMO_WEB);
        expect(status).toBeLessThan(500);
      }
      expect(
        (await postForm(server.url(path), { token: 'x' }, { clientId: value, secret: value })).status,
      ).toBeLessThan(500);
      expect((await postForm(server.url(path), { token: 'x', client_id: value })).status).toBe(401);
    }
  });

  it('of a form of ours', async () => {
    const browser = new UserAgent(server.issuer);
    const { authorizationUrl } = createRelyingParty(server.issuer, DEMO_SPA);
    const page = await browser.get(authorizationUrl({ scope: 'openid' }));
    for (const value of VALUES) {
      expect((await browser.post(actionOf(page, 'sign-in'), { email: value, password: value })).status).toBeLessThan(
        500,
      );
      expect((await browser.post('/session/end/confirm', { xsrf: value, logout: value })).status).toBeLessThan(500);
    }
    const consent = await browser.signIn(page, { email: 'alice@example.com' });
    expect((await browser.post(actionOf(consent, 'consent'), { '\0': '\0', scope: '\0' })).status).toBeLessThan(500);
    expect((await browser.authorize(authorizationUrl({ scope: 'openid' }))).searchParams.get('code')).toEqual(
      expect.any(String),
    );
  });
});

it('a nonce, a state and a claims request of any other characters come through', async () => {
  const odd = '\x01\x7f\u2028🛎️<script>"\\';
  const relyingParty = createRelyingParty(server.issuer, DEMO_WEB);
  const authorization = await relyingParty.authorize({ scope: 'openid', nonce: odd, state: odd, login_hint: odd });
  expect(authorization.callback.searchParams.get('state')).toBe(odd);
  const { id_token } = tokensOf(await relyingParty.exchange(authorization));
  expect(JSON.parse(Buffer.from(id_token.split('.')[1] ?? '', 'base64url').toString()).nonce).toBe(odd);
});
