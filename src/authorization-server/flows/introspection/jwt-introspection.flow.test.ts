/** Introspection responses as JWTs (RFC 9701), with the same policy as those in JSON. */
import { compactDecrypt, decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair } from 'jose';
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import {
  basicAuth,
  createRelyingParty,
  DEMO_API,
  DEMO_MACHINE,
  DEMO_WEB,
  encode,
  GUEST,
  introspect,
  revoke,
  send,
  type TestClient,
} from '../../../testing/relying-party.ts';

const RESOURCE = 'http://localhost:3001';
const ES256 = { clientId: 'es256-api', secret: 'a-secret-of-the-es256-api' };
const SEALED = { clientId: 'sealed-api', secret: 'a-secret-of-the-sealed-api' };
const JWT = 'application/token-introspection+jwt';

let server: TestServer;
let key: CryptoKey;
beforeAll(async () => {
  server = await startTestServer();
  const { privateKey, publicKey } = await generateKeyPair('ECDH-ES', { extractable: true });
  key = privateKey;
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'enc', use: 'enc' }] };
  const shared = { grant_types: [], resource_server: RESOURCE };
  await server.apply({
    clients: [
      { ...shared, client_id: ES256.clientId, client_secret: ES256.secret, introspection_signed_response_alg: 'ES256' },
      {
        ...shared,
        client_id: SEALED.clientId,
        client_secret: SEALED.secret,
        jwks,
        introspection_encrypted_response_alg: 'ECDH-ES',
        introspection_encrypted_response_enc: 'A256GCM',
      },
    ],
  });
});
afterAll(() => server.stop());

const tokensFor = (scope = 'openid profile records:read', person = { email: 'alice@example.com' }) =>
  createRelyingParty(server.issuer, DEMO_WEB).obtainTokens({ scope }, person);

const ask = (token: string, { clientId, secret = '' }: TestClient = DEMO_API, accept = JWT) =>
  send(server.url('/token/introspection'), {
    method: 'POST',
    headers: { accept, authorization: basicAuth(clientId, secret) },
    body: encode({ token }),
  });

describe('a resource server that accepts a JWT', () => {
  it('gets one that oauth4webapi verifies', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const as = await oauth.processDiscoveryResponse(
      new URL(server.issuer),
      await oauth.discoveryRequest(new URL(server.issuer), insecure),
    );
    const client = { client_id: ES256.clientId, introspection_signed_response_alg: 'ES256' };
    const authentication = oauth.ClientSecretBasic(ES256.secret);
    const { access_token } = await tokensFor();
    const response = await oauth.introspectionRequest(as, client, authentication, access_token, {
      ...insecure,
      requestJwtResponse: true,
    });
    const told = await oauth.processIntrospectionResponse(as, client, response);
    await oauth.validateApplicationLevelSignature(as, response, insecure);
    expect(told).toMatchObject({ active: true, scope: 'openid profile records:read', aud: RESOURCE });
  });

  it('is told what JSON tells, and the algorithm is RS256 unless registered otherwise', async () => {
    const { access_token } = await tokensFor();
    const { headers, text } = await ask(access_token);
    expect(headers.get('content-type')).toMatch(JWT);
    expect(headers.get('cache-control')).toContain('no-store');
    expect(decodeProtectedHeader(text)).toMatchObject({ alg: 'RS256', typ: 'token-introspection+jwt' });
    const { token_introspection, ...about } = decodeJwt(text);
    expect(about).toEqual({ iss: server.issuer, aud: DEMO_API.clientId, iat: expect.any(Number) });
    expect(token_introspection).toEqual(await introspect(server.issuer, access_token));
  });

  it('C38: learns by it nothing that is not its business', async () => {
    const { access_token, refresh_token } = await tokensFor('openid profile');
    for (const [token, caller] of [
      [access_token, DEMO_API],
      [refresh_token, DEMO_API],
      [access_token, DEMO_MACHINE],
      ['nonsense', DEMO_API],
    ] as const) {
      expect(decodeJwt((await ask(token, caller)).text).token_introspection).toEqual({ active: false });
    }
  });

  it('C39: is told of this moment: what the roles permit, and that it was revoked', async () => {
    const { access_token } = await tokensFor('openid records:read', GUEST);
    const told = async () => decodeJwt((await ask(access_token)).text).token_introspection;
    expect(await told()).toMatchObject({ active: true, roles: ['guest'], scope: 'openid records:read' });
    await revoke(server.issuer, access_token, DEMO_WEB);
    expect(await told()).toEqual({ active: false });
  });

  it('gets JSON when it asks for that', async () => {
    const { access_token } = await tokensFor();
    expect((await ask(access_token, ES256, 'application/json')).body).toMatchObject({ active: true });
    expect((await ask(access_token, ES256, '*/*')).body).toMatchObject({ active: true });
  });

  it('gets it encrypted to its key, and not otherwise, where it registered that', async () => {
    const { access_token } = await tokensFor();
    const { text } = await ask(access_token, SEALED);
    const { plaintext, protectedHeader } = await compactDecrypt(text, key);
    expect(protectedHeader).toMatchObject({ alg: 'ECDH-ES', enc: 'A256GCM' });
    expect(decodeJwt(new TextDecoder().decode(plaintext)).token_introspection).toMatchObject({ active: true });
    expect(await ask(access_token, SEALED, 'application/json')).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    });
  });
});
