import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { type Certificate, createSelfSigned } from '../../../testing/certificates.ts';
import { createProof, thumbprintOf } from '../../../testing/dpop.ts';
import { basicAuth, encode, introspect, type Parameters, type TestClient } from '../../../testing/relying-party.ts';
import { type ClientKey, createClientKey } from '../../../testing/request-object.ts';
import { CERTIFICATE_HEADER, startTlsProxy, type TlsProxy, VERIFIED_HEADER } from '../../../testing/tls-proxy.ts';

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const API = 'http://localhost:3001';
const PLAIN = { clientId: 'plain', secret: 'a-secret-of-the-plain-client' };
const BY_PROOF = { clientId: 'by-proof', secret: 'a-secret-of-the-client-with-proofs' };
const BY_CERTIFICATE = { clientId: 'by-certificate', secret: 'a-secret-of-the-client-with-certificates' };

let proxy: TlsProxy;
let server: TestServer;
let key: ClientKey;
let thiefs: ClientKey;
let certificate: Certificate;
let otherCertificate: Certificate;
beforeAll(async () => {
  proxy = await startTlsProxy();
  [key, thiefs] = await Promise.all([createClientKey(), createClientKey()]);
  [certificate, otherCertificate] = await Promise.all([createSelfSigned('CN=one'), createSelfSigned('CN=other')]);
  const mutualTls = { header: CERTIFICATE_HEADER, verifiedHeader: VERIFIED_HEADER, origin: proxy.otherOrigin };
  server = await startTestServer({
    config: (config) => ({ ...config, issuer: proxy.origin, trustedProxies: 1, mutualTls }),
  });
  proxy.passTo(server.issuer);
  const everyone = [PLAIN, BY_PROOF, BY_CERTIFICATE];
  const names = everyone.map(({ clientId }) => clientId);
  await server.apply({
    clients: everyone.map(({ clientId, secret }) => ({
      client_id: clientId,
      client_secret: secret,
      grant_types: ['client_credentials', TOKEN_EXCHANGE, JWT_BEARER],
      scope: 'records:read records:write',
      default_scope: 'records:read records:write',
      token_exchange: { subject_clients: [clientId], audiences: [API], delegation: 'optional' },
      dpop_bound_access_tokens: clientId === BY_PROOF.clientId,
      tls_client_certificate_bound_access_tokens: clientId === BY_CERTIFICATE.clientId,
    })),
    trustedIssuers: [
      {
        issuer: 'the-issuer',
        jwks: { keys: [key.jwk] },
        clients: names,
        scopes: ['records:read'],
        subject: 'sub-email',
      },
    ],
  });
});
afterAll(async () => {
  await server.stop();
  await proxy.stop();
});

interface Proving {
  readonly key?: ClientKey;
  /** A proof as it is. */
  readonly proof?: string;
  readonly certificate?: Certificate;
}

async function request(client: Required<Omit<TestClient, 'redirectUri'>>, form: Parameters, proving: Proving = {}) {
  const proof = proving.proof ?? (proving.key && (await proofOf(proving.key)));
  const answer = await proxy.fetchAs(proving.certificate)(`${proxy.origin}/token`, {
    method: 'POST',
    headers: { authorization: basicAuth(client.clientId, client.secret), ...(proof && { dpop: proof }) },
    body: encode(form),
  });
  const body = (await answer.json()) as Record<string, string>;
  return { status: answer.status, error: body.error, body };
}

const proofOf = (one: ClientKey) => createProof(one, { url: `${proxy.origin}/token` });
const subjectOf = async (client: typeof PLAIN, proving?: Proving) =>
  String((await request(client, { grant_type: 'client_credentials' }, proving)).body.access_token);
const exchange = (client: typeof PLAIN, subject_token: string, proving?: Proving, parameters: Parameters = {}) =>
  request(
    client,
    { grant_type: TOKEN_EXCHANGE, subject_token, subject_token_type: ACCESS_TOKEN, ...parameters },
    proving,
  );
const assertion = () =>
  new SignJWT({ iss: 'the-issuer', sub: 'alice@example.com', aud: proxy.origin, jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: key.alg, kid: String(key.jwk.kid) })
    .setExpirationTime('1 minute')
    .sign(key.privateKey);

describe('a token that is bound to a key by DPoP (RFC 9449)', () => {
  it('is exchanged with a proof of that key, for one that is bound to it as well', async () => {
    const subject = await subjectOf(PLAIN, { key });
    const { status, body } = await exchange(PLAIN, subject, { key }, { scope: 'records:read' });
    expect({ status, type: body.token_type }).toEqual({ status: 200, type: 'DPoP' });
    const cnf = { jkt: await thumbprintOf(key) };
    expect(await introspect(server.issuer, String(body.access_token))).toMatchObject({ active: true, cnf });
  });

  it('is not exchanged without a proof, nor with a proof of another key', async () => {
    const subject = await subjectOf(PLAIN, { key });
    for (const proving of [{}, { key: thiefs }]) {
      const { status, error, body } = await exchange(PLAIN, subject, proving);
      expect({ status, error }).toEqual({ status: 400, error: 'invalid_request' });
      expect(body.error_description).toMatch(/bound to a key/);
    }
  });

  it('is not taken for an actor token without the proof either', async () => {
    const actor = { actor_token: await subjectOf(PLAIN, { key }), actor_token_type: ACCESS_TOKEN };
    const subject = await subjectOf(PLAIN);
    expect((await exchange(PLAIN, subject, {}, actor)).error).toBe('invalid_request');
    expect((await exchange(PLAIN, subject, { key }, actor)).status).toBe(200);
  });

  it('is not exchanged with a proof that was used before, and a refused request uses none up', async () => {
    const subject = await subjectOf(PLAIN, { key });
    const proof = await proofOf(key);
    expect((await exchange(PLAIN, subject, { proof }, { scope: 'fly' })).error).toBe('invalid_scope');
    expect((await exchange(PLAIN, subject, { proof })).status).toBe(200);
    expect((await exchange(PLAIN, subject, { proof })).status).toBe(400);
  });
});

describe('the new token', () => {
  it('is bound to the key of who asks, where the old one was bound to none', async () => {
    const { body } = await exchange(PLAIN, await subjectOf(PLAIN), { key });
    const cnf = { jkt: await thumbprintOf(key) };
    expect(await introspect(server.issuer, String(body.access_token))).toMatchObject({ active: true, cnf });
  });

  it.each<[string, typeof PLAIN, () => Proving]>([
    ['a proof', BY_PROOF, () => ({ key })],
    ['a certificate', BY_CERTIFICATE, () => ({ certificate })],
  ])('is to be had with %s only, where the registration says so', async (_, client, proving) => {
    const subject = await subjectOf(client, proving());
    expect((await exchange(client, subject)).status).toBe(400);
    expect((await exchange(client, subject, proving())).status).toBe(200);
    const form = async () => ({ grant_type: JWT_BEARER, assertion: await assertion() });
    expect((await request(client, await form())).status).toBe(400);
    expect((await request(client, await form(), proving())).status).toBe(200);
  });

  it('of an assertion is bound to the key that is proved', async () => {
    const form = { grant_type: JWT_BEARER, assertion: await assertion(), scope: 'records:read' };
    const { body } = await request(PLAIN, form, { key });
    expect(body.token_type).toBe('DPoP');
    const cnf = { jkt: await thumbprintOf(key) };
    expect(await introspect(server.issuer, String(body.access_token))).toMatchObject({ active: true, cnf });
  });
});

describe('a token that is bound to a certificate (RFC 8705)', () => {
  it('is exchanged with that certificate only, for one that is bound to it as well', async () => {
    const subject = await subjectOf(BY_CERTIFICATE, { certificate });
    const { status, body } = await exchange(BY_CERTIFICATE, subject, { certificate });
    expect(status).toBe(200);
    const cnf = { 'x5t#S256': certificate.thumbprint };
    expect(await introspect(server.issuer, String(body.access_token))).toMatchObject({ active: true, cnf });
    const stolen = await exchange(BY_CERTIFICATE, subject, { certificate: otherCertificate });
    expect(stolen.error).toBe('invalid_request');
  });
});
