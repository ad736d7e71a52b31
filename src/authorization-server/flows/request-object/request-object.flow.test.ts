/** Request objects by value (RFC 9101) over HTTP. */
import { base64url, CompactEncrypt, generateKeyPair, importJWK, UnsecuredJWT } from 'jose';
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import {
  ALICE,
  createPkce,
  createRelyingParty,
  DEMO_WEB,
  encode,
  GUEST,
  type Parameters,
  postForm,
  type RelyingParty,
  tokensOf,
} from '../../../testing/relying-party.ts';
import { type ClientKey, createClientKey, signRequest } from '../../../testing/request-object.ts';
import { UserAgent } from '../../../testing/user-agent.ts';

const SIGNING = { ...DEMO_WEB, clientId: 'signing', secret: 'a-secret-of-the-signing-client' };
const MUST_SIGN = { ...DEMO_WEB, clientId: 'must-sign', secret: 'a-secret-of-must-sign' };
const ALGS = ['RS256', 'PS256', 'ES256', 'Ed25519', 'EdDSA'];

let server: TestServer;
let keys: readonly ClientKey[];
let key: ClientKey;
let signing: RelyingParty;
beforeAll(async () => {
  server = await startTestServer();
  keys = await Promise.all(ALGS.map(createClientKey));
  key = keys.find(({ alg }) => alg === 'ES256') as ClientKey;
  signing = createRelyingParty(server.issuer, SIGNING);
  const shared = { redirect_uris: [SIGNING.redirectUri], scope: 'openid profile records:read records:write' };
  await server.apply({
    clients: [
      {
        ...shared,
        client_id: SIGNING.clientId,
        client_secret: SIGNING.secret,
        default_scope: 'openid',
        jwks: { keys: keys.map(({ jwk }) => jwk) },
      },
      {
        ...shared,
        client_id: MUST_SIGN.clientId,
        client_secret: MUST_SIGN.secret,
        jwks: { keys: [key.jwk] },
        require_signed_request_object: true,
        request_object_signing_alg: 'ES256',
      },
    ],
  });
});
afterAll(() => server.stop());

const pkce = createPkce();
const signed = (claims: Readonly<Record<string, unknown>> = {}, client = SIGNING, by = key) =>
  signRequest({ issuer: server.issuer, client, key: by }, claims, pkce);
const urlOf = (request: string, parameters: Parameters = {}, client = SIGNING) =>
  server.url(`/auth?${encode({ client_id: client.clientId, request, ...parameters })}`);

/** The answer that the client gets, as an object. */
async function answerTo(url: string, person = ALICE): Promise<Record<string, string>> {
  return Object.fromEntries((await new UserAgent(server.issuer).authorize(url, person)).searchParams);
}

async function grantedScope(claims: Readonly<Record<string, unknown>>, person = ALICE) {
  const { code = '' } = await answerTo(urlOf(await signed({ ...claims })), person);
  return tokensOf(await signing.exchange({ code, verifier: pkce.verifier })).scope;
}

describe('a signed request object', () => {
  it('is made by oauth4webapi, and answered', async () => {
    const parameters = { response_type: 'code', redirect_uri: SIGNING.redirectUri, scope: 'openid', state: 'library' };
    const challenge = { code_challenge: pkce.challenge, code_challenge_method: 'S256' };
    const request = await oauth.issueRequestObject(
      { issuer: server.issuer },
      { client_id: SIGNING.clientId },
      { ...parameters, ...challenge },
      { key: key.privateKey, kid: key.jwk.kid ?? '' },
    );
    const { code = '', state } = await answerTo(urlOf(request));
    expect(state).toBe('library');
    expect((await signing.exchange({ code, verifier: pkce.verifier })).status).toBe(200);
  });

  it.each(ALGS)('may be signed by %s, as discovery says', async (alg) => {
    const { body } = await postForm(
      server.url('/request'),
      {
        client_id: SIGNING.clientId,
        request: await signed(
          { scope: 'openid' },
          SIGNING,
          keys.find((one) => one.alg === alg),
        ),
      },
      SIGNING,
    );
    expect(body).toHaveProperty('request_uri');
    const response = await fetch(server.url('/.well-known/openid-configuration'));
    expect((await response.json()).request_object_signing_alg_values_supported).toContain(alg);
  });

  it('is what counts: of what stands beside it nothing does', async () => {
    const url = urlOf(await signed({ scope: 'openid' }), { scope: 'openid profile', state: 'another', prompt: 'none' });
    expect(await answerTo(url)).toMatchObject({ code: expect.any(String), state: 'a-state' });
    const { code = '' } = await answerTo(url);
    expect(tokensOf(await signing.exchange({ code, verifier: pkce.verifier })).scope).toBe('openid');
  });

  it('C11: brings the scope that it asks for, as far as it may be granted', async () => {
    expect(await grantedScope({ scope: 'openid records:write nonsense' })).toBe('openid records:write');
    expect(await grantedScope({ scope: 'openid records:write' }, GUEST)).toBe('openid');
    const refused = await answerTo(urlOf(await signed({ scope: 'nonsense' })));
    expect(refused).toMatchObject({ error: 'invalid_scope', error_description: expect.stringContaining('nonsense') });
  });

  it('C10: without a scope brings the default one, whatever stands beside it', async () => {
    expect(await grantedScope({})).toBe('openid');
    const { code = '' } = await answerTo(urlOf(await signed(), { scope: 'openid profile' }));
    expect(tokensOf(await signing.exchange({ code, verifier: pkce.verifier })).scope).toBe('openid');
  });

  it('can be pushed, and is read when it is answered', async () => {
    const request = await signed({ scope: 'openid profile', state: 'pushed' });
    const { body } = await postForm(server.url('/request'), { client_id: SIGNING.clientId, request }, SIGNING);
    const url = server.url(`/auth?${encode({ client_id: SIGNING.clientId, request_uri: String(body.request_uri) })}`);
    const { code = '', state } = await answerTo(url);
    expect(state).toBe('pushed');
    expect(tokensOf(await signing.exchange({ code, verifier: pkce.verifier })).scope).toBe('openid profile');
  });
});

describe('an encrypted request object', () => {
  const encrypted = async (request: string, enc = 'A256GCM') => {
    const { keys: published } = await (await fetch(server.url('/jwks'))).json();
    const to = published.find(({ use }: { use: string }) => use === 'enc');
    const header = { alg: 'ECDH-ES', enc, kid: to.kid, cty: 'JWT' };
    return new CompactEncrypt(new TextEncoder().encode(request))
      .setProtectedHeader(header)
      .encrypt(await importJWK(to, 'ECDH-ES'));
  };

  it('is answered, with the scope that is inside', async () => {
    const request = await encrypted(await signed({ scope: 'openid nonsense', state: 'secret' }));
    const { code = '', state } = await answerTo(urlOf(request, { scope: 'openid profile' }));
    expect(state).toBe('secret');
    expect(tokensOf(await signing.exchange({ code, verifier: pkce.verifier })).scope).toBe('openid');
  });

  it('can be pushed, also by another node’s key, which is the same', async () => {
    const node = await server.addNode();
    for (const enc of ['A128CBC-HS256', 'A128GCM', 'A256CBC-HS512', 'A256GCM']) {
      const request = await encrypted(await signed({ scope: 'openid' }), enc);
      const parameters = { client_id: SIGNING.clientId, request };
      const { body } = await postForm(new URL('/request', node).href, parameters, SIGNING);
      const reference = { client_id: SIGNING.clientId, request_uri: String(body.request_uri) };
      expect(await answerTo(server.url(`/auth?${encode(reference)}`))).toHaveProperty('code');
    }
  });

  it('is refused when nobody signed what is inside, or it is not for this server', async () => {
    const unsigned = await encrypted(JSON.stringify({ client_id: SIGNING.clientId, response_type: 'code' }));
    const { publicKey } = await generateKeyPair('ECDH-ES');
    const elsewhere = await new CompactEncrypt(new TextEncoder().encode(await signed()))
      .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM' })
      .encrypt(publicKey);
    for (const request of [unsigned, elsewhere, 'a.b.c.d.e']) {
      const { body } = await postForm(server.url('/request'), { client_id: SIGNING.clientId, request }, SIGNING);
      expect(body).toMatchObject({ error: 'invalid_request_object' });
    }
  });
});

describe('a client that must sign', () => {
  it('is answered when it does, and not when it does not', async () => {
    const request = await signed({ scope: 'openid' }, MUST_SIGN);
    expect(await answerTo(urlOf(request, {}, MUST_SIGN))).toHaveProperty('code');
    const plain = createRelyingParty(server.issuer, MUST_SIGN).authorizationUrl({ scope: 'openid' });
    expect(await answerTo(plain)).toMatchObject({ error: 'invalid_request', state: 'a-state' });
    const { searchParams } = new URL(plain);
    expect(await postForm(server.url('/request'), Object.fromEntries(searchParams), MUST_SIGN)).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    });
  });
});

/** Error by error: at the page of the authorization server, because nothing in the object is to be trusted. */
describe('a request object that does not hold', () => {
  const now = Math.floor(Date.now() / 1000);
  const refusal = async (request: string, parameters: Parameters = {}) =>
    (await postForm(server.url('/request'), { client_id: SIGNING.clientId, request, ...parameters }, SIGNING)).body;

  it.each([
    ['is for another server', { aud: 'https://other.example' }],
    ['is for no server', { aud: undefined }],
    ['is of nobody', { iss: undefined }],
    ['is of another client', { iss: 'demo-web' }],
    ['names another client', { client_id: 'demo-web' }],
    ['has expired', { exp: now - 3600 }],
    ['holds later', { nbf: now + 3600 }],
    ['holds another one', { request: 'a.b.c' }],
    ['holds a reference', { request_uri: 'https://client.example/' }],
  ] as const)('because it %s is refused', async (_what, claims) => {
    expect(await refusal(await signed(claims))).toMatchObject({ error: 'invalid_request_object' });
  });

  it('because its signature is another client’s, altered or absent is refused', async () => {
    const stranger = await createClientKey('ES256');
    const [header = '', , signature = ''] = (await signed()).split('.');
    const forged = base64url.encode(JSON.stringify({ iss: 'signing', aud: server.issuer, client_id: 'signing' }));
    const unsecured = new UnsecuredJWT({ client_id: 'signing', response_type: 'code' })
      .setIssuer('signing')
      .setAudience(server.issuer)
      .encode();
    const requests = [
      await signed({}, SIGNING, stranger),
      `${header}.${forged}.${signature}`,
      unsecured,
      'nonsense',
      'a.b.c',
    ];
    for (const request of requests) {
      expect(await refusal(request)).toMatchObject({ error: 'invalid_request_object' });
    }
  });

  it('because it was signed with what everybody knows is refused', async () => {
    const secret = new TextEncoder().encode(SIGNING.secret);
    const request = await signed({}, SIGNING, { ...key, alg: 'HS256', privateKey: secret as never });
    expect(await refusal(request)).toMatchObject({ error: 'invalid_request_object' });
  });

  it('leads a browser to no address that only it names', async () => {
    const stranger = await createClientKey('ES256');
    const request = await signed({ redirect_uri: 'https://evil.example/' }, SIGNING, stranger);
    const visit = await new UserAgent(server.issuer).get(urlOf(request));
    expect(new URL(visit.url).origin).not.toBe('https://evil.example');
  });

  it('C13: together with a reference is refused', async () => {
    const visit = await new UserAgent(server.issuer).get(urlOf(await signed(), { request_uri: 'urn:example:x' }));
    expect(`${visit.url} ${visit.html}`).toContain('invalid_request');
  });
});
