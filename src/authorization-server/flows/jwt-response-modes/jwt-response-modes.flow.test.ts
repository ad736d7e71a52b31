/** JARM over HTTP: authorization responses as JWTs, checked by a client that somebody else wrote. */
import { compactDecrypt, createRemoteJWKSet, decodeProtectedHeader, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openidClient from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { CAPABLE_REGISTRATION } from '../../../testing/capable-client.ts';
import { ALICE, createPkce, createRelyingParty, DEMO_WEB, type Parameters } from '../../../testing/relying-party.ts';
import { UserAgent, type Visit } from '../../../testing/user-agent.ts';

const PLAIN = {
  clientId: 'plain',
  secret: 'a-secret-of-the-plain-client',
  redirectUri: 'http://localhost:3002/capable',
};
const ENCRYPTED = { ...PLAIN, clientId: 'encrypted' };
const LOST_KEY = { ...PLAIN, clientId: 'lost-key' };

let server: TestServer;
let key: CryptoKey;
beforeAll(async () => {
  server = await startTestServer();
  const { privateKey, publicKey } = await generateKeyPair('RSA-OAEP-256', { extractable: true });
  key = privateKey;
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'enc', use: 'enc' }] };
  const shared = { ...CAPABLE_REGISTRATION, client_secret: PLAIN.secret, authorization_signed_response_alg: 'ES256' };
  const encrypted = {
    authorization_encrypted_response_alg: 'RSA-OAEP-256',
    authorization_encrypted_response_enc: 'A256GCM',
  };
  await server.apply({
    clients: [
      { ...shared, client_id: PLAIN.clientId },
      { ...shared, ...encrypted, client_id: ENCRYPTED.clientId, jwks },
      { ...shared, ...encrypted, client_id: LOST_KEY.clientId, jwks_uri: 'http://localhost:1/jwks' },
    ],
  });
});
afterAll(() => server.stop());

const pkce = createPkce();
const requestOf = (client: typeof PLAIN, parameters: Parameters) =>
  createRelyingParty(server.issuer, client).authorizationUrl(
    { scope: 'openid', nonce: 'a-nonce', ...parameters },
    pkce,
  );

/** The one parameter of the answer, and where it was. */
async function answer(parameters: Parameters, client = PLAIN) {
  const browser = new UserAgent(server.issuer);
  const { search, hash } = await browser.authorize(requestOf(client, parameters), ALICE);
  const [place, text] = hash === '' ? ['query', search] : ['fragment', hash.slice(1)];
  const found = new URLSearchParams(text);
  expect([...found.keys()], text).toEqual(['response']);
  return { place, response: found.get('response') ?? '' };
}

async function verified(jwt: string, client = PLAIN) {
  const keys = createRemoteJWKSet(new URL(server.url('/jwks')));
  return jwtVerify(jwt, keys, { issuer: server.issuer, audience: client.clientId });
}

describe('a signed answer', () => {
  it('is understood by openid-client', async () => {
    const metadata = { client_secret: PLAIN.secret, authorization_signed_response_alg: 'ES256' };
    const config = await openidClient.discovery(new URL(server.issuer), PLAIN.clientId, metadata, undefined, {
      execute: [openidClient.allowInsecureRequests],
    });
    openidClient.useJwtResponseMode(config);
    const url = openidClient.buildAuthorizationUrl(config, {
      redirect_uri: PLAIN.redirectUri,
      scope: 'openid',
      state: 'of-the-library',
      code_challenge: pkce.challenge,
      code_challenge_method: 'S256',
    });
    expect(url.searchParams.get('response_mode')).toBe('jwt');
    const callback = await new UserAgent(server.issuer).authorize(url.href, ALICE);
    const checks = { expectedState: 'of-the-library', pkceCodeVerifier: pkce.verifier };
    expect((await openidClient.authorizationCodeGrant(config, callback, checks)).id_token).toBeTruthy();
  });

  it('is verified by oauth4webapi, and so is a refusal', async () => {
    const as = await oauth.processDiscoveryResponse(
      new URL(server.issuer),
      await oauth.discoveryRequest(new URL(server.issuer), { [oauth.allowInsecureRequests]: true }),
    );
    const client = { client_id: PLAIN.clientId, authorization_signed_response_alg: 'ES256' };
    const insecure = { [oauth.allowInsecureRequests]: true };
    const callbackOf = async (parameters: Parameters) => {
      const browser = new UserAgent(server.issuer);
      return browser.authorize(requestOf(PLAIN, { response_mode: 'jwt', ...parameters }), ALICE);
    };
    const answered = await oauth.validateJwtAuthResponse(as, client, await callbackOf({}), 'a-state', insecure);
    expect(answered.get('code')).toBeTruthy();
    const refused = await callbackOf({ scope: 'nonsense', nonce: undefined });
    await expect(oauth.validateJwtAuthResponse(as, client, refused, 'a-state', insecure)).rejects.toMatchObject({
      error: 'invalid_scope',
    });
  });

  it.each([
    ['jwt', 'code', 'query'],
    ['jwt', 'id_token', 'fragment'],
    ['query.jwt', 'code', 'query'],
    ['fragment.jwt', 'code', 'fragment'],
    ['fragment.jwt', 'code id_token token', 'fragment'],
  ] as const)(
    'C90: by %s for %s comes in the %s, with issuer and state inside',
    async (response_mode, response_type, where) => {
      const { place, response } = await answer({ response_mode, response_type });
      expect(place).toBe(where);
      const { payload, protectedHeader } = await verified(response);
      expect(protectedHeader.alg).toBe('ES256');
      expect(payload).toMatchObject({ state: 'a-state', iss: server.issuer, aud: PLAIN.clientId });
      expect((payload.exp ?? 0) - Date.now() / 1000).toBeLessThanOrEqual(600);
      for (const word of response_type.split(' ')) {
        expect(payload).toHaveProperty(word === 'token' ? 'access_token' : word);
      }
    },
  );

  it('C90: by form_post.jwt comes in a form that sends itself', async () => {
    const browser = new UserAgent(server.issuer);
    await browser.authorize(requestOf(PLAIN, {}), ALICE);
    const visit: Visit = await browser.get(requestOf(PLAIN, { response_mode: 'form_post.jwt' }));
    expect(visit.html).toContain(`action="${PLAIN.redirectUri}"`);
    const response = visit.html.match(/name="response" value="([^"]+)"/)?.[1] ?? '';
    expect((await verified(response)).payload).toHaveProperty('code');
    expect(visit.html).not.toContain('name="code"');
  });

  it('C36b: by query.jwt is refused for what belongs in a fragment, unless it is encrypted', async () => {
    const tokens = { response_mode: 'query.jwt', response_type: 'id_token token' };
    const { response } = await answer(tokens);
    expect((await verified(response)).payload).toMatchObject({ error: 'invalid_request' });
    expect((await answer(tokens, ENCRYPTED)).place).toBe('query');
  });
});

describe('an encrypted answer', () => {
  it('is for the client alone, and signed inside', async () => {
    const { response } = await answer({ response_mode: 'jwt' }, ENCRYPTED);
    expect(decodeProtectedHeader(response)).toMatchObject({
      alg: 'RSA-OAEP-256',
      enc: 'A256GCM',
      kid: 'enc',
      cty: 'JWT',
    });
    const { plaintext } = await compactDecrypt(response, key);
    const { payload } = await verified(new TextDecoder().decode(plaintext), ENCRYPTED);
    expect(payload).toMatchObject({ code: expect.any(String), state: 'a-state' });
  });

  it('that cannot be made, because the client’s key is not to be had, ends at a page and not in a failure', async () => {
    const browser = new UserAgent(server.issuer);
    await browser.authorize(requestOf(PLAIN, {}), ALICE);
    await browser.authorize(requestOf(LOST_KEY, {}), ALICE);
    const visit = await browser.get(requestOf(LOST_KEY, { response_mode: 'jwt' }));
    expect(visit.status).toBe(400);
    expect(visit.html).toContain('invalid_client_metadata');
  });

  it('C75: is offered with keys of the client only, never with its secret', async () => {
    const registration = {
      ...CAPABLE_REGISTRATION,
      client_id: 'symmetric',
      authorization_encrypted_response_alg: 'A128KW',
    };
    await expect(server.apply({ clients: [registration] })).rejects.toThrow(/authorization_encrypted_response_alg/);
    const metadata = await (await fetch(server.url('/.well-known/openid-configuration'))).json();
    expect(metadata.authorization_encryption_alg_values_supported).toEqual(['RSA-OAEP', 'RSA-OAEP-256', 'ECDH-ES']);
    expect(metadata.authorization_signing_alg_values_supported).toEqual(['RS256', 'ES256']);
  });
});

it('an answer in the clear stays as it was', async () => {
  const { searchParams } = await new UserAgent(server.issuer).authorize(
    createRelyingParty(server.issuer, DEMO_WEB).authorizationUrl({ scope: 'openid' }),
  );
  expect([...searchParams.keys()].sort()).toEqual(['code', 'iss', 'state']);
});
