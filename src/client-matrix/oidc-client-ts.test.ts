/** oidc-client-ts 3 without a browser: what of it needs no window. e2e/oidc-client-ts.spec.ts has the rest. */
import { InMemoryWebStorage, UserManager, WebStorageStateStore } from 'oidc-client-ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../testing/authorization-server.ts';
import { DEMO_PASSWORD_CLIENT, introspect } from '../testing/relying-party.ts';
import { DEMO_PASSWORD } from '../testing/user-agent.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

describe('oidc-client-ts', () => {
  it('gets tokens for a password, reads userinfo, refreshes and revokes them', async () => {
    const manager = new UserManager({
      authority: server.issuer,
      client_id: DEMO_PASSWORD_CLIENT.clientId,
      client_secret: DEMO_PASSWORD_CLIENT.secret,
      redirect_uri: 'http://localhost:3002/unused',
      scope: 'openid profile records:read',
      loadUserInfo: true,
      userStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
      stateStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
      revokeTokenTypes: ['refresh_token'],
    });
    const credentials = { username: 'alice@example.com', password: DEMO_PASSWORD };
    const signedIn = await manager.signinResourceOwnerCredentials(credentials);
    expect(signedIn.profile).toMatchObject({ aud: DEMO_PASSWORD_CLIENT.clientId, name: 'Alice Archer' });
    const refreshed = await manager.signinSilent();
    const accessToken = refreshed?.access_token ?? '';
    expect(accessToken).not.toBe(signedIn.access_token);
    expect(await introspect(server.issuer, accessToken)).toMatchObject({ active: true });
    await manager.revokeTokens();
    expect(await introspect(server.issuer, accessToken)).toEqual({ active: false });
  });
});
