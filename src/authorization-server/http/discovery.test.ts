import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { CAPABLE, CAPABLE_REGISTRATION, readMetadata, type ServerMetadata } from '../../testing/capable-client.ts';
import { signAssertion } from '../../testing/client-assertion.ts';
import {
  ALICE,
  basicAuth,
  createRelyingParty,
  DEMO_SPA,
  DEMO_WEB,
  encode,
  introspect,
  type Parameters,
  type RelyingParty,
  send,
  tokensOf,
} from '../../testing/relying-party.ts';
import { createClientKey } from '../../testing/request-object.ts';
import { UserAgent } from '../../testing/user-agent.ts';

let server: TestServer;
let metadata: ServerMetadata;
let capable: RelyingParty;
let browser: UserAgent;
beforeAll(async () => {
  server = await startTestServer();
  await server.apply({
    clients: [
      CAPABLE_REGISTRATION,
      { ...CAPABLE_REGISTRATION, client_id: 'es256', id_token_signed_response_alg: 'ES256' },
      { ...CAPABLE_REGISTRATION, client_id: 'post', token_endpoint_auth_method: 'client_secret_post' },
    ],
  });
  metadata = await readMetadata(server);
  capable = createRelyingParty(server.issuer, CAPABLE);
});
afterAll(() => server.stop());
beforeEach(() => {
  browser = new UserAgent(server.issuer);
});

/** The parameters of the authorization response, wherever they are. */
async function authorize(parameters: Parameters, rp = capable): Promise<Record<string, string>> {
  const request = rp.authorizationUrl({ scope: 'openid', nonce: 'a-nonce', ...parameters });
  const { hash, searchParams } = await browser.authorize(request, ALICE);
  return Object.fromEntries(hash === '' ? searchParams : new URLSearchParams(hash.slice(1)));
}

async function verified(idToken: string, clientId = CAPABLE.clientId) {
  const keys = createRemoteJWKSet(new URL(metadata.jwks_uri));
  return jwtVerify(idToken, keys, { issuer: server.issuer, audience: clientId });
}

const CREDENTIALS = { username: ALICE.email, password: 'correct-horse-battery-staple' };

/** What this file, advertised-responses.test.ts and the tests of the flows exercise. Whatever else is advertised one day wants a test here. */
const EXERCISED = [
  'authorization_details_types_supported',
  'authorization_encryption_alg_values_supported',
  'authorization_encryption_enc_values_supported',
  'authorization_endpoint',
  'authorization_response_iss_parameter_supported',
  'authorization_signing_alg_values_supported',
  'backchannel_logout_session_supported',
  'backchannel_logout_supported',
  'claim_types_supported',
  'claims_parameter_supported',
  'claims_supported',
  'client_id_metadata_document_supported',
  'code_challenge_methods_supported',
  'end_session_endpoint',
  'grant_types_supported',
  'id_token_encryption_alg_values_supported',
  'id_token_encryption_enc_values_supported',
  'id_token_signing_alg_values_supported',
  'introspection_encryption_alg_values_supported',
  'introspection_encryption_enc_values_supported',
  'introspection_endpoint',
  'introspection_signing_alg_values_supported',
  'issuer',
  'jwks_uri',
  'pushed_authorization_request_endpoint',
  'registration_endpoint',
  'request_object_encryption_alg_values_supported',
  'request_object_encryption_enc_values_supported',
  'request_object_signing_alg_values_supported',
  'request_parameter_supported',
  'request_uri_parameter_supported',
  'response_modes_supported',
  'response_types_supported',
  'revocation_endpoint',
  'scopes_supported',
  'subject_types_supported',
  'token_endpoint',
  'token_endpoint_auth_methods_supported',
  'token_endpoint_auth_signing_alg_values_supported',
  'userinfo_encryption_alg_values_supported',
  'userinfo_encryption_enc_values_supported',
  'userinfo_endpoint',
  'userinfo_signing_alg_values_supported',
];

describe('the discovery document', () => {
  it('C90: advertises what is exercised here, and nothing else', () => {
    expect(Object.keys(metadata).sort()).toEqual(EXERCISED);
  });

  it('C90: is the same for OpenID Connect and for OAuth 2.0', async () => {
    expect((await send(server.url('/.well-known/oauth-authorization-server'))).body).toEqual(metadata);
    expect(metadata.issuer).toBe(server.issuer);
  });

  it('C90: names endpoints that are there', async () => {
    const endpoints = Object.entries(metadata).filter(([name]) => /_endpoint$|_uri$/.test(name));
    expect(endpoints.length).toBeGreaterThan(5);
    for (const [, url] of endpoints) {
      expect(url).toMatch(new RegExp(`^${server.issuer}/`));
      expect((await send(url, { method: 'OPTIONS' })).status).toBe(204);
    }
  });
});

describe('grant types', () => {
  const exercise: Record<string, () => Promise<unknown>> = {
    authorization_code: () => capable.obtainTokens({ scope: 'openid' }),
    implicit: async () => expect((await authorize({ response_type: 'token' })).access_token).toBeTruthy(),
    client_credentials: async () =>
      tokensOf(await capable.requestToken({ grant_type: 'client_credentials', scope: 'records:read' })),
    password: async () =>
      tokensOf(await capable.requestToken({ grant_type: 'password', ...CREDENTIALS, scope: 'records:read' })),
    refresh_token: async () =>
      tokensOf(await capable.refresh((await capable.obtainTokens({ scope: 'openid' })).refresh_token)),
  };

  it('C90: each that is advertised works', async () => {
    expect([...metadata.grant_types_supported].sort()).toEqual(Object.keys(exercise).sort());
    for (const grantType of metadata.grant_types_supported) {
      await exercise[grantType]?.();
    }
  });

  it.each([
    'urn:ietf:params:oauth:grant-type:device_code',
    'urn:ietf:params:oauth:grant-type:token-exchange',
    'urn:ietf:params:oauth:grant-type:jwt-bearer',
    'urn:openid:params:grant-type:ciba',
    'implicit',
    'nonsense',
    '__proto__',
    'constructor',
  ])('C90: %s is not a grant type of the token endpoint', async (grant_type) => {
    const answer = await capable.requestToken({ grant_type });
    expect(answer).toMatchObject({ status: 400, body: { error: 'unsupported_grant_type' } });
  });
});

const KEY_CLIENT = {
  client_id: 'signing',
  token_endpoint_auth_method: 'private_key_jwt',
  grant_types: ['client_credentials'],
  scope: 'records:read',
};

describe('client authentication', () => {
  const grant = { grant_type: 'client_credentials', scope: 'records:read' };
  const token = (parameters: Parameters, headers: Record<string, string> = {}) =>
    send(metadata.token_endpoint, { method: 'POST', headers, body: encode({ ...grant, ...parameters }) });

  it('C90: each advertised method works', async () => {
    expect([...metadata.token_endpoint_auth_methods_supported].sort()).toEqual([
      'client_secret_basic',
      'client_secret_post',
      'none',
      'private_key_jwt',
    ]);
    const basic = { authorization: basicAuth(CAPABLE.clientId, CAPABLE.secret) };
    expect((await token({}, basic)).status).toBe(200);
    expect((await token({ client_id: 'post', client_secret: CAPABLE.secret })).status).toBe(200);
    const key = await createClientKey();
    await server.apply({ clients: [{ ...KEY_CLIENT, jwks: { keys: [key.jwk] } }] });
    const assertion = await signAssertion({ issuer: server.issuer, clientId: KEY_CLIENT.client_id, key });
    expect((await token(assertion)).status).toBe(200);
    expect((await createRelyingParty(server.issuer, DEMO_SPA).obtainTokens({ scope: 'openid' })).id_token).toBeTruthy();
  });

  it('C90: an assertion by a secret, or none at all, is no way to authenticate', async () => {
    const assertion = {
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: `${btoa('{"alg":"HS256"}')}.${btoa('{"sub":"capable","iss":"capable"}')}.AAAA`,
    };
    for (const parameters of [assertion, { client_id: 'capable', ...assertion }, { client_id: 'capable' }]) {
      const { status, body } = await token(parameters);
      expect([400, 401]).toContain(status);
      expect(['invalid_client', 'invalid_request']).toContain(body.error);
    }
  });
});

describe('scopes and claims', () => {
  it('C90: each advertised scope can be granted', async () => {
    for (const scope of metadata.scopes_supported) {
      const asked = scope === 'openid' ? 'openid' : `openid ${scope}`;
      const { access_token } = await capable.obtainTokens({ scope: asked, prompt: 'consent' });
      expect((await introspect(server.issuer, access_token, CAPABLE)).scope).toBe(asked);
    }
    expect((await authorize({ scope: 'door', nonce: undefined })).error).toBe('invalid_scope');
  });

  it('C90: each advertised claim is there to be had', async () => {
    const scope = metadata.scopes_supported.join(' ');
    const tokens = await capable.obtainTokens({ scope, prompt: 'consent', max_age: '100' });
    const headers = { authorization: `Bearer ${tokens.access_token}` };
    const userinfo = (await send(metadata.userinfo_endpoint, { headers })).body;
    const { payload } = await verified(tokens.id_token);
    const claims = { ...payload, ...userinfo };
    for (const claim of metadata.claims_supported) {
      expect(claims, claim).toHaveProperty(claim);
    }
    expect(metadata.claim_types_supported).toEqual(['normal']);
  });

  it('C90: subjects are public unless a client is registered otherwise: the same for every client', async () => {
    expect(metadata.subject_types_supported).toEqual(['public', 'pairwise']);
    const tokens = [
      await capable.obtainTokens({ scope: 'openid' }),
      await createRelyingParty(server.issuer, DEMO_WEB).obtainTokens({ scope: 'openid' }),
    ];
    const [one, two] = await Promise.all(
      tokens.map((set, index) => verified(set.id_token, ['capable', 'demo-web'][index])),
    );
    expect(one?.payload.sub).toBe(two?.payload.sub);
  });
});

describe('keys and algorithms', () => {
  it('C75: each advertised algorithm signs for the client that registered it, and `none` for nobody', async () => {
    expect(metadata.id_token_signing_alg_values_supported).toEqual(['RS256', 'ES256']);
    const es256 = createRelyingParty(server.issuer, { ...CAPABLE, clientId: 'es256' });
    for (const [rp, alg] of [
      [capable, 'RS256'],
      [es256, 'ES256'],
    ] as const) {
      const { id_token } = await rp.obtainTokens({ scope: 'openid' });
      expect((await verified(id_token, rp.client.clientId)).protectedHeader.alg).toBe(alg);
      expect(decodeProtectedHeader((await authorize({ response_type: 'id_token' }, rp)).id_token ?? '').alg).toBe(alg);
    }
    for (const alg of ['none', 'HS256', 'PS256']) {
      const registration = { ...CAPABLE_REGISTRATION, client_id: 'other-alg', id_token_signed_response_alg: alg };
      await expect(server.apply({ clients: [registration] })).rejects.toThrow(/id_token_signed_response_alg/);
    }
  });

  it.each(['/jwks', '/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'])(
    'C73: %s may be kept for five minutes, by anyone',
    async (path) => {
      expect((await fetch(server.url(path))).headers.get('cache-control')).toBe('public, max-age=300');
    },
  );

  it('C71: the keys are public parts only, each with its own id', async () => {
    const { headers, text } = await send(metadata.jwks_uri);
    expect(headers.get('content-type')).toMatch('application/jwk-set+json');
    const { keys }: { keys: Record<string, string>[] } = JSON.parse(text);
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(keys.length);
    for (const key of keys) {
      const allowed = key.kty === 'RSA' ? ['n', 'e'] : ['crv', 'x', 'y'];
      expect(Object.keys(key).sort()).toEqual(['kty', 'use', 'alg', 'kid', ...allowed].sort());
    }
    expect(keys.map(({ use, alg }) => `${use} ${alg}`).sort()).toEqual(['enc ECDH-ES', 'sig ES256', 'sig RS256']);
  });

  it('C74: every node publishes the same keys', async () => {
    const node = await server.addNode();
    expect((await send(`${node}/jwks`)).text).toBe((await send(metadata.jwks_uri)).text);
  });
});
