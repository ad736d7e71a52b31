import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openidClient from 'openid-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { postAtOnce } from '../../../testing/at-once.ts';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import {
  basicAuth,
  createRelyingParty,
  DEMO_WEB,
  introspect,
  type Parameters,
  revoke,
  type TestClient,
  tokensOf,
} from '../../../testing/relying-party.ts';

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const API = 'http://localhost:3001';
const PARTNER = { clientId: 'partner', secret: 'partner-secret' };
const STRANGER = { clientId: 'stranger', secret: 'stranger-secret' };
const PUBLIC = { clientId: 'partner-app' };
const ISSUER = 'https://idp.partner.example';
const INACTIVE = { active: false };

let server: TestServer;
let otherNode: string;
let keys: Awaited<ReturnType<typeof generateKeyPair>>;
let published: Awaited<ReturnType<typeof publish>>;
beforeAll(async () => {
  server = await startTestServer();
  otherNode = await server.addNode();
  keys = await generateKeyPair('ES256');
  const jwk = await publicJwk();
  published = await publish(jwk);
  const client = { grant_types: [JWT_BEARER], scope: 'openid records:read records:write blobs:read' };
  const believed = {
    jwks: { keys: [jwk] },
    clients: ['partner', 'partner-app'],
    scopes: ['records:read', 'blobs:read'],
  };
  await server.apply({
    clients: [
      { client_id: PARTNER.clientId, client_secret: PARTNER.secret, ...client, default_scope: 'records:read' },
      { client_id: STRANGER.clientId, client_secret: STRANGER.secret, ...client },
      { client_id: PUBLIC.clientId, token_endpoint_auth_method: 'none', ...client },
    ],
    trustedIssuers: [
      { issuer: ISSUER, ...believed },
      { issuer: 'by-address', ...believed, jwks: undefined, jwks_uri: published.url, subject: 'sub-email' },
      { issuer: 'out-of-reach', ...believed, jwks: undefined, jwks_uri: 'http://localhost:9/jwks' },
      { issuer: 'by-account', ...believed, subject: 'sub-account-id' },
      { issuer: 'for-machines', ...believed, subject: 'client' },
    ],
  });
});
afterAll(async () => {
  await published.stop();
  await server.stop();
});
beforeEach(() => server.pool.query('update accounts set disabled_at = null'));

async function publicJwk(): Promise<JWK> {
  return { ...(await exportJWK(keys.publicKey)), kid: 'the-key', alg: 'ES256' };
}

/** A key set at an address of its own. */
async function publish(jwk: JWK) {
  let asked = 0;
  const site = createServer((_request, response) => {
    asked += 1;
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [jwk] }));
  });
  site.listen(0, 'localhost');
  await once(site, 'listening');
  return {
    url: `http://localhost:${(site.address() as AddressInfo).port}/jwks`,
    asked: () => asked,
    async stop() {
      site.close();
      site.closeAllConnections();
    },
  };
}

let counter = 0;
const now = () => Math.floor(Date.now() / 1000);

type Claims = Readonly<Record<string, unknown>>;

async function assertionOf(claims: Claims = {}, header: object = {}, key: CryptoKey | Uint8Array = keys.privateKey) {
  counter += 1;
  const usual = { iss: ISSUER, sub: 'their-id', email: 'alice@example.com', aud: server.issuer, exp: now() + 60 };
  return new SignJWT({ ...usual, jti: `assertion-${counter}`, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'the-key', ...header })
    .sign(key);
}

const party = (client: TestClient) => createRelyingParty(server.issuer, client);
const request = (assertion: string, parameters: Parameters = {}, client: TestClient = PARTNER) =>
  party(client).requestToken({ grant_type: JWT_BEARER, assertion, ...parameters });

describe('JWT bearer grant (RFC 7523 §2.1)', () => {
  it('gives a client of a trusted issuer an access token for the account that the assertion names', async () => {
    const { status, headers, body } = await request(await assertionOf(), { scope: 'records:read blobs:read' });
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: expect.any(Number),
      scope: 'records:read blobs:read',
    });
    expect(await introspect(otherNode, String(body.access_token))).toMatchObject({
      active: true,
      client_id: 'partner',
      username: 'alice@example.com',
      aud: API,
      scope: 'records:read blobs:read',
    });
  });

  it('knows the account by what the issuer names it by', async () => {
    const { access_token } = tokensOf(await request(await assertionOf()));
    const { sub } = await introspect(server.issuer, access_token);
    for (const claims of [
      { iss: 'by-address', sub: 'Alice@Example.com', email: undefined },
      { iss: 'by-account', sub: String(sub), email: 'guest@example.com' },
    ]) {
      const tokens = tokensOf(await request(await assertionOf(claims)));
      expect(await introspect(server.issuer, tokens.access_token)).toMatchObject({ active: true, sub });
    }
  });

  it('lets the client act for itself where the issuer vouches for that alone', async () => {
    const assertion = await assertionOf({ iss: 'for-machines', email: undefined });
    const { access_token } = tokensOf(await request(assertion, { scope: 'records:read' }));
    const said = await introspect(server.issuer, access_token);
    expect(said).toMatchObject({ active: true, client_id: 'partner', scope: 'records:read' });
    expect(said).not.toHaveProperty('sub');
    const { body } = await request(await assertionOf({ iss: 'for-machines' }), { scope: 'records:read' }, PUBLIC);
    expect(body.error).toBe('unauthorized_client');
  });

  it('takes the token endpoint for an audience too, beside others', async () => {
    const aud = ['https://elsewhere.example', server.url('/token')];
    expect((await request(await assertionOf({ aud }))).status).toBe(200);
  });

  it('fetches the keys of an issuer once, and says 503 when they are out of reach', async () => {
    const before = published.asked();
    await request(await assertionOf({ iss: 'by-address', sub: 'alice@example.com' }));
    await request(await assertionOf({ iss: 'by-address', sub: 'alice@example.com' }));
    expect(published.asked() - before).toBeLessThanOrEqual(1);
    const { status, headers, body } = await request(await assertionOf({ iss: 'out-of-reach' }));
    expect({ status, error: body.error }).toEqual({ status: 503, error: 'temporarily_unavailable' });
    expect(headers.get('retry-after')).toBe('10');
  });

  it('lets openid-client and oauth4webapi use it', async () => {
    const config = await party(PARTNER).discover();
    const assertion = await assertionOf();
    const tokens = await openidClient.genericGrantRequest(config, JWT_BEARER, { assertion, scope: 'records:read' });
    expect(tokens.scope).toBe('records:read');
    const as = config.serverMetadata() as oauth.AuthorizationServer;
    const client = { client_id: PARTNER.clientId };
    const response = await oauth.genericTokenEndpointRequest(
      as,
      client,
      oauth.ClientSecretBasic(PARTNER.secret),
      JWT_BEARER,
      new URLSearchParams({ assertion: await assertionOf() }),
      { [oauth.allowInsecureRequests]: true },
    );
    expect(await oauth.processGenericTokenEndpointResponse(as, client, response)).toMatchObject({
      scope: 'records:read',
    });
    expect(as.grant_types_supported).toContain(JWT_BEARER);
  });
});

describe('an assertion', () => {
  it('is good once, on all nodes together', async () => {
    const assertion = await assertionOf();
    const urls = Array.from({ length: 10 }, (_, n) => new URL('/token', n % 2 ? otherNode : server.issuer).href);
    const headers = { authorization: basicAuth(PARTNER.clientId, PARTNER.secret) };
    const answers = await postAtOnce(urls, { grant_type: JWT_BEARER, assertion }, headers);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused.map(({ status, body }) => `${status} ${body.error}`)).toEqual(Array(9).fill('400 invalid_grant'));
    expect(refused[0]?.body.error_description).toMatch(/used already/);
  });

  it('is not used up by a request that is refused', async () => {
    const assertion = await assertionOf();
    expect((await request(assertion, { scope: 'fly' })).body.error).toBe('invalid_scope');
    expect((await request(assertion)).status).toBe(200);
  });

  it.each<[string, () => Claims, RegExp]>([
    ['without a subject', () => ({ sub: undefined }), /sub is missing/],
    ['with an empty subject', () => ({ sub: '' }), /sub is missing/],
    ['without an id', () => ({ jti: undefined }), /jti is missing/],
    ['without an expiry', () => ({ exp: undefined }), /exp must say/],
    ['that has expired', () => ({ exp: now() - 60 }), /expired/],
    ['good for a day', () => ({ exp: now() + 86_400 }), /longer than 3600/],
    ['good for a day, issued a day from now', () => ({ iat: now() + 86_400, exp: now() + 86_460 }), /future/],
    ['that is not good yet', () => ({ nbf: now() + 60 }), /nbf lies in the future/],
    ['without an audience', () => ({ aud: undefined }), /aud must be/],
    ['for somebody else', () => ({ aud: 'https://elsewhere.example' }), /aud must be/],
    ['for userinfo', () => ({ aud: server.url('/me') }), /aud must be/],
    ['of nobody', () => ({ iss: undefined }), /issuer .* not trusted/],
    ['of an issuer that is not known', () => ({ iss: 'https://elsewhere.example' }), /issuer .* not trusted/],
    ['of an issuer with a NUL in its name', () => ({ iss: 'a\0b' }), /issuer .* not trusted/],
    ['of this server', () => ({ iss: server.issuer }), /issuer .* not trusted/],
    ['about nobody', () => ({ email: 'nobody@example.com' }), /no account/],
    ['about an email that is none', () => ({ email: ['alice@example.com'] }), /no account/],
    ['without an email', () => ({ email: undefined }), /no account/],
    ['about an email that its issuer has not verified', () => ({ email_verified: false }), /no account/],
    ['about an account id with a NUL', () => ({ iss: 'by-account', sub: 'a\0b' }), /no account/],
  ])('%s is refused with invalid_grant, and a sentence that helps', async (_, claims, words) => {
    const { status, body } = await request(await assertionOf(claims()));
    expect({ status, ...body }).toEqual({
      status: 400,
      error: 'invalid_grant',
      error_description: expect.stringMatching(words),
    });
  });

  it('about a disabled account is refused in the same words as one about nobody', async () => {
    const disable = `update accounts set disabled_at = now() where email = 'alice@example.com' returning account_id`;
    const { rows } = await server.pool.query(disable);
    const nobody = await request(await assertionOf({ email: 'nobody@example.com' }));
    for (const claims of [{}, { iss: 'by-account', sub: rows[0].account_id }]) {
      const disabled = await request(await assertionOf(claims));
      expect([disabled.status, disabled.text]).toEqual([nobody.status, nobody.text]);
    }
  });

  it('is refused unless a key of its issuer signed it, with an algorithm of two keys', async () => {
    const [header = '', payload = '', signature = ''] = (await assertionOf()).split('.');
    const other = (await generateKeyPair('ES256')).privateKey;
    const none = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
    const altered = Buffer.from(JSON.stringify({ iss: ISSUER, sub: 'x', email: 'admin@example.com' }));
    for (const assertion of [
      await assertionOf({}, {}, other),
      await assertionOf({}, { kid: 'another' }),
      await assertionOf({}, { alg: 'HS256' }, new TextEncoder().encode(JSON.stringify(await publicJwk()))),
      `${none}.${payload}.`,
      `${header}.${altered.toString('base64url')}.${signature}`,
      'nonsense',
      '..',
      `${'x'.repeat(30_000)}`,
      'a\0b',
    ]) {
      const { status, body } = await request(assertion);
      expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_grant' });
    }
  });

  it('is refused where its issuer does not vouch for the client, as if the issuer were unknown', async () => {
    const answers = [
      await request(await assertionOf(), {}, STRANGER),
      await request(await assertionOf({ iss: 'https://elsewhere.example' }), {}, STRANGER),
    ];
    expect(answers[0]?.body.error).toBe('invalid_grant');
    expect(answers[0]?.text).toBe(answers[1]?.text);
  });

  it('C31: is of no use to a client without the grant type, or without its secret', async () => {
    const assertion = await assertionOf();
    expect((await request(assertion, {}, DEMO_WEB)).body.error).toBe('unauthorized_client');
    expect((await request(assertion, {}, { ...PARTNER, secret: 'wrong' })).status).toBe(401);
    expect((await request(assertion)).status).toBe(200);
  });

  it('must be there, once', async () => {
    for (const assertion of [undefined, '', ['a', 'b']]) {
      const { status, body } = await party(PARTNER).requestToken({ grant_type: JWT_BEARER, assertion });
      expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_request' });
      expect(body.error_description).toMatch(/assertion/);
    }
  });
});

describe('what it leads to', () => {
  it('is the default scope, and of the scopes asked for what issuer, client and roles all permit', async () => {
    expect(tokensOf(await request(await assertionOf())).scope).toBe('records:read');
    const all = { scope: 'openid records:read records:write blobs:read' };
    expect(tokensOf(await request(await assertionOf(), all)).scope).toBe('records:read blobs:read');
    const guest = await assertionOf({ email: 'guest@example.com' });
    expect(tokensOf(await request(guest, all)).scope).toBe('records:read');
    for (const [scope, words] of [
      ['records:write', /not allowed to the issuer of the assertion: records:write/],
      ['openid', /not allowed to the issuer of the assertion: openid/],
      ['blobs:write', /not allowed to this client: blobs:write/],
    ] as const) {
      const { body } = await request(await assertionOf(), { scope });
      expect(body).toMatchObject({ error: 'invalid_scope', error_description: expect.stringMatching(words) });
    }
    const machine = await assertionOf({ iss: 'for-machines' });
    expect((await request(machine, { scope: 'records:read records:write' })).body.error).toBe('invalid_scope');
  });

  it('leaves nothing behind that outlives the token', async () => {
    await request(await assertionOf());
    const { rows } = await server.pool.query<{ hours: number }>(
      `select extract(epoch from max(expires_at) - now())::float8 / 3600 as hours from artifacts where kind = 'Grant'`,
    );
    expect(rows[0]?.hours).toBeLessThan(3);
  });

  it('is for a resource server that is known', async () => {
    const { body } = await request(await assertionOf(), { resource: 'https://elsewhere.example' });
    expect(body.error).toBe('invalid_target');
  });

  it('C42: ends when it is revoked, when the account is disabled, and with its grant', async () => {
    const tokens: string[] = [];
    for (let count = 0; count < 3; count += 1) {
      tokens.push(tokensOf(await request(await assertionOf())).access_token);
    }
    await revoke(server.issuer, tokens[0] ?? '', PARTNER);
    expect(await introspect(otherNode, tokens[0] ?? '')).toEqual(INACTIVE);
    expect(await introspect(otherNode, tokens[1] ?? '')).toMatchObject({ active: true });
    await server.pool.query(`update accounts set disabled_at = now() where email = 'alice@example.com'`);
    expect(await introspect(otherNode, tokens[1] ?? '')).toEqual(INACTIVE);
    await server.pool.query('update accounts set disabled_at = null');
    await server.pool.query(`delete from artifacts where kind = 'Grant'`);
    expect(await introspect(otherNode, tokens[2] ?? '')).toEqual(INACTIVE);
  });

  it('ends no sooner and no later with its issuer: that one is not asked again, and gives no more', async () => {
    await server.apply({
      trustedIssuers: [
        { issuer: 'brief', jwks: { keys: [await publicJwk()] }, clients: ['partner'], scopes: ['records:read'] },
      ],
    });
    const { access_token } = tokensOf(await request(await assertionOf({ iss: 'brief' })));
    await server.pool.query(`delete from trusted_issuers where issuer = 'brief'`);
    expect((await request(await assertionOf({ iss: 'brief' }))).body.error).toBe('invalid_grant');
    expect(await introspect(server.issuer, access_token)).toMatchObject({ active: true });
  });
});

it('refuses in the directory what could not work', async () => {
  const entry = { issuer: 'wrong', clients: ['partner'], scopes: ['records:read'] };
  const jwk = await publicJwk();
  for (const [wrong, words] of [
    [entry, /jwks/],
    [{ ...entry, jwks: { keys: [jwk] }, jwks_uri: 'https://idp.example/jwks' }, /jwks/],
    [{ ...entry, jwks_uri: 'http://idp.example/jwks' }, /https/],
    [{ ...entry, jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] } }, /kty|jwks/],
    [{ ...entry, jwks: { keys: [{ ...jwk, d: 'x' }] } }, /private key/],
    [{ ...entry, jwks: { keys: [jwk] }, scopes: ['fly'] }, /does not exist/],
    [{ ...entry, jwks: { keys: [jwk] }, subject: 'anybody' }, /subject/],
  ] as const) {
    await expect(server.apply({ trustedIssuers: [wrong] })).rejects.toThrow(words);
  }
  const right = { trustedIssuers: [{ ...entry, jwks: { keys: [jwk] } }] };
  expect((await server.apply(right)).trustedIssuers).toEqual({ created: 1, updated: 0, unchanged: 0 });
  expect((await server.apply(right)).trustedIssuers).toEqual({ created: 0, updated: 0, unchanged: 1 });
});
