/** @badgateway/oauth2-client 3: given the issuer as `server`, it finds the endpoints in the metadata of RFC 8414. */
import { generateCodeVerifier, OAuth2Client, type OAuth2Token } from '@badgateway/oauth2-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../testing/authorization-server.ts';
import {
  DEMO_API,
  DEMO_MACHINE,
  DEMO_PASSWORD_CLIENT,
  DEMO_SPA,
  DEMO_WEB,
  type TestClient,
} from '../testing/relying-party.ts';
import { DEMO_PASSWORD, UserAgent } from '../testing/user-agent.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const createClient = ({ clientId, secret }: TestClient) =>
  new OAuth2Client({ server: server.issuer, clientId, ...(secret !== undefined && { clientSecret: secret }) });

/** What the resource API learns of it. */
const introspect = (token: OAuth2Token) => createClient(DEMO_API).introspect(token);

describe('@badgateway/oauth2-client', () => {
  it.each([
    ['with a secret', DEMO_WEB],
    ['that is public', DEMO_SPA],
  ])('gets tokens for a code with PKCE to a client %s, refreshes and revokes them', async (_, registered) => {
    const { redirectUri } = registered;
    const client = createClient(registered);
    const codeVerifier = await generateCodeVerifier();
    const request = { redirectUri, state: 'a-state', codeVerifier, scope: ['openid', 'records:read'] };
    const uri = await client.authorizationCode.getAuthorizeUri(request);
    const callback = await new UserAgent(server.issuer).authorize(uri);
    const checks = { redirectUri, state: 'a-state', codeVerifier };
    const tokens = await client.authorizationCode.getTokenFromCodeRedirect(callback, checks);
    expect(tokens).toMatchObject({ scope: ['openid', 'records:read'], idToken: expect.any(String) });

    const refreshed = await client.refreshToken(tokens);
    expect(refreshed.refreshToken).not.toBe(tokens.refreshToken);
    expect(await introspect(refreshed)).toMatchObject({ active: true, username: 'alice@example.com' });
    await client.revoke(refreshed, 'refresh_token');
    expect(await introspect(refreshed)).toEqual({ active: false });
  });

  it('gets a token for a machine, for the resource that it names (RFC 8707)', async () => {
    const token = await createClient(DEMO_MACHINE).clientCredentials({
      scope: ['records:read'],
      resource: 'http://localhost:3001',
    });
    expect(await introspect(token)).toMatchObject({ active: true, aud: 'http://localhost:3001' });
  });

  it('gets tokens for a password', async () => {
    const credentials = { username: 'alice@example.com', password: DEMO_PASSWORD };
    const tokens = await createClient(DEMO_PASSWORD_CLIENT).password({ ...credentials, scope: ['records:read'] });
    expect(await introspect(tokens)).toMatchObject({ active: true, username: 'alice@example.com' });
    expect(tokens.refreshToken).toEqual(expect.any(String));
  });

  it.each(['client_secret_basic', 'client_secret_basic_interop', 'client_secret_post'] as const)(
    'authenticates by %s',
    async (authenticationMethod) => {
      const { clientId, secret } = DEMO_MACHINE;
      const client = new OAuth2Client({ server: server.issuer, clientId, clientSecret: secret, authenticationMethod });
      expect((await client.clientCredentials({ scope: ['records:read'] })).scope).toEqual(['records:read']);
    },
  );

  it('is told what was wrong', async () => {
    const grant = createClient({ ...DEMO_MACHINE, secret: 'another' }).clientCredentials();
    await expect(grant).rejects.toMatchObject({ httpCode: 401, oauth2Code: 'invalid_client' });
  });
});
