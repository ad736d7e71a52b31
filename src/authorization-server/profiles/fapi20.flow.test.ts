/** FAPI 2.0 Security Profile §5.3.2, at a server of that profile. The client is oauth4webapi: PAR, DPoP, private_key_jwt. */
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { signAssertion } from '../../testing/client-assertion.ts';
import {
  createRelyingParty,
  DEMO_MACHINE,
  DEMO_PASSWORD_CLIENT,
  DEMO_SPA,
  DEMO_WEB,
  encode,
  introspect,
  type Parameters,
  send,
} from '../../testing/relying-party.ts';
import { type ClientKey, createClientKey } from '../../testing/request-object.ts';
import { UserAgent } from '../../testing/user-agent.ts';

const SHOP: oauth.Client = { client_id: 'fapi-shop' };
const REDIRECT_URI = 'https://shop.example.com/callback';
const insecure = { [oauth.allowInsecureRequests]: true };

let server: TestServer;
let metadata: oauth.AuthorizationServer;
let keys: Record<'ES256' | 'PS256' | 'RS256', ClientKey>;
beforeAll(async () => {
  server = await startTestServer({
    // Longer than the profile allows.
    config: (config) => ({
      ...config,
      profile: 'fapi-2.0',
      lifetimes: { ...config.lifetimes, authorizationCode: 600 },
    }),
  });
  const [es256, ps256, rs256] = await Promise.all(['ES256', 'PS256', 'RS256'].map((alg) => createClientKey(alg)));
  keys = { ES256: es256 as ClientKey, PS256: ps256 as ClientKey, RS256: rs256 as ClientKey };
  const shop = {
    client_id: SHOP.client_id,
    client_name: 'Shop',
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: Object.values(keys).map(({ jwk }) => jwk) },
    redirect_uris: [REDIRECT_URI],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    scope: 'openid records:read',
  };
  await server.apply({
    clients: [
      shop,
      { ...shop, client_id: 'plain-redirect', redirect_uris: ['http://localhost:3002/callback'] },
      { ...shop, client_id: 'old-alg', id_token_signed_response_alg: 'RS256' },
    ],
  });
  const issuer = new URL(server.issuer);
  metadata = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
});
afterAll(() => server.stop());

const signedBy = (alg: keyof typeof keys = 'ES256') =>
  oauth.PrivateKeyJwt({ key: keys[alg].privateKey, kid: keys[alg].jwk.kid ?? '' });

async function startRequest(parameters: Parameters = {}) {
  const dpop = oauth.DPoP(SHOP, await oauth.generateKeyPair('ES256'));
  const verifier = oauth.generateRandomCodeVerifier();
  const request = encode({
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope: 'openid records:read',
    state: 'a-state',
    nonce: 'a-nonce',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...parameters,
  });
  const push = () => oauth.pushedAuthorizationRequest(metadata, SHOP, signedBy(), request, { ...insecure, DPoP: dpop });
  const first = await push();
  // A nonce of the server's may be wanted first (RFC 9449 §8).
  const response = first.status === 400 && first.headers.has('dpop-nonce') ? await push() : first;
  return { dpop, verifier, response };
}

async function authorize() {
  const { dpop, verifier, response } = await startRequest();
  const { request_uri } = await oauth.processPushedAuthorizationResponse(metadata, SHOP, response);
  const url = `${metadata.authorization_endpoint}?${encode({ client_id: SHOP.client_id, request_uri })}`;
  const callback = await new UserAgent(server.issuer).authorize(url);
  return { dpop, verifier, callback, parameters: oauth.validateAuthResponse(metadata, SHOP, callback, 'a-state') };
}

async function obtainTokens() {
  const { dpop, verifier, parameters } = await authorize();
  const response = await oauth.authorizationCodeGrantRequest(
    metadata,
    SHOP,
    signedBy(),
    parameters,
    REDIRECT_URI,
    verifier,
    {
      ...insecure,
      DPoP: dpop,
    },
  );
  const options = { expectedNonce: 'a-nonce', requireIdToken: true };
  return { dpop, tokens: await oauth.processAuthorizationCodeResponse(metadata, SHOP, response, options) };
}

/** A token request that authenticates as the shop, with nothing but what is given. */
async function tokenRequest(
  parameters: Parameters,
  alg: keyof typeof keys = 'ES256',
  claims: Record<string, unknown> = {},
) {
  const assertion = await signAssertion({ issuer: server.issuer, clientId: SHOP.client_id, key: keys[alg] }, claims);
  return send(server.url('/token'), { method: 'POST', body: encode({ ...assertion, ...parameters }) });
}

const MACHINE = { grant_type: 'client_credentials', scope: 'records:read' };

describe('a client of the profile', () => {
  it('pushes its request, proves its key, and gets tokens that are bound to it', async () => {
    const { dpop, tokens } = await obtainTokens();
    expect(tokens.token_type).toBe('dpop');
    const [header] = (tokens.id_token ?? '').split('.');
    expect(JSON.parse(Buffer.from(header ?? '', 'base64url').toString()).alg).toBe('ES256');
    const userinfo = await oauth.userInfoRequest(metadata, SHOP, tokens.access_token, { ...insecure, DPoP: dpop });
    expect(userinfo.status).toBe(200);
    expect(await introspect(server.issuer, tokens.access_token)).toMatchObject({ active: true, token_type: 'DPoP' });
  });

  it('keeps its refresh token, which goes on to work after a refresh (§5.3.2.1, no rotation)', async () => {
    const { dpop, tokens } = await obtainTokens();
    const { refresh_token = '' } = tokens;
    for (let time = 0; time < 3; time += 1) {
      const request = [metadata, SHOP, signedBy(), refresh_token, { ...insecure, DPoP: dpop }] as const;
      const response = await oauth.refreshTokenGrantRequest(...request);
      const refreshed = await oauth.processRefreshTokenResponse(metadata, SHOP, response);
      expect(refreshed.refresh_token).toBe(refresh_token);
      expect(refreshed.access_token).not.toBe(tokens.access_token);
    }
  });

  it('C24: has 60 seconds for its code, whatever the configuration says', async () => {
    await authorize();
    const { rows } = await server.pool.query(
      "select payload from tokens where kind = 'AuthorizationCode' and consumed_at is null",
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const { payload } of rows) {
      const { iat, exp } = JSON.parse(payload);
      expect(exp - iat).toBe(60);
    }
  });

  it.each(['ES256', 'PS256'] as const)('may sign with %s', async (alg) => {
    // Authenticated, and told what is missing.
    expect((await tokenRequest(MACHINE, alg)).body.error).not.toBe('invalid_client');
  });
});

describe('refused is', () => {
  it('a request that was not pushed', async () => {
    const rp = createRelyingParty(server.issuer, { clientId: SHOP.client_id, redirectUri: REDIRECT_URI });
    const { url } = await new UserAgent(server.issuer).get(rp.authorizationUrl({ scope: 'openid' }));
    expect(new URL(url).searchParams.get('error')).toBe('invalid_request');
  });

  it.each<[string, Parameters]>([
    ['without PKCE', { code_challenge: undefined, code_challenge_method: undefined }],
    ['without redirect_uri', { redirect_uri: undefined }],
    ['for another response type', { response_type: 'code id_token' }],
    ['for a token in the front channel', { response_type: 'token' }],
  ])('a pushed request %s', async (_, parameters) => {
    const { response } = await startRequest(parameters);
    expect(response.status).toBe(400);
    expect(['invalid_request', 'unsupported_response_type']).toContain((await response.json()).error);
  });

  it('a token request without a proof of the key', async () => {
    const answer = await tokenRequest(MACHINE);
    expect(answer.status).toBe(400);
    expect(answer.body.access_token).toBeUndefined();
    expect(['invalid_grant', 'invalid_request', 'invalid_dpop_proof']).toContain(answer.body.error);
  });

  it.each<[string, keyof typeof keys, Record<string, unknown>]>([
    ['signed with RS256', 'RS256', {}],
    ['for the token endpoint', 'ES256', { aud: 'token endpoint' }],
    ['for the issuer in a list', 'ES256', { aud: ['issuer'] }],
  ])('C46: an assertion %s', async (_, alg, claims) => {
    const audiences: Record<string, unknown> = { 'token endpoint': server.url('/token'), issuer: [server.issuer] };
    const aud = claims.aud === undefined ? server.issuer : audiences[String(claims.aud)];
    const answer = await tokenRequest(MACHINE, alg, { aud });
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  it('a client with a secret, at every grant that it is registered for', async () => {
    const answer = await createRelyingParty(server.issuer, DEMO_MACHINE).requestToken(MACHINE);
    expect(answer).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
    expect(answer.body.error_description).toContain('token_endpoint_auth_method');
    expect(answer.body.error_description).toContain('fapi-2.0');
  });

  it.each([DEMO_WEB, DEMO_SPA, { clientId: 'plain-redirect', redirectUri: 'http://localhost:3002/callback' }])(
    'an authorization request of $clientId',
    async (client) => {
      const { url } = await new UserAgent(server.issuer).get(
        createRelyingParty(server.issuer, client).authorizationUrl(),
      );
      expect(['invalid_request', 'unauthorized_client']).toContain(new URL(url).searchParams.get('error'));
    },
  );

  it('a client that wants its ID tokens signed with RS256', async () => {
    const assertion = await signAssertion({ issuer: server.issuer, clientId: 'old-alg', key: keys.ES256 });
    const answer = await send(server.url('/token'), { method: 'POST', body: encode({ ...assertion, ...MACHINE }) });
    expect(answer).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
  });

  it('the password grant', async () => {
    const answer = await createRelyingParty(server.issuer, DEMO_PASSWORD_CLIENT).requestToken({
      grant_type: 'password',
    });
    expect(answer).toMatchObject({ status: 400, body: { error: 'unsupported_grant_type' } });
  });
});

describe('C90: the metadata', () => {
  it('says what the profile asks for, and nothing that it forbids', () => {
    expect(metadata).toMatchObject({
      response_types_supported: ['code'],
      require_pushed_authorization_requests: true,
      id_token_signing_alg_values_supported: ['ES256'],
      authorization_response_iss_parameter_supported: true,
    });
    const allowed = ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'];
    expect(allowed).toEqual(expect.arrayContaining(metadata.token_endpoint_auth_methods_supported ?? ['none']));
    for (const [member, value] of Object.entries(metadata)) {
      expect(member.includes('signing_alg') ? value : [], member).not.toContain('RS256');
    }
  });

  it('lets a resource server that only introspects go on with its secret', () => {
    expect(metadata.introspection_endpoint_auth_methods_supported).toContain('client_secret_basic');
  });
});
