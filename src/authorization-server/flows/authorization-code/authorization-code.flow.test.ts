/** The authorization code grant as a real client library uses it: RFC 6749 §4.1, OpenID Connect Core §3.1. */
import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as openidClient from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { createRelyingParty, DEMO_SPA, DEMO_WEB, introspect, send } from '../../../testing/relying-party.ts';
import { UserAgent } from '../../../testing/user-agent.ts';

const API = 'http://localhost:3001';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

/** Signs alice in and approves. */
function authorizeAt(url: URL | string): Promise<URL> {
  return new UserAgent(server.issuer).authorize(String(url));
}

describe('openid-client', () => {
  it('signs a person in, reads userinfo and refreshes', async () => {
    const config = await createRelyingParty(server.issuer, DEMO_WEB).discover();
    const pkceCodeVerifier = openidClient.randomPKCECodeVerifier();
    const expectedState = openidClient.randomState();
    const expectedNonce = openidClient.randomNonce();
    const url = openidClient.buildAuthorizationUrl(config, {
      redirect_uri: DEMO_WEB.redirectUri,
      scope: 'openid profile email records:read',
      code_challenge: await openidClient.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      state: expectedState,
      nonce: expectedNonce,
    });
    const checks = { pkceCodeVerifier, expectedState, expectedNonce };
    const tokens = await openidClient.authorizationCodeGrant(config, await authorizeAt(url), checks);
    expect(tokens).toMatchObject({ scope: 'openid profile email records:read', expires_in: 3600 });

    const sub = tokens.claims()?.sub ?? '';
    expect(await openidClient.fetchUserInfo(config, tokens.access_token, sub)).toMatchObject({
      sub,
      name: 'Alice Archer',
      preferred_username: 'alice',
      email: 'alice@example.com',
      email_verified: true,
    });
    const refreshed = await openidClient.refreshTokenGrant(config, tokens.refresh_token ?? '');
    expect(refreshed.claims()?.sub).toBe(sub);
    expect(refreshed.refresh_token).not.toBe(tokens.refresh_token);
  });

  it('asks for a resource (RFC 8707) and for offline access', async () => {
    const config = await createRelyingParty(server.issuer, DEMO_SPA).discover();
    const pkceCodeVerifier = openidClient.randomPKCECodeVerifier();
    const url = openidClient.buildAuthorizationUrl(config, {
      redirect_uri: DEMO_SPA.redirectUri,
      scope: 'records:read offline_access',
      prompt: 'consent',
      resource: API,
      code_challenge: await openidClient.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    });
    const tokens = await openidClient.authorizationCodeGrant(config, await authorizeAt(url), { pkceCodeVerifier });
    expect(await introspect(server.issuer, tokens.access_token)).toMatchObject({ active: true, aud: API });
    expect(tokens.refresh_token).toBeDefined();
  });

  it('is told of a denial as RFC 6749 §4.1.2.1 says', async () => {
    const config = await createRelyingParty(server.issuer, DEMO_WEB).discover();
    const browser = new UserAgent(server.issuer);
    const url = openidClient.buildAuthorizationUrl(config, { redirect_uri: DEMO_WEB.redirectUri, scope: 'openid' });
    const denied = await browser.deny(await browser.get(url.href));
    const grant = openidClient.authorizationCodeGrant(config, new URL(denied.url));
    await expect(grant).rejects.toMatchObject({ error: 'access_denied' });
  });
});

describe('the answers themselves', () => {
  it('C19: the redirect carries code, state and the issuer, and nothing else (RFC 9207)', async () => {
    const { callback } = await createRelyingParty(server.issuer, DEMO_WEB).authorize();
    expect([...callback.searchParams.keys()].sort()).toEqual(['code', 'iss', 'state']);
    expect(callback.searchParams.get('iss')).toBe(server.issuer);
    expect(callback.hash).toBe('');
    const { body } = await send(server.url('/.well-known/openid-configuration'));
    expect(body).toMatchObject({ issuer: server.issuer, authorization_response_iss_parameter_supported: true });
  });

  it('the token response is JSON that nobody keeps (RFC 6749 §5.1)', async () => {
    const web = createRelyingParty(server.issuer, DEMO_WEB);
    const { status, headers, body } = await web.exchange(await web.authorize({ scope: 'records:read' }));
    expect(status).toBe(200);
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('pragma')).toBe('no-cache');
    expect(body).toEqual({
      access_token: expect.stringMatching(/^[\w-]{43}$/),
      refresh_token: expect.stringMatching(/^[\w-]{43}$/),
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'records:read',
    });
  });

  it('the ID token says who signed in, when, how and for whom (OpenID Connect Core §2)', async () => {
    const web = createRelyingParty(server.issuer, DEMO_WEB);
    const before = Math.floor(Date.now() / 1000);
    const { id_token, access_token } = await web.obtainTokens({
      scope: 'openid profile',
      nonce: 'a-nonce',
      max_age: '60',
    });
    const keys = createRemoteJWKSet(new URL(server.url('/jwks')));
    const { payload, protectedHeader } = await jwtVerify(id_token, keys, {
      issuer: server.issuer,
      audience: DEMO_WEB.clientId,
      algorithms: ['RS256'],
    });
    const { sub } = await introspect(server.issuer, access_token, DEMO_WEB);
    expect(protectedHeader.kid).toBeDefined();
    expect(payload).toMatchObject({ sub, nonce: 'a-nonce', iss: server.issuer, aud: DEMO_WEB.clientId });
    expect(payload.auth_time).toBeGreaterThanOrEqual(before);
    expect(Number(payload.exp) - Number(payload.iat)).toBe(3600);
  });
});
