/** openid-client 6, everything that it does for a client with a secret or without one. */
import * as openidClient from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../testing/authorization-server.ts';
import {
  DEMO_API,
  DEMO_IMPLICIT,
  DEMO_MACHINE,
  DEMO_PASSWORD_CLIENT,
  DEMO_SPA,
  DEMO_WEB,
  type TestClient,
} from '../testing/relying-party.ts';
import { DEMO_PASSWORD, formOf, UserAgent } from '../testing/user-agent.ts';

let server: TestServer;
let browser: UserAgent;
beforeAll(async () => {
  server = await startTestServer();
  browser = new UserAgent(server.issuer);
});
afterAll(() => server.stop());

const discover = ({ clientId, secret }: TestClient) =>
  openidClient.discovery(new URL(server.issuer), clientId, secret, undefined, {
    execute: [openidClient.allowInsecureRequests],
  });

const isActive = async (token: string) =>
  (await openidClient.tokenIntrospection(await discover(DEMO_API), token)).active;

/** Authorization code with PKCE, state and nonce. */
async function signIn(config: openidClient.Configuration, redirect_uri: string, scope: string) {
  const pkceCodeVerifier = openidClient.randomPKCECodeVerifier();
  const expectedState = openidClient.randomState();
  const expectedNonce = openidClient.randomNonce();
  const url = openidClient.buildAuthorizationUrl(config, {
    redirect_uri,
    scope,
    code_challenge: await openidClient.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
    nonce: expectedNonce,
  });
  const callback = await browser.authorize(url.href);
  return openidClient.authorizationCodeGrant(config, callback, { pkceCodeVerifier, expectedState, expectedNonce });
}

describe('openid-client', () => {
  it.each([
    ['with a secret', DEMO_WEB],
    ['that is public', DEMO_SPA],
  ])('signs a person in to a client %s, reads userinfo, refreshes, revokes and signs out', async (_, client) => {
    const config = await discover(client);
    const tokens = await signIn(config, client.redirectUri, 'openid profile email records:read');
    const sub = tokens.claims()?.sub ?? '';
    const userinfo = await openidClient.fetchUserInfo(config, tokens.access_token, sub);
    expect(userinfo).toMatchObject({ sub, name: 'Alice Archer', email: 'alice@example.com' });
    const refreshed = await openidClient.refreshTokenGrant(config, tokens.refresh_token ?? '');
    expect(refreshed.claims()?.sub).toBe(sub);
    expect(await isActive(refreshed.access_token)).toBe(true);
    await openidClient.tokenRevocation(config, refreshed.refresh_token ?? '');
    expect(await isActive(refreshed.access_token)).toBe(false);

    const url = openidClient.buildEndSessionUrl(config, {
      id_token_hint: refreshed.id_token ?? '',
      post_logout_redirect_uri: 'http://localhost:3002/',
      state: 'goodbye',
    });
    expect((await browser.authorize(url.href)).href).toBe('http://localhost:3002/?state=goodbye');
  });

  it('reads an ID token from the fragment', async () => {
    const config = await discover(DEMO_IMPLICIT);
    openidClient.useIdTokenResponseType(config);
    const expectedState = openidClient.randomState();
    const nonce = openidClient.randomNonce();
    const { redirectUri: redirect_uri } = DEMO_IMPLICIT;
    const url = openidClient.buildAuthorizationUrl(config, {
      redirect_uri,
      scope: 'openid',
      nonce,
      state: expectedState,
    });
    const callback = await browser.authorize(url.href);
    const claims = await openidClient.implicitAuthentication(config, callback, nonce, { expectedState });
    expect(claims).toMatchObject({ aud: DEMO_IMPLICIT.clientId, iss: server.issuer });
  });

  it('is posted a code in a form', async () => {
    const config = await discover(DEMO_WEB);
    const { redirectUri: redirect_uri } = DEMO_WEB;
    const expectedState = openidClient.randomState();
    const parameters = { redirect_uri, scope: 'openid', state: expectedState, response_mode: 'form_post' };
    const url = openidClient.buildAuthorizationUrl(config, parameters);
    const form = formOf(await browser.goThrough(await browser.get(url.href)));
    const body = new URLSearchParams(form?.fields);
    const request = new Request(form?.action ?? '', { method: 'POST', body });
    const tokens = await openidClient.authorizationCodeGrant(config, request, { expectedState, idTokenExpected: true });
    expect(tokens.claims()?.aud).toBe(DEMO_WEB.clientId);
  });

  it('registers itself, and is a client from then on', async () => {
    const redirect_uris = ['http://localhost:3002/registered'];
    const execute = [openidClient.allowInsecureRequests];
    const described = { redirect_uris, scope: 'openid' };
    const config = await openidClient.dynamicClientRegistration(new URL(server.issuer), described, undefined, {
      execute,
    });
    const tokens = await signIn(config, redirect_uris[0] ?? '', 'openid');
    expect(tokens.claims()?.aud).toBe(config.clientMetadata().client_id);
  });

  it('gets a token for a machine, and another for the password of an account', async () => {
    const machine = await openidClient.clientCredentialsGrant(await discover(DEMO_MACHINE), { scope: 'records:write' });
    expect(machine.scope).toBe('records:write');
    const config = await discover(DEMO_PASSWORD_CLIENT);
    const credentials = { username: 'alice@example.com', password: DEMO_PASSWORD };
    const tokens = await openidClient.genericGrantRequest(config, 'password', { ...credentials, scope: 'openid' });
    expect(tokens.claims()?.aud).toBe(DEMO_PASSWORD_CLIENT.clientId);
    expect(tokens.refresh_token).toEqual(expect.any(String));
  });

  it('is told what was wrong in the words of RFC 6749', async () => {
    const config = await discover({ ...DEMO_MACHINE, secret: 'another' });
    await expect(openidClient.clientCredentialsGrant(config)).rejects.toMatchObject({
      error: 'invalid_client',
      status: 401,
    });
  });
});
