import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as oauth from 'oauth4webapi';
import * as openidClient from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { type Certificate, createAuthority, createSelfSigned } from '../../../testing/certificates.ts';
import { createProof, thumbprintOf } from '../../../testing/dpop.ts';
import {
  ALICE,
  basicAuth,
  createRelyingParty,
  DEMO_WEB,
  encode,
  introspect,
  type Parameters,
  send,
} from '../../../testing/relying-party.ts';
import { createClientKey } from '../../../testing/request-object.ts';
import { CERTIFICATE_HEADER, startTlsProxy, type TlsProxy, VERIFIED_HEADER } from '../../../testing/tls-proxy.ts';
import { UserAgent } from '../../../testing/user-agent.ts';

const MACHINE = { grant_types: ['client_credentials'], scope: 'records:read', default_scope: 'records:read' };
const WEB = {
  redirect_uris: [DEMO_WEB.redirectUri],
  grant_types: ['authorization_code', 'refresh_token'],
  scope: 'openid profile records:read',
  tls_client_certificate_bound_access_tokens: true,
};

let proxy: TlsProxy;
let server: TestServer;
/** At the same database, without a proxy that it would trust; the headers are configured all the same. */
let bare: string;
/** Of the proxy's authority, of a stranger's with the same name, and of nobody. */
let issued: Certificate;
let foreign: Certificate;
let own: Certificate;
let spare: Certificate;

beforeAll(async () => {
  proxy = await startTlsProxy();
  const names = { subject: 'O=Example,CN=client', names: [{ type: 'dns' as const, value: 'client.example.com' }] };
  [issued, foreign, own, spare] = await Promise.all([
    proxy.authority.issue(names),
    createAuthority('Authority of the tests').then((stranger) => stranger.issue(names)),
    createSelfSigned('CN=self-signed'),
    createSelfSigned('CN=self-signed'),
  ]);
  const mutualTls = { header: CERTIFICATE_HEADER, verifiedHeader: VERIFIED_HEADER, origin: proxy.otherOrigin };
  server = await startTestServer({
    config: (config) => ({ ...config, issuer: proxy.origin, trustedProxies: 1, mutualTls }),
  });
  bare = await server.addNode({
    config: (config) => ({
      ...config,
      issuer: proxy.origin,
      trustedProxies: 0,
      mutualTls: { ...mutualTls, origin: null },
    }),
  });
  proxy.passTo(server.issuer);
  const jwks = { keys: [own.jwk, spare.jwk] };
  const selfSigned = { token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks };
  const byAuthority = { token_endpoint_auth_method: 'tls_client_auth' };
  await server.apply({
    clients: [
      { ...MACHINE, ...selfSigned, client_id: 'self-signed' },
      { ...MACHINE, ...byAuthority, client_id: 'by-subject', tls_client_auth_subject_dn: 'CN=client,O=Example' },
      { ...MACHINE, ...byAuthority, client_id: 'by-name', tls_client_auth_san_dns: 'client.example.com' },
      { ...MACHINE, ...byAuthority, client_id: 'by-other-name', tls_client_auth_san_dns: 'other.example.com' },
      {
        ...MACHINE,
        client_id: 'with-secret',
        client_secret: 'a-secret-for-the-client',
        tls_client_certificate_bound_access_tokens: true,
      },
      { ...WEB, ...selfSigned, client_id: 'web' },
      { ...WEB, client_id: 'public', token_endpoint_auth_method: 'none' },
    ],
  });
});
afterAll(async () => {
  await server.stop();
  await proxy.stop();
});

interface Answered {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function post(path: string, parameters: Parameters, client?: Certificate, headers = {}): Promise<Answered> {
  const request = { method: 'POST', headers, body: encode(parameters) };
  const answer = await proxy.fetchAs(client)(`${proxy.origin}${path}`, request);
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? {} : JSON.parse(text) };
}

const machineToken = (client_id: string, certificate?: Certificate, headers = {}) =>
  post('/token', { grant_type: 'client_credentials', client_id }, certificate, headers);

const REFUSED = { status: 401, body: { error: 'invalid_client' } };
const REFUSED_GRANT = { status: 400, body: { error: 'invalid_grant' } };

async function codeFor(client_id: string) {
  const browser = new UserAgent(proxy.origin);
  browser.node = server.issuer;
  const party = createRelyingParty(proxy.origin, { ...DEMO_WEB, clientId: client_id });
  const { code, verifier } = await party.authorize({ scope: 'openid profile records:read' }, ALICE, browser);
  return {
    client_id,
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    redirect_uri: DEMO_WEB.redirectUri,
  };
}

const exchange = async (clientId: string, certificate?: Certificate) =>
  post('/token', await codeFor(clientId), certificate);

const refresh = (client_id: string, token: unknown, certificate?: Certificate) =>
  post('/token', { grant_type: 'refresh_token', client_id, refresh_token: String(token) }, certificate);

async function userinfo(token: unknown, certificate?: Certificate): Promise<Answered> {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await proxy.fetchAs(certificate)(`${proxy.origin}/me`, { headers });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

describe('a client with a certificate', () => {
  it.each([
    ['of an authority, by its subject', 'by-subject', () => issued],
    ['of an authority, by an alternative name', 'by-name', () => issued],
    ['that it signed itself', 'self-signed', () => own],
    ['that it signed itself, the second one', 'self-signed', () => spare],
  ])('gets a token: %s', async (_, clientId, certificate) => {
    const { status, body } = await machineToken(clientId, certificate());
    expect(status).toBe(200);
    expect(await introspect(server.issuer, String(body.access_token))).toMatchObject({ client_id: clientId });
  });

  it.each<[string, string, () => Certificate | undefined]>([
    ['without one', 'by-subject', () => undefined],
    ['without one', 'self-signed', () => undefined],
    ['of another authority under the same name', 'by-subject', () => foreign],
    ['of another authority under the same name', 'by-name', () => foreign],
    ['of the right authority, and somebody else’s', 'by-other-name', () => issued],
    ['of the right authority, where it is to be its own', 'self-signed', () => issued],
    ['that anybody could sign', 'by-subject', () => own],
  ])('is refused: %s, %s', async (_, clientId, certificate) => {
    expect(await machineToken(clientId, certificate())).toMatchObject(REFUSED);
  });

  it('that it signed itself may be where its keys are', async () => {
    const keys = createServer((_request, response) => response.end(JSON.stringify({ keys: [own.jwk] })));
    await once(keys.listen(0, '127.0.0.1'), 'listening');
    const jwks_uri = `http://127.0.0.1:${(keys.address() as AddressInfo).port}/jwks`;
    const client = { ...MACHINE, client_id: 'by-address', token_endpoint_auth_method: 'self_signed_tls_client_auth' };
    await server.apply({ clients: [{ ...client, jwks_uri }] });
    const answers = [await machineToken('by-address', own), await machineToken('by-address', spare)];
    expect(answers.map(({ status }) => status)).toEqual([200, 401]);
    keys.close();
    await server.apply({ clients: [{ ...client, client_id: 'away', jwks_uri: 'http://127.0.0.1:1/jwks' }] });
    expect(await machineToken('away', own)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  it('is refused when it knows the certificate and has not the key', async () => {
    const headers = { [CERTIFICATE_HEADER]: encodeURIComponent(issued.cert), [VERIFIED_HEADER]: 'SUCCESS' };
    expect(await machineToken('by-subject', undefined, headers)).toMatchObject(REFUSED);
    expect(await machineToken('by-subject', own, headers)).toMatchObject(REFUSED);
  });
});

describe('the header', () => {
  const directly = (address: string, headers: [string, string][]) =>
    send(`${address}/token`, {
      method: 'POST',
      headers,
      body: encode({ grant_type: 'client_credentials', client_id: 'by-subject' }),
    });
  const certificate = (): [string, string] => [CERTIFICATE_HEADER, encodeURIComponent(issued.cert)];

  it('is what the proxy says, and nothing where none is trusted', async () => {
    const headers: [string, string][] = [certificate(), [VERIFIED_HEADER, 'SUCCESS'], ['X-Forwarded-For', '192.0.2.1']];
    expect((await directly(server.issuer, headers)).status).toBe(200);
    const answer = await directly(bare, headers);
    expect([400, 401]).toContain(answer.status);
    expect(answer.body).not.toHaveProperty('access_token');
  });

  it.each<[string, () => [string, string][]]>([
    ['no word of the authority', () => [certificate()]],
    ['another word of it', () => [certificate(), [VERIFIED_HEADER, 'FAILED:self signed certificate']]],
    ['two words of it', () => [certificate(), [VERIFIED_HEADER, 'FAILED'], [VERIFIED_HEADER, 'SUCCESS']]],
    ['two certificates', () => [certificate(), certificate(), [VERIFIED_HEADER, 'SUCCESS']]],
    [
      'no certificate',
      () => [
        [CERTIFICATE_HEADER, 'rubbish'],
        [VERIFIED_HEADER, 'SUCCESS'],
      ],
    ],
  ])('is not enough with %s', async (_, headers) => {
    expect(await directly(server.issuer, headers())).toMatchObject(REFUSED);
  });
});

describe('a token that is bound to a certificate', () => {
  it('says so, and is good with it only', async () => {
    const { body } = await exchange('web', own);
    expect(body.token_type).toBe('Bearer');
    const told = await introspect(server.issuer, String(body.access_token));
    expect(told).toMatchObject({ active: true, cnf: { 'x5t#S256': own.thumbprint } });
    expect((await userinfo(body.access_token, own)).body).toMatchObject({ name: 'Alice Archer' });
    expect(await userinfo(body.access_token)).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
    expect(await userinfo(body.access_token, spare)).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
  });

  it('is the only kind that a client gets which is registered for it, however it authenticates', async () => {
    const headers = { authorization: basicAuth('with-secret', 'a-secret-for-the-client') };
    const refused = await machineToken('with-secret', undefined, headers);
    expect(refused).toMatchObject(REFUSED_GRANT);
    expect(refused.body.error_description).toMatch(/certificate/);
    const { body } = await machineToken('with-secret', foreign, headers);
    const { cnf } = await introspect(server.issuer, String(body.access_token));
    expect(cnf).toEqual({ 'x5t#S256': foreign.thumbprint });
  });

  it('is not to be had where there is no mutual TLS', async () => {
    const headers = { authorization: basicAuth('with-secret', 'a-secret-for-the-client') };
    const body = encode({ grant_type: 'client_credentials' });
    const answer = await send(`${bare}/token`, { method: 'POST', headers, body });
    expect(answer).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
    expect(answer.body.error_description).toMatch(/mutual TLS/);
  });
});

describe('a refresh token', () => {
  it('of a public client is bound to the certificate, through every rotation', async () => {
    let { body } = await exchange('public', foreign);
    for (const _ of [1, 2]) {
      expect(await refresh('public', body.refresh_token, own)).toMatchObject(REFUSED_GRANT);
      expect(await refresh('public', body.refresh_token)).toMatchObject(REFUSED_GRANT);
      ({ body } = await refresh('public', body.refresh_token, foreign));
      expect(body).toHaveProperty('access_token');
    }
  });

  it('of a client with two certificates gets tokens for the one that it comes with', async () => {
    const { body } = await exchange('web', own);
    const refreshed = await refresh('web', body.refresh_token, spare);
    const { cnf } = await introspect(server.issuer, String(refreshed.body.access_token));
    expect(cnf).toEqual({ 'x5t#S256': spare.thumbprint });
  });

  it('that comes again so soon gets the same tokens with the same certificate, and none with another', async () => {
    const { body } = await exchange('web', own);
    const first = await refresh('web', body.refresh_token, own);
    expect(await refresh('web', body.refresh_token, spare)).toMatchObject(REFUSED_GRANT);
    const again = await refresh('web', body.refresh_token, own);
    expect(again.body.access_token).toBe(first.body.access_token);
  });
});

describe('a client library', () => {
  it('oauth4webapi: at the addresses for certificates, with a DPoP proof for the address', async () => {
    const options = { [oauth.customFetch]: proxy.fetchAs(issued) as never };
    const issuer = new URL(proxy.origin);
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options));
    const client = { client_id: 'by-subject', use_mtls_endpoint_aliases: true };
    const DPoP = oauth.DPoP({}, await oauth.generateKeyPair('ES256'));
    const request = oauth.clientCredentialsGrantRequest(as, client, oauth.TlsClientAuth(), {}, { ...options, DPoP });
    const tokens = await oauth.processClientCredentialsResponse(as, client, await request);
    const { cnf } = await introspect(server.issuer, tokens.access_token);
    expect(cnf).toEqual({ jkt: await DPoP.calculateThumbprint() });
  });

  it('openid-client: with its own certificate', async () => {
    const client = await openidClient.discovery(
      new URL(proxy.origin),
      'self-signed',
      { use_mtls_endpoint_aliases: true },
      openidClient.TlsClientAuth(),
      { [openidClient.customFetch]: proxy.fetchAs(own) as never },
    );
    expect((await openidClient.clientCredentialsGrant(client)).access_token).toBeTruthy();
  });
});

describe('the address for certificates', () => {
  it('is where proofs are for that are sent there, and no others', async () => {
    const key = await createClientKey();
    const ask = async (origin: string, htu: string) => {
      const headers = { dpop: await createProof(key, { url: `${htu}/token` }) };
      const body = encode({ grant_type: 'client_credentials', client_id: 'by-subject' });
      const answer = await proxy.fetchAs(issued)(`${origin}/token`, { method: 'POST', headers, body });
      return (await answer.json()) as Record<string, unknown>;
    };
    for (const origin of [proxy.origin, proxy.otherOrigin]) {
      const { access_token } = await ask(origin, origin);
      const { cnf } = await introspect(server.issuer, String(access_token));
      expect(cnf).toEqual({ jkt: await thumbprintOf(key) });
    }
    expect(await ask(proxy.origin, proxy.otherOrigin)).toMatchObject({ error: 'invalid_dpop_proof' });
    expect(await ask(proxy.otherOrigin, proxy.origin)).toMatchObject({ error: 'invalid_dpop_proof' });
  });

  it('C62: changes nothing of what the server says of itself', async () => {
    for (const path of ['/.well-known/openid-configuration', '/.well-known/OPENID-configuration/?x']) {
      const answer = await proxy.fetchAs()(`${proxy.otherOrigin}${path}`);
      const metadata = (await answer.json()) as Record<string, unknown>;
      expect([metadata.issuer, metadata.token_endpoint]).toEqual([proxy.origin, `${proxy.origin}/token`]);
    }
  });
});

describe('C90: the metadata', () => {
  const read = async (address: string) =>
    (await send(`${address}/.well-known/oauth-authorization-server`)).body as Record<string, unknown>;

  it('names what there is, each endpoint at the address for certificates', async () => {
    const metadata = await read(server.issuer);
    expect(metadata.tls_client_certificate_bound_access_tokens).toBe(true);
    expect(metadata.token_endpoint_auth_methods_supported).toEqual(
      expect.arrayContaining(['tls_client_auth', 'self_signed_tls_client_auth']),
    );
    const aliases = Object.entries(metadata.mtls_endpoint_aliases as Record<string, string>);
    expect(aliases.map(([name]) => name)).toEqual(
      expect.arrayContaining(['token_endpoint', 'revocation_endpoint', 'introspection_endpoint', 'userinfo_endpoint']),
    );
    for (const [name, url] of aliases) {
      expect(url).toBe(String(metadata[name]).replace(proxy.origin, proxy.otherOrigin));
      const { status } = await proxy.fetchAs(own)(url, { method: 'POST', body: encode({ client_id: 'web' }) });
      expect([400, 401]).toContain(status);
    }
  });

  it('names nothing of it where no proxy is trusted', async () => {
    const metadata = await read(bare);
    expect(metadata).not.toHaveProperty('tls_client_certificate_bound_access_tokens');
    expect(metadata).not.toHaveProperty('mtls_endpoint_aliases');
    expect(String(metadata.token_endpoint_auth_methods_supported)).not.toMatch(/tls/);
  });
});
