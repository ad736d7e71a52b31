import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { UserAgent } from '../../../testing/user-agent.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const REDIRECT = 'http://localhost:3002/callback';

function discover(clientId: string, secret?: string) {
  return client.discovery(new URL(server.issuer), clientId, secret, undefined, {
    execute: [client.allowInsecureRequests],
  });
}

describe('authorization code grant', () => {
  it('lets openid-client sign a person in and read userinfo', async () => {
    const config = await discover('demo-web', 'demo-web-secret');
    const verifier = client.randomPKCECodeVerifier();
    const state = client.randomState();
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: REDIRECT,
      scope: 'openid profile email records:read',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
    });
    const callback = await new UserAgent(server.issuer).authorize(url.href);
    const tokens = await client.authorizationCodeGrant(config, callback, {
      pkceCodeVerifier: verifier,
      expectedState: state,
    });
    expect(tokens.scope).toBe('openid profile email records:read');
    const sub = tokens.claims()?.sub ?? '';
    const userinfo = await client.fetchUserInfo(config, tokens.access_token, sub);
    expect(userinfo).toMatchObject({ name: 'Alice Archer', email: 'alice@example.com' });
    const api = await discover('demo-api', 'demo-api-secret');
    const introspection = await client.tokenIntrospection(api, tokens.access_token);
    console.log(tokens, introspection, config.serverMetadata());
  });
});
