/** simple-oauth2 5: it knows no discovery, so it is told the paths; RFC 6749 alone, so no PKCE and no OpenID Connect. */
import { AuthorizationCode, ClientCredentials, ResourceOwnerPassword } from 'simple-oauth2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../testing/authorization-server.ts';
import { DEMO_MACHINE, DEMO_PASSWORD_CLIENT, DEMO_WEB, introspect, type TestClient } from '../testing/relying-party.ts';
import { DEMO_PASSWORD, UserAgent } from '../testing/user-agent.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const settings = ({ clientId, secret = '' }: TestClient, authorizationMethod: 'header' | 'body') => ({
  client: { id: clientId, secret },
  auth: { tokenHost: server.issuer, tokenPath: '/token', revokePath: '/token/revocation' },
  options: { authorizationMethod },
});

describe.each(['header', 'body'] as const)('simple-oauth2, with its credentials in the %s,', (method) => {
  it('gets tokens for a code, refreshes and revokes them', async () => {
    const { auth, ...others } = settings(DEMO_WEB, method);
    const grant = new AuthorizationCode({ ...others, auth: { ...auth, authorizePath: '/auth' } });
    const redirect_uri = DEMO_WEB.redirectUri;
    const url = grant.authorizeURL({ redirect_uri, scope: ['openid', 'records:read'], state: 'a-state' });
    const callback = await new UserAgent(server.issuer).authorize(url);
    expect(callback.searchParams.get('state')).toBe('a-state');
    const tokens = await grant.getToken({ code: callback.searchParams.get('code') ?? '', redirect_uri });
    expect(tokens.token).toMatchObject({ scope: 'openid records:read', token_type: 'Bearer' });
    expect(tokens.expired()).toBe(false);
    const refreshed = await tokens.refresh();
    const accessToken = String(refreshed.token.access_token);
    expect(await introspect(server.issuer, accessToken)).toMatchObject({ active: true });
    await refreshed.revoke('refresh_token');
    expect(await introspect(server.issuer, accessToken)).toEqual({ active: false });
  });

  it('gets tokens for a password, refreshes and revokes them', async () => {
    const grant = new ResourceOwnerPassword(settings(DEMO_PASSWORD_CLIENT, method));
    const credentials = { username: 'alice@example.com', password: DEMO_PASSWORD };
    const tokens = await grant.getToken({ ...credentials, scope: 'records:read' });
    expect(tokens.token.scope).toBe('records:read');
    const refreshed = await tokens.refresh({ scope: 'records:read' });
    await refreshed.revokeAll();
    expect(await introspect(server.issuer, String(refreshed.token.access_token))).toEqual({ active: false });
  });

  it('gets a token for a machine', async () => {
    const grant = new ClientCredentials(settings(DEMO_MACHINE, method));
    const { token } = await grant.getToken({ scope: 'records:read' });
    expect(token).toMatchObject({ token_type: 'Bearer', scope: 'records:read' });
  });

  it('is told what was wrong', async () => {
    const grant = new ClientCredentials(settings({ ...DEMO_MACHINE, secret: 'another' }, method));
    const refusal = { output: { statusCode: 401 }, data: { payload: { error: 'invalid_client' } } };
    await expect(grant.getToken({})).rejects.toMatchObject(refusal);
  });
});
