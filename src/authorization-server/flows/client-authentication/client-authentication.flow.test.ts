import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportSPKI, importJWK, SignJWT } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openidClient from 'openid-client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { asParameters, signAssertion } from '../../../testing/client-assertion.ts';
import {
  type Answer,
  basicAuth,
  DEMO_API,
  DEMO_MACHINE,
  encode,
  introspect,
  type Parameters,
  send,
} from '../../../testing/relying-party.ts';
import { type ClientKey, createClientKey } from '../../../testing/request-object.ts';

const CLIENT = 'signing';
const REGISTRATION = {
  token_endpoint_auth_method: 'private_key_jwt',
  grant_types: ['client_credentials'],
  scope: 'records:read',
  default_scope: 'records:read',
};
const REFUSED = { status: 401, body: { error: 'invalid_client', error_description: 'client authentication failed' } };

let server: TestServer;
let key: ClientKey;
let rsaKey: ClientKey;
let stranger: ClientKey;

/** What `jwks_uri` names: the clients' own server. */
let published: { readonly status: number; readonly body: string };
let lookups = 0;
const keyServer = createServer((_request, response) => {
  lookups += 1;
  response.writeHead(published.status).end(published.body);
});
let jwksUri: string;

beforeAll(async () => {
  [key, rsaKey, stranger] = await Promise.all([createClientKey(), createClientKey('PS256'), createClientKey()]);
  keyServer.listen(0, '127.0.0.1');
  await once(keyServer, 'listening');
  jwksUri = `http://127.0.0.1:${(keyServer.address() as AddressInfo).port}/jwks`;
  server = await startTestServer();
  const jwks = { keys: [key.jwk, rsaKey.jwk] };
  await server.apply({
    clients: [
      { ...REGISTRATION, client_id: CLIENT, jwks },
      { ...REGISTRATION, client_id: 'strict', jwks, token_endpoint_auth_signing_alg: 'PS256' },
      { ...REGISTRATION, client_id: 'stranger', jwks: { keys: [stranger.jwk] } },
    ],
  });
});
afterAll(async () => {
  keyServer.close();
  await server.stop();
});

const sign = (claims?: Readonly<Record<string, unknown>>, header?: object, signer = key, clientId = CLIENT) =>
  signAssertion({ issuer: server.issuer, clientId, key: signer }, claims, header);

const ask = (parameters: Parameters, node = server.issuer): Promise<Answer> =>
  send(`${node}/token`, { method: 'POST', body: encode({ grant_type: 'client_credentials', ...parameters }) });

describe('private_key_jwt', () => {
  it('gets a token with oauth4webapi', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(server.issuer);
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
    const authentication = oauth.PrivateKeyJwt({ key: key.privateKey, kid: String(key.jwk.kid) });
    const client = { client_id: CLIENT };
    const parameters = { scope: 'records:read' };
    const answer = await oauth.clientCredentialsGrantRequest(as, client, authentication, parameters, insecure);
    const { access_token } = await oauth.processClientCredentialsResponse(as, client, answer);
    expect(await introspect(server.issuer, access_token)).toMatchObject({ active: true, client_id: CLIENT });
  });

  it('gets a token with openid-client', async () => {
    const authentication = openidClient.PrivateKeyJwt({ key: rsaKey.privateKey, kid: String(rsaKey.jwk.kid) });
    const client = await openidClient.discovery(new URL(server.issuer), 'strict', undefined, authentication, {
      execute: [openidClient.allowInsecureRequests],
    });
    expect((await openidClient.clientCredentialsGrant(client)).access_token).toBeTruthy();
  });

  it.each([
    ['the issuer', () => server.issuer],
    ['the token endpoint', () => server.url('/token')],
    ['both of them', () => [server.issuer, server.url('/token')]],
  ])('is for %s', async (_, audience) => {
    expect((await ask(await sign({ aud: audience() }))).status).toBe(200);
  });

  it('needs no kid, no iat and no client_id beside it', async () => {
    expect((await ask(await sign({ iat: undefined }, { kid: undefined }))).status).toBe(200);
  });

  it('authenticates at the revocation endpoint, too', async () => {
    const { body } = await ask(await sign());
    const { access_token } = body as { access_token: string };
    const request = encode({ token: access_token, ...(await sign({ aud: server.url('/token/revocation') })) });
    expect((await send(server.url('/token/revocation'), { method: 'POST', body: request })).status).toBe(200);
    expect(await introspect(server.issuer, access_token)).toEqual({ active: false });
  });
});

describe('C46: an assertion is refused', () => {
  it.each<[string, Readonly<Record<string, unknown>>]>([
    ['for another server', { aud: 'https://other.example.com' }],
    ['for another server as well', { aud: ['https://other.example.com', 'the issuer'] }],
    ['for nobody', { aud: undefined }],
    ['for an address that only begins like the issuer', { aud: 'the issuer/' }],
    ['from another client', { iss: 'stranger' }],
    ['from nobody', { iss: undefined }],
    ['about another client', { sub: 'stranger' }],
    ['about a client that does not exist', { sub: 'nobody', iss: 'nobody' }],
    ['about nobody', { sub: undefined }],
    ['that has expired', { exp: Math.floor(Date.now() / 1000) - 60 }],
    ['that never expires', { exp: undefined }],
    ['that is good for years', { exp: Math.floor(Date.now() / 1000) + 100_000_000 }],
    ['that is good for longer than a database can count', { exp: 1e300 }],
    ['whose end is no number', { exp: 'tomorrow' }],
    ['that is not good yet', { nbf: Math.floor(Date.now() / 1000) + 600 }],
    ['without an identifier', { jti: undefined }],
    ['whose identifier is no text', { jti: { a: 1 } }],
  ])('C46: %s', async (_, claims) => {
    const own = JSON.parse(
      JSON.stringify(claims, (_name, value) => value ?? null).replaceAll('the issuer', server.issuer),
    );
    const given = Object.fromEntries(Object.entries(own).map(([name, value]) => [name, value ?? undefined]));
    expect(await ask(await sign(given))).toMatchObject(REFUSED);
  });

  it('C46: signed by another client, also under the name of a key of this one', async () => {
    expect(await ask(await sign({}, {}, stranger))).toMatchObject(REFUSED);
    expect(await ask(await sign({}, { kid: 'unknown' }))).toMatchObject(REFUSED);
  });

  it('C46: signed by nobody, or with a public key as if it were a secret', async () => {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: CLIENT, sub: CLIENT, aud: server.issuer, exp: now + 60, jti: randomUUID() };
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    for (const alg of ['none', 'NONE', '']) {
      expect(await ask(asParameters(`${part({ alg })}.${part(claims)}.`))).toMatchObject(REFUSED);
    }
    const publicKey = await exportSPKI((await importJWK({ ...key.jwk }, 'ES256', { extractable: true })) as CryptoKey);
    for (const secret of [publicKey, JSON.stringify(key.jwk), JSON.stringify({ keys: [key.jwk] })]) {
      const jwt = new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: String(key.jwk.kid) });
      expect(await ask(asParameters(await jwt.sign(new TextEncoder().encode(secret))))).toMatchObject(REFUSED);
    }
  });

  it('C46: with the key that it brings along itself', async () => {
    expect(await ask(await sign({}, { jwk: stranger.jwk, kid: undefined }, stranger))).toMatchObject(REFUSED);
  });

  it('C46: by another algorithm than the client is registered with', async () => {
    expect((await ask(await sign({}, {}, rsaKey, 'strict'))).status).toBe(200);
    expect(await ask(await sign({}, {}, key, 'strict'))).toMatchObject(REFUSED);
  });

  it.each(['', 'x', 'a.b.c', '....', 'é', 'x'.repeat(20_000)])('C46: that is none, like %.10j', async (assertion) => {
    const { status, body } = await ask({ client_id: CLIENT, ...asParameters(assertion) });
    expect([400, 401]).toContain(status);
    expect(['invalid_client', 'invalid_request']).toContain(body.error);
  });

  it('C46: where the client has a secret instead, and a secret where it has a key', async () => {
    expect(await ask(await sign({}, {}, key, DEMO_MACHINE.clientId))).toMatchObject(REFUSED);
    expect(await ask({ client_id: CLIENT, client_secret: 'guess' })).toMatchObject(REFUSED);
    expect(await ask({ client_id: CLIENT })).toMatchObject(REFUSED);
  });

  it('C45: beside another way to authenticate', async () => {
    const headers = { authorization: basicAuth(DEMO_MACHINE.clientId, DEMO_MACHINE.secret) };
    const body = encode({ grant_type: 'client_credentials', ...(await sign()) });
    const answer = await send(server.url('/token'), { method: 'POST', headers, body });
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request']);
  });
});

describe('C46: an assertion that is used again', () => {
  it('C46: is refused, at whichever endpoint and node', async () => {
    const node = await server.addNode();
    const assertion = await sign();
    expect((await ask(assertion)).status).toBe(200);
    expect(await ask(assertion)).toMatchObject(REFUSED);
    expect(await ask(assertion, node)).toMatchObject(REFUSED);
    const body = encode({ token: 'x', ...assertion });
    expect(await send(server.url('/token/introspection'), { method: 'POST', body })).toMatchObject(REFUSED);
  });

  it('C46: counts once of forty at the same time on two nodes', async () => {
    const nodes = [server.issuer, await server.addNode()];
    const assertion = await sign();
    const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => ask(assertion, nodes[n % 2])));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, ...Array.from({ length: 39 }, () => 401)]);
  });

  it('C46: is no use of the same identifier by another client', async () => {
    const jti = randomUUID();
    expect((await ask(await sign({ jti }))).status).toBe(200);
    expect((await ask(await sign({ jti }, {}, stranger, 'stranger'))).status).toBe(200);
  });
});

describe('jwks_uri', () => {
  const register = (clientId: string, uri = jwksUri) =>
    server.apply({ clients: [{ ...REGISTRATION, client_id: clientId, jwks_uri: uri }] });
  const publish = (...keys: ClientKey[]) => {
    published = { status: 200, body: JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }) };
  };

  it('is where the keys are, and is asked once for many requests', async () => {
    await register('by-address');
    publish(key);
    lookups = 0;
    for (const _ of Array.from({ length: 3 })) {
      expect((await ask(await sign({}, {}, key, 'by-address'))).status).toBe(200);
    }
    expect(lookups).toBe(1);
    expect(await ask(await sign({}, {}, stranger, 'by-address'))).toMatchObject(REFUSED);
  });

  it.each([
    [500, '{}'],
    [200, 'no JSON'],
    [200, '{"keys": "none"}'],
    [200, JSON.stringify({ keys: [], padding: 'x'.repeat(100_000) })],
    [302, ''],
  ])('is of no use when it answers %s %.20j', async (status, body) => {
    const clientId = `unlucky-${randomUUID()}`;
    await register(clientId);
    published = { status, body };
    expect(await ask(await sign({}, {}, key, clientId))).toMatchObject(REFUSED);
  });

  it('is asked again when it did not answer well', async () => {
    await register('recovered');
    published = { status: 200, body: 'no JSON' };
    expect((await ask(await sign({}, {}, key, 'recovered'))).status).toBe(401);
    publish(key);
    expect((await ask(await sign({}, {}, key, 'recovered'))).status).toBe(200);
  });

  it('C46: is where a key was taken back, though the other one is used all the time', async () => {
    await register('cautious');
    publish(key, rsaKey);
    const statusWith = async (signer: ClientKey) => (await ask(await sign({}, {}, signer, 'cautious'))).status;
    expect([await statusWith(key), await statusWith(rsaKey)]).toEqual([200, 200]);
    publish(rsaKey);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });
    try {
      expect([await statusWith(rsaKey), await statusWith(key)]).toEqual([200, 401]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('is not asked at an address inside, whoever registered it', async () => {
    await register('inside', 'https://169.254.169.254/latest/meta-data');
    expect(await ask(await sign({}, {}, key, 'inside'))).toMatchObject(REFUSED);
  });
});

it('lets a resource server introspect with a key', async () => {
  const resource_server = 'http://localhost:3001';
  const client = { client_id: 'api-key', token_endpoint_auth_method: 'private_key_jwt', grant_types: [] };
  await server.apply({ clients: [{ ...client, resource_server, jwks: { keys: [key.jwk] } }] });
  const { body } = await ask(await sign());
  const request = encode({ token: String(body.access_token), ...(await sign({}, {}, key, 'api-key')) });
  const answer = await send(server.url('/token/introspection'), { method: 'POST', body: request });
  expect(answer.body).toEqual(await introspect(server.issuer, String(body.access_token), DEMO_API));
});

it('C90: advertises what it takes', async () => {
  const { body } = await send(server.url('/.well-known/openid-configuration'));
  expect(body.token_endpoint_auth_methods_supported).toContain('private_key_jwt');
  expect(body.token_endpoint_auth_methods_supported).not.toContain('client_secret_jwt');
  const algorithms = body.token_endpoint_auth_signing_alg_values_supported as string[];
  expect(algorithms).toEqual(['RS256', 'PS256', 'ES256', 'Ed25519', 'EdDSA']);
  const keys = await Promise.all(algorithms.map((alg) => createClientKey(alg)));
  await server.apply({ clients: [{ ...REGISTRATION, client_id: 'all', jwks: { keys: keys.map(({ jwk }) => jwk) } }] });
  const answers = await Promise.all(keys.map(async (one) => ask(await sign({}, {}, one, 'all'))));
  expect(answers.map(({ status }) => status)).toEqual(algorithms.map(() => 200));
});
