import * as openidClient from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { createRelyingParty, DEMO_WEB, introspect } from '../../../testing/relying-party.ts';
import { UserAgent } from '../../../testing/user-agent.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

describe('authorization code grant', () => {
  it('lets openid-client sign a person in and read userinfo', async () => {
    const web = createRelyingParty(server.issuer, DEMO_WEB);
    const config = await web.discover();
    const pkceCodeVerifier = openidClient.randomPKCECodeVerifier();
    const expectedState = openidClient.randomState();
    const url = openidClient.buildAuthorizationUrl(config, {
      redirect_uri: DEMO_WEB.redirectUri,
      scope: 'openid profile email records:read',
      code_challenge: await openidClient.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      state: expectedState,
    });
    const callback = await new UserAgent(server.issuer).authorize(url.href);
    const tokens = await openidClient.authorizationCodeGrant(config, callback, { pkceCodeVerifier, expectedState });
    expect(tokens.scope).toBe('openid profile email records:read');
    const userinfo = await openidClient.fetchUserInfo(config, tokens.access_token, tokens.claims()?.sub ?? '');
    expect(userinfo).toMatchObject({ name: 'Alice Archer', email: 'alice@example.com' });
    expect(await introspect(server.issuer, tokens.access_token)).toMatchObject({ active: true, username: 'alice@example.com' });
  });

  it('issues tokens to the demo client', async () => {
    const web = createRelyingParty(server.issuer, DEMO_WEB);
    const tokens = await web.obtainTokens();
    console.log(tokens, await web.refresh(tokens.refresh_token));
  });
});
