import * as openidClient from 'openid-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import {
  createRelyingParty,
  DEMO_PASSWORD_CLIENT,
  DEMO_WEB,
  introspect,
  type Parameters,
  postForm,
  type TestClient,
  tokensOf,
} from '../../../testing/relying-party.ts';
import { DEMO_PASSWORD, UserAgent } from '../../../testing/user-agent.ts';

const API = 'http://localhost:3001';
const ALICE = { username: 'alice@example.com', password: DEMO_PASSWORD };
const GUEST = { username: 'guest@example.com', password: DEMO_PASSWORD };
const PUBLIC_CLIENT = { clientId: 'public-password' };

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await server.apply({
    clients: [
      {
        client_id: PUBLIC_CLIENT.clientId,
        token_endpoint_auth_method: 'none',
        grant_types: ['password'],
        scope: 'records:read',
        default_scope: 'records:read',
      },
      {
        client_id: 'no-default',
        client_secret: 'no-default-secret',
        grant_types: ['password'],
        scope: 'openid records:read',
      },
    ],
  });
});
afterAll(() => server.stop());
beforeEach(() =>
  server.pool.query('update accounts set failed_sign_ins = 0, throttled_until = null, disabled_at = null'),
);

const relyingParty = (client: TestClient = DEMO_PASSWORD_CLIENT) => createRelyingParty(server.issuer, client);
const request = (parameters: Parameters = {}, client?: TestClient) =>
  relyingParty(client).requestToken({ grant_type: 'password', ...ALICE, ...parameters });

describe('password grant (RFC 6749 §4.3)', () => {
  it('gives a registered client tokens for the account', async () => {
    const { status, headers, body } = await request({ scope: 'records:read' });
    expect(status).toBe(200);
    expect(body).toEqual({
      access_token: expect.stringMatching(/^[\w-]{43}$/),
      refresh_token: expect.stringMatching(/^[\w-]{43}$/),
      expires_in: expect.any(Number),
      token_type: 'Bearer',
      scope: 'records:read',
    });
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('pragma')).toBe('no-cache');
    expect(await introspect(server.issuer, String(body.access_token))).toMatchObject({
      active: true,
      aud: API,
      client_id: DEMO_PASSWORD_CLIENT.clientId,
      username: 'alice@example.com',
      roles: ['user'],
      scope: 'records:read',
    });
  });

  it('C32: gives an ID token with openid and only with it, and a token for userinfo', async () => {
    const tokens = tokensOf(await request({ scope: 'openid email records:read' }));
    const userinfo = await fetch(server.url('/me'), { headers: { authorization: `Bearer ${tokens.access_token}` } });
    const claims = JSON.parse(Buffer.from(tokens.id_token.split('.')[1] ?? '', 'base64url').toString());
    expect(claims).toMatchObject({ iss: server.issuer, aud: DEMO_PASSWORD_CLIENT.clientId, amr: ['pwd'] });
    expect(await userinfo.json()).toEqual({ sub: claims.sub, email: 'alice@example.com', email_verified: true });
    expect((await request({ scope: 'email records:read' })).body).not.toHaveProperty('id_token');
  });

  it('C32: gives a refresh token only to a client with that grant', async () => {
    const { status, body } = await request({}, PUBLIC_CLIENT);
    expect(status).toBe(200);
    expect(body).not.toHaveProperty('refresh_token');
  });

  it('C32: has a refresh token that works, and is replaced by its use', async () => {
    const { refresh_token } = tokensOf(await request({ scope: 'openid records:read' }));
    const refreshed = tokensOf(await relyingParty().refresh(refresh_token));
    expect(refreshed.scope).toBe('openid records:read');
    expect(await introspect(server.issuer, refreshed.access_token)).toMatchObject({ active: true, aud: API });
    expect(tokensOf(await relyingParty().refresh(refreshed.refresh_token)).scope).toBe('openid records:read');
    expect((await relyingParty().refresh(refresh_token)).body.error).toBe('invalid_grant');
  });

  it('C32: ends everything that came of it when its refresh token is revoked', async () => {
    const { access_token, refresh_token } = tokensOf(await request());
    await postForm(server.url('/token/revocation'), { token: refresh_token }, DEMO_PASSWORD_CLIENT);
    expect(await introspect(server.issuer, access_token)).toEqual({ active: false });
    expect((await relyingParty().refresh(refresh_token)).body.error).toBe('invalid_grant');
  });

  describe('scopes', () => {
    it('grants the default scope when none is asked for, and what the roles permit of those asked for', async () => {
      expect(tokensOf(await request()).scope).toBe('records:read');
      expect(tokensOf(await request({ ...GUEST, scope: 'records:read records:write' })).scope).toBe('records:read');
      expect(tokensOf(await request({ scope: 'records:read unknown' })).scope).toBe('records:read');
    });

    it.each([
      ['nothing the roles permit', { ...GUEST, scope: 'records:write' }, DEMO_PASSWORD_CLIENT, /roles: records:write/],
      ['only unknown scopes', { scope: 'fly' }, DEMO_PASSWORD_CLIENT, /not known here: fly/],
      ['nothing the client may have', { scope: 'blobs:read' }, PUBLIC_CLIENT, /not allowed to this client/],
      ['nothing, without a default', {}, { clientId: 'no-default', secret: 'no-default-secret' }, /no default scope/],
      ['malformed scopes', { scope: 'a"b' }, DEMO_PASSWORD_CLIENT, /invalid characters/],
      ['a NUL in the scope', { scope: 'records:read\0' }, DEMO_PASSWORD_CLIENT, /invalid characters/],
      ['profile for an API', { scope: 'profile', resource: API }, DEMO_PASSWORD_CLIENT, /profile/],
    ])('refuses with invalid_scope when asked for %s', async (_, parameters, client, words) => {
      const { status, body } = await request(parameters, client);
      expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_scope' });
      expect(body.error_description).toMatch(words);
    });

    it('RFC 8707: gives a token for the API alone when the API is named', async () => {
      const tokens = tokensOf(await request({ scope: 'openid email records:read', resource: API }));
      expect(tokens.scope).toBe('records:read');
      expect(await introspect(server.issuer, tokens.access_token)).toMatchObject({ aud: API, scope: 'records:read' });
      const refreshed = tokensOf(await relyingParty().refresh(tokens.refresh_token));
      expect(await introspect(server.issuer, refreshed.access_token)).toMatchObject({
        aud: API,
        scope: 'records:read',
      });
      const userinfo = await fetch(server.url('/me'), { headers: { authorization: `Bearer ${tokens.access_token}` } });
      expect(userinfo.status).toBe(403);
      expect(userinfo.headers.get('www-authenticate')).toContain('scope="openid"');
    });

    it.each(['https://elsewhere.example', 'records', `${API}#x`, `${API}\0`])(
      'RFC 8707: refuses the unknown resource %j with invalid_target',
      async (resource) => {
        const { status, body } = await request({ resource });
        expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_target' });
      },
    );
  });

  describe('C31: who may not', () => {
    it('refuses a client that is not registered for the grant, whatever the credentials', async () => {
      for (const password of [DEMO_PASSWORD, 'wrong']) {
        const { status, body } = await request({ password }, DEMO_WEB);
        expect({ status, error: body.error }).toEqual({ status: 400, error: 'unauthorized_client' });
        expect(body.error_description).toContain('password');
      }
    });

    it('C31: demands the credentials of a confidential client', async () => {
      const without = await request({}, { clientId: 'demo-password' });
      const wrong = await request({}, { clientId: 'demo-password', secret: 'wrong' });
      expect([without.status, wrong.status]).toEqual([401, 401]);
      expect([without.body.error, wrong.body.error]).toEqual(['invalid_client', 'invalid_client']);
    });

    it('C31: tells a wrong password, an unknown, a disabled and a throttled account by the same bytes', async () => {
      const wrong = await request({ password: 'wrong' });
      const unknown = await request({ username: 'nobody@example.com' });
      const noAddress = await request({ username: 'alice' });
      const tooLong = await request({ password: 'x'.repeat(10_000) });
      await server.pool.query(`update accounts set disabled_at = now() where email = 'guest@example.com'`);
      const disabled = await request(GUEST);
      await server.pool.query(
        `update accounts set throttled_until = now() + interval '1 hour' where email = 'alice@example.com'`,
      );
      const throttled = await request();
      const answers = [wrong, unknown, noAddress, tooLong, disabled, throttled];
      expect(wrong.status).toBe(400);
      expect(wrong.body).toEqual({
        error: 'invalid_grant',
        error_description: expect.stringMatching(/password is wrong/),
      });
      expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
      expect(new Set(answers.map(({ headers }) => [...headers.keys()].join())).size).toBe(1);
    });

    it('C31: counts failures together with the sign-in page', async () => {
      const spellings = ['alice@example.com', ' Alice@Example.COM ', 'ALICE@example.com'];
      for (let failures = 0; failures < 10; failures += 1) {
        await request({ username: spellings[failures % 3] ?? '', password: 'wrong' });
      }
      expect((await request()).body.error).toBe('invalid_grant');
      const browser = new UserAgent(server.issuer);
      const web = createRelyingParty(server.issuer, DEMO_WEB);
      const page = await browser.get(web.authorizationUrl({ scope: 'openid' }));
      expect((await browser.signIn(page, { email: 'alice@example.com' })).status).toBe(401);
    });
  });

  describe('C32: what is sent', () => {
    it.each([
      ['no username', { username: undefined }],
      ['no password', { password: undefined }],
      ['an empty username', { username: '' }],
      ['an empty password', { password: '' }],
      ['two usernames', { username: ['alice@example.com', 'guest@example.com'] }],
      ['two passwords', { password: [DEMO_PASSWORD, DEMO_PASSWORD] }],
      ['two scopes', { scope: ['records:read', 'records:write'] }],
    ])('C32: refuses %s with invalid_request', async (_, parameters) => {
      const { status, body } = await request(parameters);
      expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_request' });
      expect(body.error_description).toMatch(/username|password|twice/);
    });

    it('C32: reads no credentials from the query', async () => {
      const query = new URLSearchParams({ grant_type: 'password', ...ALICE });
      const { status, body } = await postForm(server.url(`/token?${query}`), {}, DEMO_PASSWORD_CLIENT);
      expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_request' });
    });

    it.each(['alice@example.com\0', '\0', 'alice\0@example.com', '{"a":1}', "' or 1=1 --"])(
      'is unmoved by the username %j',
      async (username) => {
        const { status, body } = await request({ username });
        expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_grant' });
      },
    );

    it('is unmoved by a long username, and refuses one of 20 kB by name', async () => {
      expect((await request({ username: 'x'.repeat(2_000) })).body.error).toBe('invalid_grant');
      const { body } = await request({ username: 'x'.repeat(20_000) });
      expect(body).toMatchObject({
        error: 'invalid_request',
        error_description: expect.stringMatching(/^username is/),
      });
    });

    it('takes a NUL in a password for a byte like any other', async () => {
      expect((await request({ password: `${DEMO_PASSWORD}\0` })).body.error).toBe('invalid_grant');
    });

    it('C32: knows a password however its letters are composed', async () => {
      await server.apply({
        accounts: [
          { email: 'zoe@example.com', name: 'Zoë', password: 'Zoë-läuft-schnell'.normalize('NFC'), roles: ['user'] },
        ],
      });
      const password = 'Zoë-läuft-schnell'.normalize('NFD');
      expect((await request({ username: 'zoe@example.com', password })).status).toBe(200);
    });
  });

  it('C65: says 503 temporarily_unavailable with Retry-After, and counts no attempt, when too many passwords wait', async () => {
    const busy = await server.addNode({
      config: (config) => ({ ...config, passwords: { ...config.passwords, concurrency: 1, queue: 0 } }),
    });
    const parameters = { grant_type: 'password', ...ALICE };
    const answers = await Promise.all(Array.from({ length: 20 }, () => relyingParty().requestToken(parameters, busy)));
    const refused = answers.filter(({ status }) => status === 503);
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
    expect(answers.filter(({ status }) => status !== 200 && status !== 503)).toEqual([]);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]?.body).toEqual({
      error: 'temporarily_unavailable',
      error_description: expect.stringMatching(/again/),
    });
    expect(new Set(refused.map(({ headers }) => headers.get('retry-after')))).toEqual(new Set(['1']));
    const { rows } = await server.pool.query(`select failed_sign_ins from accounts where email = 'alice@example.com'`);
    expect(rows[0].failed_sign_ins).toBe(0);
  });

  it('ends with the account: a disabled one can neither refresh nor be seen', async () => {
    const tokens = tokensOf(await request({ ...GUEST, scope: 'openid records:read' }));
    await server.pool.query(`update accounts set disabled_at = now() where email = 'guest@example.com'`);
    expect(await introspect(server.issuer, tokens.access_token)).toEqual({ active: false });
    expect(await introspect(server.issuer, tokens.refresh_token, DEMO_PASSWORD_CLIENT)).toEqual({ active: false });
    expect((await relyingParty().refresh(tokens.refresh_token)).body.error).toBe('invalid_grant');
  });
});

it('openid-client gets tokens', async () => {
  const config = await relyingParty().discover();
  const tokens = await openidClient.genericGrantRequest(config, 'password', {
    ...ALICE,
    scope: 'openid records:read',
  });
  expect(tokens.claims()?.sub).toEqual(expect.any(String));
  expect(tokens.scope).toBe('openid records:read');
});
