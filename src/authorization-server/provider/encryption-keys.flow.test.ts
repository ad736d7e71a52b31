/** Keys that a client publishes at an address of its own: nobody looked at them when it was registered. */
import { generateKeyPairSync } from 'node:crypto';
import { compactDecrypt, exportJWK, generateKeyPair, type JWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { type DocumentHost, startDocumentHost } from '../../testing/document-host.ts';
import { createRelyingParty, DEMO_WEB } from '../../testing/relying-party.ts';

const SECRET = 'a-secret-of-the-clients-with-keys';
const SIGNING_KEY = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
const SHORT_KEY = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
const NO_POINT = { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA' };

let server: TestServer;
let host: DocumentHost;
beforeAll(async () => {
  [server, host] = await Promise.all([startTestServer(), startDocumentHost()]);
});
afterAll(() => Promise.all([server.stop(), host.stop()]));

/** What the client gets that asked for encrypted ID tokens, with these keys at its address. */
async function exchangeWith(alg: string, keys: readonly JWK[]) {
  const clientId = crypto.randomUUID();
  const registration = {
    client_id: clientId,
    client_secret: SECRET,
    redirect_uris: [DEMO_WEB.redirectUri],
    scope: 'openid',
    jwks_uri: host.serve(`/${clientId}`, { keys }),
    id_token_encrypted_response_alg: alg,
  };
  await server.apply({ clients: [registration] });
  const party = createRelyingParty(server.issuer, { ...DEMO_WEB, clientId, secret: SECRET });
  return party.exchange(await party.authorize({ scope: 'openid' }));
}

describe('an ID token', () => {
  it('is encrypted to the key that can be used for that, whichever others stand before it', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ECDH-ES', { extractable: true });
    const { status, body } = await exchangeWith('ECDH-ES', [SIGNING_KEY, NO_POINT, await exportJWK(publicKey)]);
    expect(status).toBe(200);
    const { plaintext } = await compactDecrypt(String(body.id_token), privateKey);
    expect(new TextDecoder().decode(plaintext)).toMatch(/^ey[\w-]+\.[\w-]+\.[\w-]+$/);
  });

  it.each([
    ['a key that only signs', 'ECDH-ES', SIGNING_KEY],
    ['what is no key', 'ECDH-ES', NO_POINT],
    ['an RSA key of 1024 bits', 'RSA-OAEP-256', SHORT_KEY],
  ])('C103: is not encrypted to %s, and the client is told', async (_what, alg, key) => {
    expect(await exchangeWith(alg, [key])).toMatchObject({
      status: 400,
      body: { error_description: `no suitable encryption key found (${alg})` },
    });
  });
});

it('a short RSA key is refused when it is registered (RFC 7518 section 3.3)', async () => {
  const client = { client_id: 'short', client_secret: SECRET, redirect_uris: [DEMO_WEB.redirectUri], scope: 'openid' };
  await expect(server.apply({ clients: [{ ...client, jwks: { keys: [SHORT_KEY] } }] })).rejects.toThrow(/2048 bits/);
});
