import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { createRelyingParty, DEMO_SPA, DEMO_WEB, postForm, send, type TokenSet } from '../../testing/relying-party.ts';
import { UserAgent } from '../../testing/user-agent.ts';

const SPA_ORIGIN = 'http://localhost:3002';
const STRANGERS = [
  'https://evil.example',
  'http://localhost:3003',
  'https://localhost:3002',
  'http://localhost:3002.evil.example',
  'http://sub.localhost:3002',
  'http://LOCALHOST:3002',
  'http://localhost:3002/',
  'http://localhost',
  'null',
  '*',
];
const CORS = ['access-control-allow-origin', 'access-control-allow-credentials', 'access-control-allow-methods'];

let server: TestServer;
let tokens: TokenSet;
let webTokens: TokenSet;
beforeAll(async () => {
  server = await startTestServer();
  tokens = await createRelyingParty(server.issuer, DEMO_SPA).obtainTokens({ scope: 'openid' });
  webTokens = await createRelyingParty(server.issuer, DEMO_WEB).obtainTokens({ scope: 'openid' });
});
afterAll(() => server.stop());

const preflight = (path: string, origin: string, method: string) =>
  send(server.url(path), {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': 'authorization' },
  });

function token(origin: string, parameters: Record<string, string>) {
  const body = new URLSearchParams({ grant_type: 'authorization_code', code: 'x', ...parameters });
  return send(server.url('/token'), { method: 'POST', headers: { origin }, body });
}

const userinfo = (origin: string, accessToken = tokens.access_token) =>
  send(server.url('/me'), { headers: { origin, authorization: `Bearer ${accessToken}` } });

describe('a page of another origin', () => {
  it('C91: of the public client may use its token endpoint and userinfo, and read what went wrong', async () => {
    const redeemed = await createRelyingParty(server.issuer, DEMO_SPA).authorize({ scope: 'openid' });
    const answer = await token(SPA_ORIGIN, {
      client_id: 'demo-spa',
      redirect_uri: DEMO_SPA.redirectUri,
      code: redeemed.code,
      code_verifier: redeemed.verifier,
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).toBe(SPA_ORIGIN);
    const refused = await token(SPA_ORIGIN, { client_id: 'demo-spa' });
    expect(refused.body).toMatchObject({ error: 'invalid_grant' });
    expect(refused.headers.get('access-control-allow-origin')).toBe(SPA_ORIGIN);
    const info = await userinfo(SPA_ORIGIN);
    expect(info.status).toBe(200);
    expect(info.headers.get('access-control-allow-origin')).toBe(SPA_ORIGIN);
    expect(info.headers.get('access-control-expose-headers')).toMatch(/WWW-Authenticate/i);
    expect((await preflight('/token', SPA_ORIGIN, 'POST')).status).toBe(204);
    expect((await preflight('/me', SPA_ORIGIN, 'GET')).headers.get('access-control-allow-headers')).toBe(
      'authorization',
    );
  });

  it.each(STRANGERS)('C91: %s may use neither, whatever token it has', async (origin) => {
    for (const answer of [await token(origin, { client_id: 'demo-spa' }), await userinfo(origin)]) {
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({
        error: 'invalid_request',
        error_description: expect.stringMatching(/origin/),
      });
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  it('C91: is no app whose redirect URI has a scheme of its own, and thereby no origin: "null" is anybody’s', async () => {
    const native = { clientId: 'native', redirectUri: 'com.example.app:/cb' };
    await server.apply({
      clients: [
        {
          client_id: native.clientId,
          application_type: 'native',
          token_endpoint_auth_method: 'none',
          grant_types: ['authorization_code'],
          redirect_uris: [native.redirectUri],
          scope: 'openid',
        },
      ],
    });
    const { access_token } = await createRelyingParty(server.issuer, native).obtainTokens({ scope: 'openid' });
    for (const answer of [await token('null', { client_id: native.clientId }), await userinfo('null', access_token)]) {
      expect(answer.status).toBe(400);
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  it('C91: has no business with a confidential client’s token endpoint', async () => {
    for (const origin of [SPA_ORIGIN, ...STRANGERS]) {
      const answer = await token(origin, { client_id: 'demo-web', client_secret: 'demo-web-secret' });
      expect(answer.status).toBe(400);
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  it.each(['https://evil.example', 'null'])('C91: %s cannot read a confidential client’s userinfo', async (origin) => {
    const answer = await userinfo(origin, webTokens.access_token);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });

  it.each([
    '/auth',
    '/auth/x',
    '/interaction/x',
    '/interaction/x/sign-in',
    '/session/end',
    '/session/end/confirm',
    '/',
  ])('C91: may not call %s', async (path) => {
    for (const origin of [SPA_ORIGIN, 'https://evil.example', 'null']) {
      const visits = [
        await preflight(path, origin, 'POST'),
        await preflight(path, origin, 'GET'),
        await send(server.url(path), { headers: { origin } }),
        await postForm(server.url(path), { email: 'x' }),
      ];
      for (const { headers } of visits) {
        expect(CORS.filter((name) => headers.has(name))).toEqual([]);
      }
    }
  });

  it('C91: never gets credentials along, and discovery and keys from anywhere', async () => {
    const paths = ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server', '/jwks'];
    for (const path of paths) {
      const { headers } = await send(server.url(path), { headers: { origin: 'https://evil.example' } });
      expect(headers.get('access-control-allow-origin')).toMatch(/^(\*|https:\/\/evil\.example)$/);
    }
    for (const path of [...paths, '/token', '/me', '/token/introspection', '/token/revocation']) {
      for (const origin of [SPA_ORIGIN, 'https://evil.example', 'null']) {
        const answers = [await preflight(path, origin, 'POST'), await send(server.url(path), { headers: { origin } })];
        expect(answers.some(({ headers }) => headers.has('access-control-allow-credentials'))).toBe(false);
      }
    }
  });

  it('C91: gains nothing from a session: the answers of the token endpoint and userinfo do not look at cookies', async () => {
    const browser = new UserAgent(server.issuer);
    await createRelyingParty(server.issuer, DEMO_SPA).authorize({ scope: 'openid' }, undefined, browser);
    const visit = await browser.send('/me', { headers: { origin: SPA_ORIGIN } });
    expect(visit.status).toBe(401);
  });
});
