/** oidcc-dynamic-certification-test-plan */
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { createCertificate } from '../../../conformance/certificate.ts';
import { signAssertion } from '../../testing/client-assertion.ts';
import { CALLBACK, type Suite, startSuite } from '../../testing/conformance-suite.ts';
import { createRegistering, type Registered } from '../../testing/registering.ts';
import { type Answer, type Parameters, postForm, send } from '../../testing/relying-party.ts';
import { type ClientKey, createClientKey } from '../../testing/request-object.ts';

const CODE = { responseType: 'code' };

let suite: Suite;
let host: Server;
/** What the suite's own server answers, by path. */
const documents = new Map<string, unknown>();
let key: ClientKey;
beforeAll(async () => {
  suite = await startSuite();
  key = await createClientKey('RS256');
  const certificate = await createCertificate('localhost');
  setDefaultCACertificates([...getCACertificates(), certificate.cert]);
  host = createServer(certificate, (request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(documents.get(request.url ?? '')));
  });
  await new Promise<void>((listening) => host.listen(0, 'localhost', listening));
});
afterAll(async () => {
  host.closeAllConnections();
  host.close();
  await suite.server.stop();
});
afterEach(() => {
  vi.useRealTimers();
});

const addressOf = (path: string) => `https://localhost:${(host.address() as AddressInfo).port}${path}`;

/** What the suite registers a client with, and over it what a module is about. */
const descriptionOf = (metadata: object = {}) => ({
  client_name: 'a client of the conformance suite',
  grant_types: ['authorization_code'],
  response_types: ['code'],
  redirect_uris: [CALLBACK],
  token_endpoint_auth_method: 'private_key_jwt',
  contacts: ['certification@oidf.org'],
  jwks: { keys: [key.jwk] },
  ...metadata,
});

const register = (metadata?: object) => createRegistering(suite.server).register(descriptionOf(metadata));
const registered = (metadata?: object) => createRegistering(suite.server).registered(descriptionOf(metadata));

const authorize = ({ client_id }: Registered, parameters: Parameters = {}) =>
  suite.authorize(CODE, parameters, { by: { clientId: client_id, redirectUri: CALLBACK } });

/** The rest of a code flow, authenticated by an assertion. */
async function tokensFor(client: Registered, parameters: Parameters = {}, by = key): Promise<Answer> {
  const { answer } = await authorize(client, parameters);
  const redirect_uri = String(parameters.redirect_uri ?? CALLBACK);
  return requestTokens(client, { grant_type: 'authorization_code', code: answer.code, redirect_uri }, by);
}

async function requestTokens(
  { client_id }: Registered,
  parameters: Parameters,
  by = key,
  claims = {},
): Promise<Answer> {
  const assertion = await signAssertion({ issuer: suite.server.issuer, clientId: client_id, key: by }, claims);
  return postForm(suite.server.url('/token'), { ...parameters, ...assertion });
}

it('oidcc-server: a client that has just registered signs a person in', async () => {
  const client = await registered();
  const { status, body } = await tokensFor(client);
  expect(status).toBe(200);
  const { payload } = await jwtVerify(String(body.id_token), createRemoteJWKSet(new URL(suite.server.url('/jwks'))));
  expect(payload).toMatchObject({ iss: suite.server.issuer, aud: client.client_id, nonce: 'a-nonce' });
});

it('oidcc-idtoken-rs256: signs ID tokens with RS256 where that was registered', async () => {
  const { body } = await tokensFor(await registered({ id_token_signed_response_alg: 'RS256' }));
  expect(decodeProtectedHeader(String(body.id_token)).alg).toBe('RS256');
});

it('oidcc-idtoken-unsigned: nobody gets an ID token without a signature', async () => {
  const { status, body } = await register({ id_token_signed_response_alg: 'none' });
  expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_client_metadata' });
});

it('oidcc-userinfo-rs256: signs the answer of userinfo where that was registered', async () => {
  const client = await registered({ userinfo_signed_response_alg: 'RS256' });
  const { body } = await tokensFor(client);
  const { headers, text } = await suite.askUserinfo(String(body.access_token));
  expect(headers.get('content-type')).toMatch(/^application\/jwt/);
  expect(decodeProtectedHeader(text).alg).toBe('RS256');
  const { payload } = await jwtVerify(text, createRemoteJWKSet(new URL(suite.server.url('/jwks'))));
  expect(payload).toMatchObject({ iss: suite.server.issuer, aud: client.client_id, sub: expect.any(String) });
});

it('oidcc-ensure-redirect-uri-in-authorization-request: of several, one must be named', async () => {
  const client = await registered({ redirect_uris: [CALLBACK, `${CALLBACK}2`] });
  const { how, visit } = await authorize(client, { redirect_uri: undefined });
  expect({ how, status: visit.status }).toEqual({ how: 'page', status: 400 });
});

it('oidcc-redirect-uri-query-OK: a registered query stays, and the answer is added to it', async () => {
  const redirect_uri = `${CALLBACK}?foo=bar`;
  const client = await registered({ redirect_uris: [redirect_uri] });
  expect((await authorize(client, { redirect_uri })).answer).toMatchObject({ foo: 'bar', code: expect.any(String) });
  expect((await tokensFor(client, { redirect_uri })).status).toBe(200);
});

it.each([
  ['oidcc-redirect-uri-query-mismatch', [`${CALLBACK}?foo=bar`], `${CALLBACK}?foo=baz`],
  ['oidcc-redirect-uri-query-added', [CALLBACK], `${CALLBACK}?foo=bar`],
])('%s: gets an error page', async (_, redirect_uris, redirect_uri) => {
  const { how, visit } = await authorize(await registered({ redirect_uris }), { redirect_uri });
  expect({ how, status: visit.status }).toEqual({ how: 'page', status: 400 });
});

it('oidcc-redirect-uri-regfrag: a redirect URI with a fragment is not registered', async () => {
  const { status, body } = await register({ redirect_uris: [`${CALLBACK}#foo=bar`] });
  expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_redirect_uri' });
});

it.each([
  ['oidcc-registration-logo-uri', 'logo_uri'],
  ['oidcc-registration-policy-uri', 'policy_uri'],
  ['oidcc-registration-tos-uri', 'tos_uri'],
])('%s: is registered, and the sign-in page comes', async (_, name) => {
  const client = await registered({ [name]: 'https://www.certification.openid.net/about' });
  expect(client[name]).toBe('https://www.certification.openid.net/about');
  expect((await authorize(client)).pages).toEqual(['sign-in', 'consent']);
});

it('oidcc-registration-jwks-uri: the keys of a client may be at an address of its own', async () => {
  documents.set('/jwks', { keys: [key.jwk] });
  const client = await registered({ jwks: undefined, jwks_uri: addressOf('/jwks') });
  expect((await tokensFor(client)).status).toBe(200);
});

const pairwiseAt = (path: string) => ({ subject_type: 'pairwise', sector_identifier_uri: addressOf(path) });

it('oidcc-registration-sector-uri: a sector that lists the redirect URI is registered', async () => {
  documents.set('/sector', [CALLBACK]);
  const client = await registered(pairwiseAt('/sector'));
  expect((await tokensFor(client)).status).toBe(200);
});

it('oidcc-registration-sector-bad: one that does not is refused', async () => {
  documents.set('/another-sector', ['https://www.certification.openid.net/another']);
  const { status, body } = await register(pairwiseAt('/another-sector'));
  expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_client_metadata' });
});

it('oidcc-refresh-token-rp-key-rotation: a client that changed its keys is known by the new one', async () => {
  documents.set('/rotating', { keys: [key.jwk] });
  const client = await registered({
    jwks: undefined,
    jwks_uri: addressOf('/rotating'),
    grant_types: ['authorization_code', 'refresh_token'],
  });
  const { body } = await tokensFor(client, { scope: 'openid offline_access', prompt: 'consent' });
  const fresh = await createClientKey('RS256');
  const renamed = { ...fresh, jwk: { ...fresh.jwk, kid: 'another' } };
  documents.set('/rotating', { keys: [renamed.jwk] });
  // The suite waits as long, because keys are not fetched again at once.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });
  const refresh = { grant_type: 'refresh_token', refresh_token: String(body.refresh_token) };
  const { status, body: refreshed } = await requestTokens(client, refresh, renamed);
  expect({ status, there: typeof refreshed.access_token }).toEqual({ status: 200, there: 'string' });
});

it('oidcc-ensure-client-assertion-with-iss-aud-succeeds: an assertion may be for the issuer', async () => {
  const client = await registered();
  const { answer } = await authorize(client);
  const grant = { grant_type: 'authorization_code', code: answer.code, redirect_uri: CALLBACK };
  expect((await requestTokens(client, grant, key, { aud: suite.server.issuer })).status).toBe(200);
});

it('oidcc-refresh-token: a client that registers for it gets a refresh token', async () => {
  const client = await registered({ grant_types: ['authorization_code', 'refresh_token'] });
  const { body } = await tokensFor(client, { scope: 'openid offline_access', prompt: 'consent' });
  const refresh = { grant_type: 'refresh_token', refresh_token: String(body.refresh_token) };
  expect((await requestTokens(client, refresh)).status).toBe(200);
});

it('oidcc-discovery-endpoint-verification: what the Dynamic profile asks for beyond Config', async () => {
  const { body } = await send(suite.server.url('/.well-known/openid-configuration'));
  expect(body.registration_endpoint).toBe(suite.server.url('/register'));
  expect(body.token_endpoint_auth_signing_alg_values_supported).toContain('RS256');
  expect(body.userinfo_signing_alg_values_supported).toContain('RS256');
  expect(body.request_object_signing_alg_values_supported).toContain('RS256');
  // What keeps oidcc-request-uri-signed-rs256 from passing, said before anyone asks.
  expect(body.request_uri_parameter_supported).toBe(false);
});
