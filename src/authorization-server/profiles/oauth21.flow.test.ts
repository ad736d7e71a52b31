import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { CAPABLE, CAPABLE_REGISTRATION, readMetadata } from '../../testing/capable-client.ts';
import {
  ALICE,
  createRelyingParty,
  DEMO_IMPLICIT,
  DEMO_PASSWORD_CLIENT,
  type RelyingParty,
  tokensOf,
} from '../../testing/relying-party.ts';
import { UserAgent } from '../../testing/user-agent.ts';

const PROFILES = ['oauth-2.1', 'mcp'] as const;
const LAX_CLIENT = { ...CAPABLE, clientId: 'held-to-more' };
const APP = { clientId: 'app', redirectUri: 'http://127.0.0.1:49152/callback' };
const APP_REGISTRATION = {
  client_id: APP.clientId,
  client_name: 'App',
  token_endpoint_auth_method: 'none',
  redirect_uris: ['http://127.0.0.1/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  scope: 'openid records:read',
};

const credentials = { username: ALICE.email, password: 'correct-horse-battery-staple' };

/** Where the browser ends up without having been asked anything. */
async function answerTo(request: string, issuer: string): Promise<Record<string, string>> {
  const { url } = await new UserAgent(issuer).get(request);
  const { searchParams, hash } = new URL(url);
  return Object.fromEntries(hash === '' ? searchParams : new URLSearchParams(hash.slice(1)));
}

describe.each(PROFILES)('a server of the profile %s', (profile) => {
  let server: TestServer;
  let capable: RelyingParty;
  beforeAll(async () => {
    server = await startTestServer({ config: (config) => ({ ...config, profile }) });
    await server.apply({ clients: [CAPABLE_REGISTRATION, APP_REGISTRATION] });
    capable = createRelyingParty(server.issuer, CAPABLE);
  });
  afterAll(() => server.stop());

  it('C90: advertises neither the implicit nor the password grant, and no response type but code', async () => {
    const metadata = await readMetadata(server);
    expect(metadata.response_types_supported).toEqual(['code']);
    expect(metadata.grant_types_supported).toContain('authorization_code');
    expect(metadata.grant_types_supported).not.toContain('implicit');
    expect(metadata.grant_types_supported).not.toContain('password');
  });

  it('C90: refuses the password grant also to a client that is registered for it', async () => {
    for (const client of [capable, createRelyingParty(server.issuer, DEMO_PASSWORD_CLIENT)]) {
      const answer = await client.requestToken({ grant_type: 'password', ...credentials, scope: 'records:read' });
      expect(answer).toMatchObject({ status: 400, body: { error: 'unsupported_grant_type' } });
    }
  });

  it.each(['token', 'id_token', 'id_token token', 'code id_token', 'code token', 'code id_token token'])(
    'C90: refuses response_type=%s also to a client that is registered for it',
    async (response_type) => {
      for (const rp of [capable, createRelyingParty(server.issuer, DEMO_IMPLICIT)]) {
        const request = rp.authorizationUrl({ response_type, nonce: 'a-nonce', scope: 'openid' });
        expect((await answerTo(request, server.issuer)).error).toBe('unsupported_response_type');
      }
    },
  );

  it('C16: wants PKCE of a confidential client too', async () => {
    const request = capable.authorizationUrl({ code_challenge: undefined, code_challenge_method: undefined });
    const { error, error_description } = await answerTo(request, server.issuer);
    expect(error).toBe('invalid_request');
    expect(error_description).toContain('PKCE');
  });

  it('serves the grants that are left to the very same client', async () => {
    const { refresh_token } = await capable.obtainTokens({ scope: 'openid records:read' });
    const refreshed = tokensOf(await capable.refresh(refresh_token));
    expect(refreshed.refresh_token).not.toBe(refresh_token);
    tokensOf(await capable.requestToken({ grant_type: 'client_credentials', scope: 'records:read' }));
  });

  it('C4: lets a public client on loopback listen at any port when the profile is for clients of that kind', async () => {
    const app = createRelyingParty(server.issuer, APP);
    if (profile === 'mcp') {
      expect((await app.authorize({ scope: 'openid' })).callback.port).toBe('49152');
      const elsewhere = app.authorizationUrl({ redirect_uri: 'http://127.0.0.1:49152/elsewhere' });
      expect(await new UserAgent(server.issuer).get(elsewhere)).toMatchObject({ status: 400 });
    } else {
      expect(await new UserAgent(server.issuer).get(app.authorizationUrl())).toMatchObject({ status: 400 });
    }
  });
});

describe('a client held to oauth-2.1 by its registration at a server of rfc6749', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
    const { grant_types: _, response_types: __, ...registration } = CAPABLE_REGISTRATION;
    const grant_types = ['authorization_code', 'refresh_token'];
    await server.apply({
      clients: [
        { ...registration, client_id: LAX_CLIENT.clientId, grant_types, profile: 'oauth-2.1' },
        { ...registration, client_id: 'lax', grant_types },
      ],
    });
  });
  afterAll(() => server.stop());

  const noPkce = { code_challenge: undefined, code_challenge_method: undefined, scope: 'openid' };

  it('C16: must use PKCE, which its neighbour need not', async () => {
    const held = createRelyingParty(server.issuer, LAX_CLIENT);
    expect((await answerTo(held.authorizationUrl(noPkce), server.issuer)).error).toBe('invalid_request');
    expect((await held.obtainTokens({ scope: 'openid' })).id_token).toBeTruthy();
    const lax = createRelyingParty(server.issuer, { ...CAPABLE, clientId: 'lax' });
    expect((await new UserAgent(server.issuer).authorize(lax.authorizationUrl(noPkce))).searchParams.has('code')).toBe(
      true,
    );
  });

  it('cannot be registered for what that profile forbids', async () => {
    const registration = { ...CAPABLE_REGISTRATION, client_id: 'contradiction', profile: 'oauth-2.1' };
    await expect(server.apply({ clients: [registration] })).rejects.toThrow(
      /has password, which oauth-2.1 does not allow/,
    );
  });

  it('C12: gets nothing that its profile forbids when its row was changed behind the server', async () => {
    await server.pool.query(
      `update clients set metadata = metadata || '{"grant_types": ["authorization_code", "password", "implicit"], "response_types": ["code", "token"]}'
        where client_id = $1`,
      [LAX_CLIENT.clientId],
    );
    const held = createRelyingParty(server.issuer, LAX_CLIENT);
    const answer = await held.requestToken({ grant_type: 'password', ...credentials });
    expect(answer).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
    const request = held.authorizationUrl({ response_type: 'token', scope: 'openid' });
    expect((await answerTo(request, server.issuer)).error).toBe('unauthorized_client');
  });
});
