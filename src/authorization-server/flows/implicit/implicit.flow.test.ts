import { createHash } from 'node:crypto';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import * as openidClient from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import {
  createRelyingParty,
  DEMO_IMPLICIT,
  DEMO_WEB,
  introspect,
  type Parameters,
  type TestClient,
} from '../../../testing/relying-party.ts';
import { UserAgent } from '../../../testing/user-agent.ts';

const API = 'http://localhost:3001';
const STATE = 'ü <script>&=#';

let server: TestServer;
let browser: UserAgent;
beforeAll(async () => {
  server = await startTestServer();
  browser = new UserAgent(server.issuer);
});
afterAll(() => server.stop());

/** Implicit requests have no PKCE: there is no code to protect. */
const urlOf = (parameters: Parameters, client: TestClient = DEMO_IMPLICIT) =>
  createRelyingParty(server.issuer, client).authorizationUrl({
    response_type: 'token',
    state: STATE,
    code_challenge: undefined,
    code_challenge_method: undefined,
    ...parameters,
  });

/** What the client finds in the fragment that the browser came back with. */
async function answerTo(parameters: Parameters, client?: TestClient, agent = browser) {
  const callback = await agent.authorize(urlOf(parameters, client));
  return { callback, answer: Object.fromEntries(new URLSearchParams(callback.hash.slice(1))) };
}

function halfHash(value: string): string {
  return createHash('sha256').update(value).digest().subarray(0, 16).toString('base64url');
}

describe('response_type=token (RFC 6749 §4.2)', () => {
  it('C36b: answers in the fragment and nowhere else, without a refresh token', async () => {
    const { callback, answer } = await answerTo({ scope: 'records:read' });
    expect(callback.href).toMatch(/^http:\/\/localhost:3002\/implicit\/callback#/);
    expect(answer).toEqual({
      access_token: expect.stringMatching(/^[\w-]{43}$/),
      expires_in: expect.stringMatching(/^[1-9]\d*$/),
      token_type: 'Bearer',
      scope: 'records:read',
      state: STATE,
      iss: server.issuer,
    });
    expect(await introspect(server.issuer, answer.access_token ?? '')).toMatchObject({
      active: true,
      aud: API,
      scope: 'records:read',
      username: 'alice@example.com',
    });
  });

  it('C36b: is neither stored nor passed on by the browser', async () => {
    await answerTo({ scope: 'records:read' });
    const { headers, status } = await browser.get(urlOf({ scope: 'records:read' }));
    expect(status).toBe(303);
    expect(headers.get('location')).toContain('#access_token=');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
  });

  it('grants the default scope when none is asked for, and never offline_access', async () => {
    expect((await answerTo({ scope: undefined })).answer.scope).toBe('records:read');
    const { answer } = await answerTo({ scope: 'records:read offline_access', prompt: 'consent' });
    expect(answer.scope).toBe('records:read');
    expect(answer).not.toHaveProperty('refresh_token');
  });

  it('asks nobody a second time, and answers prompt=none', async () => {
    await answerTo({ scope: 'records:read' });
    const { answer } = await answerTo({ scope: 'records:read', prompt: 'none' });
    expect(answer.access_token).toBeDefined();
    const stranger = await answerTo(
      { scope: 'records:read', prompt: 'none' },
      DEMO_IMPLICIT,
      new UserAgent(server.issuer),
    );
    expect(stranger.answer).toMatchObject({ error: 'login_required', state: STATE, iss: server.issuer });
  });

  it('serves userinfo and the API with one token when openid is among the scopes', async () => {
    const { answer } = await answerTo({ scope: 'openid email records:read' });
    const userinfo = await fetch(server.url('/me'), { headers: { authorization: `Bearer ${answer.access_token}` } });
    expect(await userinfo.json()).toMatchObject({ email: 'alice@example.com' });
    expect(await introspect(server.issuer, answer.access_token ?? '')).toMatchObject({ active: true, aud: API });
  });
});

describe('response_type=id_token and id_token token (OpenID Connect Core §3.2)', () => {
  const verify = (idToken: string) =>
    jwtVerify(idToken, createRemoteJWKSet(new URL(server.url('/jwks'))), {
      issuer: server.issuer,
      audience: DEMO_IMPLICIT.clientId,
    });

  it('gives an ID token alone, with the nonce and the claims that no access token could fetch', async () => {
    const { answer } = await answerTo({ response_type: 'id_token', scope: 'openid email', nonce: 'a-nonce' });
    const { payload, protectedHeader } = await verify(answer.id_token ?? '');
    expect(Object.keys(answer).sort()).toEqual(['id_token', 'iss', 'state']);
    expect(protectedHeader.alg).toBe('RS256');
    expect(payload).toMatchObject({ nonce: 'a-nonce', email: 'alice@example.com', sub: expect.any(String) });
    expect(payload).not.toHaveProperty('at_hash');
  });

  it.each(['id_token token', 'token id_token'])(
    'C36b: binds the access token of "%s" by at_hash',
    async (response_type) => {
      const { answer } = await answerTo({ response_type, scope: 'openid email records:read', nonce: 'n' });
      const { payload } = await verify(answer.id_token ?? '');
      expect(payload.at_hash).toBe(halfHash(answer.access_token ?? ''));
      expect(answer).toMatchObject({ token_type: 'Bearer', expires_in: expect.any(String), state: STATE });
      expect(answer).not.toHaveProperty('refresh_token');
      expect(answer).not.toHaveProperty('code');
    },
  );

  it('lets openid-client validate the answer', async () => {
    const config = await createRelyingParty(server.issuer, DEMO_IMPLICIT).discover();
    openidClient.useIdTokenResponseType(config);
    const url = openidClient.buildAuthorizationUrl(config, {
      redirect_uri: DEMO_IMPLICIT.redirectUri,
      scope: 'openid',
      nonce: 'a-nonce',
      state: 'a-state',
    });
    const callback = await browser.authorize(url.href);
    const claims = await openidClient.implicitAuthentication(config, callback, 'a-nonce', { expectedState: 'a-state' });
    expect(claims.sub).toEqual(expect.any(String));
  });

  it('C15: refuses a request without a nonce', async () => {
    for (const response_type of ['id_token', 'id_token token']) {
      const { answer } = await answerTo({ response_type, scope: 'openid' });
      expect(answer).toMatchObject({ error: 'invalid_request', state: STATE, iss: server.issuer });
      expect(answer.error_description).toContain('nonce');
    }
  });

  it('refuses an ID token to a request without openid', async () => {
    const { answer } = await answerTo({ response_type: 'id_token token', scope: 'records:read', nonce: 'n' });
    expect(answer.error).toMatch(/invalid_request|invalid_scope/);
    expect(answer.error_description).toContain('openid');
  });
});

describe('response modes', () => {
  it.each(['token', 'id_token', 'id_token token'])(
    'C36b: refuses response_mode=query for %s',
    async (response_type) => {
      const { callback, answer } = await answerTo({
        response_type,
        scope: 'openid',
        nonce: 'n',
        response_mode: 'query',
      });
      const errors = { ...Object.fromEntries(callback.searchParams), ...answer };
      expect(errors).toMatchObject({ error: 'invalid_request', state: STATE });
      expect(errors.error_description).toContain('response_mode');
      expect(callback.href).not.toContain('access_token');
    },
  );

  it('C36b: posts the answer to the client with response_mode=form_post', async () => {
    await answerTo({ response_type: 'id_token token', scope: 'openid', nonce: 'n' });
    const visit = await browser.get(
      urlOf({ response_type: 'id_token token', scope: 'openid', nonce: 'n', response_mode: 'form_post' }),
    );
    expect(visit.status).toBe(200);
    expect(visit.html).toContain(`action="${DEMO_IMPLICIT.redirectUri}"`);
    for (const name of ['access_token', 'id_token', 'expires_in', 'token_type', 'state', 'iss']) {
      expect(visit.html).toContain(`name="${name}"`);
    }
    expect(visit.html).not.toContain(STATE);
    expect(visit.html).toContain('ü &lt;script&gt;&amp;=#');
    expect(visit.headers.get('cache-control')).toBe('no-store');
    expect(visit.headers.get('referrer-policy')).toBe('no-referrer');
    expect(visit.headers.get('content-security-policy')).toMatch(/script-src[^;]*'sha256-/);
  });

  it('refuses a response mode that does not exist', async () => {
    const { answer } = await answerTo({ response_mode: 'pigeon' });
    expect(answer).toMatchObject({ error: 'unsupported_response_mode', state: STATE });
  });
});

describe('refusals (RFC 6749 §4.2.2.1)', () => {
  it.each([
    ['unauthorized_client', { response_type: 'token' }, DEMO_WEB, /response type token/],
    ['unauthorized_client', { response_type: 'code' }, DEMO_IMPLICIT, /response type code/],
    ['unsupported_response_type', { response_type: 'token carrot' }, DEMO_IMPLICIT, /response_type/],
    ['unsupported_response_type', { response_type: 'carrot' }, DEMO_IMPLICIT, /response_type/],
    ['invalid_scope', { scope: 'fly' }, DEMO_IMPLICIT, /not known here: fly/],
    ['invalid_target', { resource: 'https://elsewhere.example' }, DEMO_IMPLICIT, /resource/],
  ])('C8, C12: says %s to %j', async (error, parameters, client, words) => {
    const { callback, answer } = await answerTo(parameters, client);
    const said = { ...Object.fromEntries(callback.searchParams), ...answer };
    expect(said).toMatchObject({ error, state: STATE, iss: server.issuer });
    expect(said.error_description).toMatch(words);
    expect(callback.href).not.toContain('access_token');
  });

  it('says access_denied when the person says no', async () => {
    const agent = new UserAgent(server.issuer);
    const page = await agent.get(urlOf({ scope: 'openid records:write' }));
    const visit = await agent.deny(await agent.signIn(page, { email: 'guest@example.com' }));
    const answer = new URLSearchParams(new URL(visit.url).hash.slice(1));
    expect(answer.get('error')).toBe('access_denied');
    expect(answer.get('state')).toBe(STATE);
  });

  it('C36b: does not know a loopback redirect outside of development', async () => {
    const production = await server.addNode({ config: (config) => ({ ...config, mode: 'production' }) });
    const { pathname, search } = new URL(urlOf({ scope: 'records:read' }));
    const response = await fetch(production + pathname + search, { redirect: 'manual' });
    expect(response.status).toBe(400);
    expect(response.headers.get('location')).toBeNull();
  });

  it('C36b: wants https of every other redirect, and gives it', async () => {
    const client = { clientId: 'implicit-https', redirectUri: 'https://app.example.com/callback' };
    await server.apply({
      clients: [
        {
          client_id: client.clientId,
          token_endpoint_auth_method: 'none',
          grant_types: ['implicit'],
          response_types: ['token'],
          redirect_uris: [client.redirectUri],
          scope: 'records:read',
        },
      ],
    });
    const { callback, answer } = await answerTo({ scope: 'records:read' }, client);
    expect(callback.origin).toBe('https://app.example.com');
    expect(answer.access_token).toBeDefined();
  });
});

it('ends the tokens with the session that they came from', async () => {
  const agent = new UserAgent(server.issuer);
  const { answer } = await answerTo(
    { scope: 'openid', response_type: 'id_token token', nonce: 'n' },
    DEMO_IMPLICIT,
    agent,
  );
  const { sub } = decodeJwt(answer.id_token ?? '');
  await server.pool.query(`delete from artifacts where kind = 'Session' and account_id = $1`, [sub]);
  expect(await introspect(server.issuer, answer.access_token ?? '')).toEqual({ active: false });
});
