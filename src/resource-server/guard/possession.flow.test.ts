import { once } from 'node:events';
import { type IncomingMessage, type RequestListener, request } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import * as openidClient from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApplication } from '../../testing/application.ts';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { type Certificate, createSelfSigned } from '../../testing/certificates.ts';
import { createProof, createProver } from '../../testing/dpop.ts';
import { basicAuth, DEMO_API, DEMO_MACHINE, encode, send, tokensOf } from '../../testing/relying-party.ts';
import { type ClientKey, createClientKey } from '../../testing/request-object.ts';
import { CERTIFICATE_HEADER, startTlsProxy, type TlsProxy } from '../../testing/tls-proxy.ts';
import { createGuard, type Guard, type PossessionOptions } from './guard.ts';

const PUBLIC_URL = 'https://api.example.com/v1';
const MACHINE_GRANT = { grant_type: 'client_credentials', scope: 'records:read' };

let server: TestServer;
let tls: TlsProxy;
let own: Certificate;
let key: ClientKey;
let token: string;
let tokenOfCertificate: string;
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  const mutualTls = { header: CERTIFICATE_HEADER, verifiedHeader: null, origin: null };
  [server, tls, own, key] = await Promise.all([
    startTestServer({ config: (config) => ({ ...config, trustedProxies: 1, mutualTls }) }),
    startTlsProxy(),
    createSelfSigned('CN=machine'),
    createClientKey(),
  ]);
  const bound = { tls_client_certificate_bound_access_tokens: true, grant_types: ['client_credentials'] };
  await server.apply({
    clients: [{ client_id: 'bound', client_secret: 'bound-secret', scope: 'records:read', ...bound }],
  });
  token = tokensOf(
    await createProver(server).requestToken(MACHINE_GRANT, { client: DEMO_MACHINE, proof: key }),
  ).access_token;
  const headers = {
    authorization: basicAuth('bound', 'bound-secret'),
    [CERTIFICATE_HEADER]: encodeURIComponent(own.cert),
  };
  const answer = await send(server.url('/token'), { method: 'POST', headers, body: encode(MACHINE_GRANT) });
  tokenOfCertificate = tokensOf(answer).access_token;
});
afterAll(async () => {
  await Promise.all(closing.map((close) => close()));
  await Promise.all([server.stop(), tls.stop()]);
});

function guardWith(possession: PossessionOptions): Guard {
  const { issuer } = server;
  const { clientId, secret: clientSecret } = DEMO_API;
  const logger = { warn: () => undefined };
  const client = { clientId, clientSecret };
  const audience = 'http://localhost:3001';
  const guard = createGuard({ issuer, audience, ...client, possession, logger, timeoutMs: 30_000 });
  closing.push(() => guard.close());
  return guard;
}

/** Answers whom it lets in with their client id, whatever they ask for. */
function guarded(guard: Guard): RequestListener {
  const protect = guard.require('records:read');
  return async (incoming, response) => {
    const letIn = await protect(incoming, response);
    if (letIn !== undefined) {
      response.end(letIn.clientId);
    }
  };
}

async function start(possession: PossessionOptions | ((url: string) => PossessionOptions)): Promise<string> {
  const create = (url: string) => guarded(guardWith(typeof possession === 'function' ? possession(url) : possession));
  const { url, stop } = await startApplication(create);
  closing.push(stop);
  return url;
}

interface Told {
  readonly status: number | undefined;
  readonly challenge: string;
  readonly nonce: string | undefined;
}

/** With header fields as they are given: two of one name stay two. */
async function call(url: string, headers: Record<string, string | string[]>): Promise<Told> {
  const sent = request(url, { headers, agent: false }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  answer.resume();
  const nonce = answer.headers['dpop-nonce'];
  return { status: answer.statusCode, challenge: answer.headers['www-authenticate'] ?? '', nonce: nonce?.toString() };
}

const refusedWith = (error: string) => ({ status: 401, challenge: expect.stringMatching(`^DPoP error="${error}"`) });
const LET_IN = { status: 200 };

describe('C85: a token that is bound to a DPoP key (RFC 9449)', () => {
  let api: string;
  beforeAll(async () => {
    api = await start({ publicUrl: PUBLIC_URL });
  });
  const of = { method: 'GET', url: `${PUBLIC_URL}/records` };
  const prove = (claims: object = {}, header: object = {}) =>
    createProof(key, { ...of, accessToken: token }, { ...claims }, { ...header });
  const present = (dpop: string | string[], scheme = 'DPoP') =>
    call(`${api}/records?page=2`, { authorization: `${scheme} ${token}`, dpop });

  it('lets in who proves the key, for the URL that clients know, whatever the request says of its host', async () => {
    expect(await present(await prove())).toMatchObject(LET_IN);
    expect(await present(await prove({ htu: 'HTTPS://API.example.com:443/v1/records?x=1#y' }), 'dpop')).toMatchObject(
      LET_IN,
    );
    const [host, proof] = ['evil.example', await prove({ htu: 'http://evil.example/records' })];
    const answer = await call(`${api}/records`, {
      authorization: `DPoP ${token}`,
      dpop: proof,
      host,
      'x-forwarded-host': host,
    });
    expect(answer).toMatchObject(refusedWith('invalid_dpop_proof'));
  });

  it('refuses a proof that was used before, however often at once', async () => {
    const proof = await prove();
    const answers = await Promise.all(Array.from({ length: 8 }, () => present(proof)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 7 }, () => 401)]);
    expect(await present(proof)).toMatchObject(refusedWith('invalid_dpop_proof'));
  });

  it('cannot be used where nobody can tell whether its proof was used before', async () => {
    const failing = () => Promise.reject(new Error('away'));
    const place = await start({ publicUrl: PUBLIC_URL, isFirstUse: failing });
    const answer = await call(`${place}/records`, { authorization: `DPoP ${token}`, dpop: await prove() });
    expect(answer.status).toBe(503);
  });

  const seconds = () => Math.floor(Date.now() / 1000);
  it.each<[string, () => object, object?]>([
    ['for another method', () => ({ htm: 'POST' })],
    ['for another URL', () => ({ htu: `${PUBLIC_URL}/records/1` })],
    ['for the URL without its front', () => ({ htu: 'https://api.example.com/records' })],
    ['for no URL', () => ({ htu: 'records' })],
    ['for another token', () => ({ ath: 'x' })],
    ['for no token', () => ({ ath: undefined })],
    ['without an id', () => ({ jti: undefined })],
    ['with an id that is too long', () => ({ jti: 'x'.repeat(600) })],
    ['of an hour ago', () => ({ iat: seconds() - 3600 })],
    ['of tomorrow', () => ({ iat: seconds() + 86_400 })],
    ['without a time', () => ({ iat: 'now' })],
    ['of another type', () => ({}), { typ: 'JWT' }],
    ['with no key', () => ({}), { jwk: undefined }],
  ])('refuses a proof %s', async (_, claims, header) => {
    expect(await present(await prove(claims(), header))).toMatchObject(refusedWith('invalid_dpop_proof'));
  });

  it('refuses a proof of another key, of a secret one, of none, and two', async () => {
    const thiefs = await createClientKey();
    const ofThief = await createProof(thiefs, { ...of, accessToken: token });
    const { d } = await crypto.subtle.exportKey('jwk', key.privateKey);
    const unsigned = `${Buffer.from('{"alg":"none","typ":"dpop+jwt"}').toString('base64url')}.e30.`;
    const proofs = [
      ofThief,
      await prove({}, { jwk: { ...key.jwk, d } }),
      unsigned,
      'x',
      '',
      [await prove(), await prove()],
    ];
    for (const proof of proofs) {
      expect(await present(proof)).toMatchObject(refusedWith('invalid_dpop_proof'));
    }
    expect(await call(`${api}/records`, { authorization: `DPoP ${token}` })).toMatchObject(
      refusedWith('invalid_dpop_proof'),
    );
  });

  it('is worth nothing as a bearer token, with a proof or without', async () => {
    for (const headers of [{}, { dpop: await prove() }]) {
      const { status, challenge } = await call(`${api}/records`, { authorization: `Bearer ${token}`, ...headers });
      expect(status).toBe(401);
      expect(challenge).toMatch(/^Bearer error="invalid_token", .*, DPoP algs="ES256 /);
    }
  });
});

describe('a guard that wants a nonce in each proof (RFC 9449 §9)', () => {
  it('hands one out, and serves openid-client, which asks again with it', async () => {
    const api = await start((url) => ({ publicUrl: url, nonceSecret: 'a-secret-of-the-nonces' }));
    const accessToken = token;
    const prove = (nonce?: string) =>
      createProof(key, { method: 'GET', url: `${api}/`, accessToken }, { nonce, iat: 1 });
    const ask = async (nonce?: string) => call(api, { authorization: `DPoP ${token}`, dpop: await prove(nonce) });
    const { nonce, ...answer } = await ask();
    expect(answer).toMatchObject(refusedWith('use_dpop_nonce'));
    expect(await ask(nonce)).toMatchObject(LET_IN);
    expect(await ask('invented')).toMatchObject(refusedWith('use_dpop_nonce'));

    const { clientId, secret } = DEMO_MACHINE;
    const config = await openidClient.discovery(new URL(server.issuer), clientId, secret, undefined, {
      execute: [openidClient.allowInsecureRequests],
    });
    const DPoP = openidClient.getDPoPHandle(config, await openidClient.randomDPoPKeyPair());
    const tokens = await openidClient.clientCredentialsGrant(config, { scope: 'records:read' }, { DPoP });
    for (const path of ['/records', '/records?page=2']) {
      const url = new URL(api + path);
      const response = await openidClient.fetchProtectedResource(
        config,
        tokens.access_token,
        url,
        'GET',
        null,
        undefined,
        { DPoP },
      );
      expect(await response.text()).toBe(clientId);
    }
  });
});

describe('C85: a token that is bound to a certificate (RFC 8705)', () => {
  const authorization = () => ({ authorization: `Bearer ${tokenOfCertificate}` });
  const anotherCertificate = () => createSelfSigned('CN=machine');
  const statusOf = async (fetched: typeof fetch, url: string) =>
    (await fetched(url, { headers: authorization() })).status;

  it('is good over the TLS connection of that certificate, and over no other', async () => {
    const listener = guarded(guardWith({ clientCertificates: 'tls' }));
    const { cert, key: privateKey } = await tls.authority.issue({
      subject: 'CN=api',
      names: [{ type: 'dns', value: 'localhost' }],
    });
    const options = { cert, key: privateKey, requestCert: true, rejectUnauthorized: false };
    const api = createServer(options, listener).listen(0, 'localhost');
    await once(api, 'listening');
    closing.push(() => api.close());
    const url = `https://localhost:${(api.address() as AddressInfo).port}`;
    expect(await statusOf(tls.fetchAs(own), url)).toBe(200);
    expect(await statusOf(tls.fetchAs(await anotherCertificate()), url)).toBe(401);
    expect(await statusOf(tls.fetchAs(), url)).toBe(401);
  });

  it('is good behind a proxy that passes the certificate on, where the guard is told so', async () => {
    tls.passTo(await start({ clientCertificates: { header: CERTIFICATE_HEADER } }));
    expect(await statusOf(tls.fetchAs(own), tls.origin)).toBe(200);
    expect(await statusOf(tls.fetchAs(await anotherCertificate()), tls.origin)).toBe(401);
    tls.passTo(await start({}));
    expect(await statusOf(tls.fetchAs(own), tls.origin)).toBe(401);
  });

  it('is refused with two certificates, with what is none, and in the scheme of the other kind', async () => {
    const api = await start({ clientCertificates: { header: CERTIFICATE_HEADER } });
    const escaped = encodeURIComponent(own.cert);
    const base64 = own.jwk.x5c[0] ?? '';
    const present = (certificate: string | string[], scheme = 'Bearer') =>
      call(api, { authorization: `${scheme} ${tokenOfCertificate}`, [CERTIFICATE_HEADER]: certificate });
    for (const good of [escaped, base64, `:${base64}:`]) {
      expect(await present(good)).toMatchObject(LET_IN);
    }
    for (const bad of [[escaped, escaped], escaped + escaped, 'x', '%', '']) {
      expect(await present(bad)).toMatchObject({ status: 401, challenge: expect.stringContaining('invalid_token') });
    }
    expect(await present(escaped, 'DPoP')).toMatchObject(refusedWith('invalid_token'));
  });
});

describe('a guard that takes bound tokens only', () => {
  it('refuses a token that whoever holds it can use, and tells so in its metadata', async () => {
    const guard = guardWith({ boundTokensOnly: true });
    const { url, stop } = await startApplication(() => async (incoming, response) => {
      if (!(await guard.metadata(incoming, response))) {
        await guarded(guard)(incoming, response);
      }
    });
    closing.push(stop);
    const metadata = await (await fetch(`${url}/.well-known/oauth-protected-resource`)).json();
    expect(metadata).toMatchObject({ dpop_bound_access_tokens_required: true });
    const unbound = await createProver(server).requestToken(MACHINE_GRANT, { client: DEMO_MACHINE });
    const answer = await call(url, { authorization: `Bearer ${tokensOf(unbound).access_token}` });
    expect(answer).toMatchObject({ status: 401, challenge: expect.stringContaining('bound to a key only') });
  });
});
