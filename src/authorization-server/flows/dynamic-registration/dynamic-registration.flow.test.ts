import * as oauth from 'oauth4webapi';
import * as openidClient from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { createRegistering, REDIRECT_URI } from '../../../testing/registering.ts';
import { introspect, send, tokensOf } from '../../../testing/relying-party.ts';

let server: TestServer;
let registering: ReturnType<typeof createRegistering>;
beforeAll(async () => {
  server = await startTestServer();
  registering = createRegistering(server);
});
afterAll(() => server.stop());

const register: typeof registering.register = (...args) => registering.register(...args);

/** What is wrong with it, where it is refused as RFC 7591 §3.2.2 says. */
async function refusalOf(described: unknown, headers?: Record<string, string>) {
  const { status, body } = await register(described, headers);
  return { status, error: body.error, description: String(body.error_description) };
}

describe('a client that registers', () => {
  it('C79: gets an id, a secret and what RFC 7591 fills in, and is told all of it once', async () => {
    const answer = await register({
      redirect_uris: [REDIRECT_URI],
      client_name: 'An app',
      scope: 'openid records:read',
    });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.body).toEqual({
      application_type: 'web',
      client_name: 'An app',
      redirect_uris: [REDIRECT_URI],
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['authorization_code'],
      response_types: ['code'],
      scope: 'openid records:read',
      default_scope: 'openid records:read',
      client_id: expect.stringMatching(/^[\w-]{22}$/),
      client_id_issued_at: expect.any(Number),
      client_secret: expect.stringMatching(/^[\w-]{43}$/),
      client_secret_expires_at: 0,
      registration_client_uri: `${server.issuer}/register?client_id=${answer.body.client_id}`,
      registration_access_token: expect.stringMatching(/^[\w-]{43}$/),
    });
  });

  it('uses its id in the next request, on another node too', async () => {
    const node = await server.addNode();
    const client = await registering.registered({ grant_types: ['authorization_code', 'refresh_token'] });
    const party = registering.partyOf(client);
    const tokens = tokensOf(await party.exchange(await party.authorize({ scope: 'openid' }), {}, node));
    expect(tokensOf(await party.refresh(tokens.refresh_token, {}, node)).access_token).toBeTruthy();
    expect(await introspect(node, tokens.access_token, party.client)).toMatchObject({ active: true });
  });

  it('may be a public one, which has no secret', async () => {
    const client = await registering.registered({ token_endpoint_auth_method: 'none' });
    expect(client).not.toHaveProperty('client_secret');
    expect((await registering.partyOf(client).obtainTokens({ scope: 'openid' })).id_token).toBeTruthy();
  });

  it('leaves out what it may have anywhere but here, and says nothing of what nobody knows', async () => {
    const client = await registering.registered({
      scope: 'openid admin:everything records:read',
      software_id: 'x',
      client_name: null,
      resource_server: 'http://localhost:3001',
      allowed_scope: 'blobs:write',
      self_described: 'no',
      client_id: 'demo-web',
      client_secret: 'chosen',
      'client_name#de': 'Eine App',
    });
    expect(client).toMatchObject({ scope: 'openid records:read' });
    expect(client.client_id).not.toBe('demo-web');
    expect(client.client_secret).not.toBe('chosen');
    for (const field of ['software_id', 'client_name', 'resource_server', 'allowed_scope', 'self_described']) {
      expect(client).not.toHaveProperty(field);
    }
  });

  it('has the scopes that such a client may have when it names none', async () => {
    const client = await registering.registered();
    expect(String(client.scope).split(' ')).toEqual(
      expect.arrayContaining(['openid', 'offline_access', 'records:read']),
    );
  });

  it('leaves the other clients, and what nodes remember of them, as they are', async () => {
    const version = async () => (await server.pool.query('select version from directory_version')).rows[0].version;
    const before = await version();
    await registering.registered();
    expect(await version()).toBe(before);
    const changes = await server.apply({ clients: [] });
    expect(changes.clients).toEqual({ created: 0, updated: 0, unchanged: 0 });
  });

  it('C97: is kept without its secret and its token', async () => {
    const client = await registering.registered();
    const { rows } = await server.pool.query(
      'select clients::text || r::text as kept from clients join client_registrations r using (client_id) where client_id = $1',
      [client.client_id],
    );
    expect(rows[0].kept).toContain(client.client_id);
    expect(rows[0].kept).not.toContain(client.client_secret);
    expect(rows[0].kept).not.toContain(client.registration_access_token);
  });
});

describe('what is wrong is told', () => {
  it.each([
    ['javascript:alert(1)'],
    ['data:text/html,x'],
    ['https://app.example.com/cb#fragment'],
    ['https://*.example.com/cb'],
    ['http://app.example.com/cb'],
    ['/callback'],
    ['https://app.example.com/\0'],
    [7],
  ])('C5: invalid_redirect_uri: %j', async (uri) => {
    const refusal = await refusalOf({ redirect_uris: [uri] });
    expect(refusal).toMatchObject({ status: 400, error: 'invalid_redirect_uri' });
    expect(refusal.description).toMatch(/^redirect_uris/);
  });

  it.each([
    ['no redirect URI', { redirect_uris: [] }, 'invalid_redirect_uri', /missing/],
    ['the password grant', { grant_types: ['password'], response_types: [] }, 'invalid_client_metadata', /password/],
    [
      'the implicit grant',
      { grant_types: ['implicit'], response_types: ['token'] },
      'invalid_client_metadata',
      /implicit/,
    ],
    [
      'client credentials',
      { grant_types: ['client_credentials'], response_types: [] },
      'invalid_client_metadata',
      /client_credentials/,
    ],
    ['an unknown grant', { grant_types: ['nonsense'] }, 'invalid_client_metadata', /grant_types/],
    ['a secret as a key', { token_endpoint_auth_method: 'client_secret_jwt' }, 'invalid_client_metadata', /method/],
    ['HS256', { id_token_signed_response_alg: 'HS256' }, 'invalid_client_metadata', /id_token_signed/],
    ['only scopes it may not have', { scope: 'admin:everything' }, 'invalid_client_metadata', /scope/],
    ['a scope that is none', { scope: 7 }, 'invalid_client_metadata', /scope/],
    ['a logo over http', { logo_uri: 'http://app.example.com/logo.png' }, 'invalid_client_metadata', /logo_uri/],
    ['a name with control characters', { client_name: 'a\u0007b' }, 'invalid_client_metadata', /client_name/],
    ['a NUL in a URL', { client_uri: 'https://a.example/\0' }, 'invalid_client_metadata', /./],
    ['half a character', { tos_uri: 'https://a.example/\ud800' }, 'invalid_client_metadata', /./],
    [
      'a private key',
      { jwks: { keys: [{ kty: 'RSA', n: 'x', e: 'AQAB', d: 'y' }] } },
      'invalid_client_metadata',
      /jwks/,
    ],
    ['nested keys', { jwks: { keys: [{ kty: 'RSA', n: { n: {} } }] } }, 'invalid_client_metadata', /jwks/],
  ])('C81: %s', async (_what, described, error, description) => {
    const refusal = await refusalOf({ redirect_uris: [REDIRECT_URI], ...described });
    expect(refusal).toEqual({ status: 400, error, description: expect.stringMatching(description) });
  });

  it.each([
    ['no JSON', '{', {}],
    ['a list', '[]', {}],
    ['null', 'null', {}],
    ['nothing', '', {}],
    ['a form', 'redirect_uris=x', { 'content-type': 'application/x-www-form-urlencoded' }],
  ])('that the body is %s', async (_what, body, headers) => {
    expect(await refusalOf(body, headers)).toMatchObject({ status: 400, error: 'invalid_request' });
  });

  it('C101: that it is too long, and that it is nested without end', async () => {
    expect(await refusalOf({ client_name: 'x'.repeat(60_000) })).toMatchObject({ status: 413 });
    const deep = `{"redirect_uris":["${REDIRECT_URI}"],"jwks":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
    expect(await refusalOf(deep)).toMatchObject({ status: 400, error: 'invalid_client_metadata' });
  });

  it('in JSON also to who accepts HTML, and to a wrong method', async () => {
    const answer = await register({ redirect_uris: [] }, { accept: 'text/html' });
    expect(answer.body.error).toBe('invalid_redirect_uri');
    const wrong = await send(server.url('/register'), { method: 'PATCH' });
    expect(wrong.status).toBe(405);
    expect(wrong.headers.get('allow')).toBe('POST, GET, PUT, DELETE, HEAD, OPTIONS');
  });
});

describe('libraries', () => {
  it('openid-client registers and goes on to authorize', async () => {
    const configuration = await openidClient.dynamicClientRegistration(
      new URL(server.issuer),
      { redirect_uris: [REDIRECT_URI], token_endpoint_auth_method: 'client_secret_post' },
      undefined,
      { execute: [openidClient.allowInsecureRequests] },
    );
    expect(configuration.clientMetadata()).toMatchObject({ redirect_uris: [REDIRECT_URI], scope: expect.any(String) });
    const { client_id, client_secret } = configuration.clientMetadata() as { client_id: string; client_secret: string };
    const clientState = { client_id, client_secret, registration_client_uri: '', registration_access_token: '' };
    const { callback, verifier } = await registering.partyOf(clientState).authorize({ scope: 'openid' });
    const tokens = await openidClient.authorizationCodeGrant(configuration, callback, {
      pkceCodeVerifier: verifier,
      expectedState: 'a-state',
    });
    expect(tokens.claims()?.aud).toBe(client_id);
  });

  it('oauth4webapi registers', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const as = await oauth
      .discoveryRequest(new URL(server.issuer), insecure)
      .then((response) => oauth.processDiscoveryResponse(new URL(server.issuer), response));
    expect(as.registration_endpoint).toBe(server.url('/register'));
    const response = await oauth.dynamicClientRegistrationRequest(
      as,
      { redirect_uris: [REDIRECT_URI], token_endpoint_auth_method: 'none' },
      insecure,
    );
    const client = await oauth.processDynamicClientRegistrationResponse(response);
    expect(client).toMatchObject({ token_endpoint_auth_method: 'none', client_id: expect.any(String) });
  });

  it('in a page of any origin may register: no cookie counts here', async () => {
    const preflight = await send(server.url('/register'), {
      method: 'OPTIONS',
      headers: { origin: 'https://any.example', 'access-control-request-method': 'POST' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*');
    expect(preflight.headers.get('access-control-allow-headers')).toContain('Content-Type');
    expect(preflight.headers.get('access-control-allow-credentials')).toBeNull();
  });
});

it('C102: one address registers so many clients a minute, and is told when to come again', async () => {
  const statuses = new Set<number>();
  let retryAfter: string | null = null;
  for (let round = 0; round < 10 && retryAfter === null; round += 1) {
    const answers = await Promise.all(Array.from({ length: 20 }, () => register({})));
    answers.map(({ status }) => statuses.add(status));
    retryAfter = answers.find(({ status }) => status === 429)?.headers.get('retry-after') ?? null;
  }
  expect(retryAfter).toBe('60');
  expect(statuses).toEqual(new Set([400, 429]));
});
