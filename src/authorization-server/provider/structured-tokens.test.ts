import { createPublicKey } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import type { SigningAlg, SigningKey } from './signing-keys.ts';
import { createVerifyAccessToken, type VerifyAccessToken } from './structured-tokens.ts';

const ISSUER = 'https://as.example';

let ours: SigningKey;
let theirs: SigningKey;
let verify: VerifyAccessToken;
beforeAll(async () => {
  [ours, theirs] = await Promise.all([createKey('ES256'), createKey('ES256')]);
  verify = createVerifyAccessToken(ISSUER, [ours, await createKey('RS256')]);
});

async function createKey(alg: SigningAlg): Promise<SigningKey> {
  const jwk = await exportJWK((await generateKeyPair(alg, { extractable: true })).privateKey);
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg, use: 'sig' };
}

interface Parts {
  readonly key?: SigningKey;
  readonly header?: object;
  readonly iss?: string;
  readonly exp?: number;
}

async function sign({ key = ours, header = {}, iss = ISSUER, exp = Date.now() / 1000 + 60 }: Parts) {
  return new SignJWT({ iss, exp: Math.floor(exp), jti: 'the-jti' })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: ours.kid, ...header })
    .sign(await importJWK(key, 'ES256'));
}

describe('an access token in the form of a JWT', () => {
  it('is known by its jti when this server signed it', async () => {
    expect(await verify(await sign({}))).toBe('the-jti');
    expect(await verify(await sign({ header: { typ: 'application/at+jwt' } }))).toBe('the-jti');
  });

  it.each<[string, () => Parts]>([
    ['of another issuer', () => ({ iss: 'https://elsewhere.example' })],
    ['that has expired', () => ({ exp: Date.now() / 1000 - 1 })],
    ['signed by another key under the name of ours', () => ({ key: theirs })],
    ['that names another key', () => ({ key: theirs, header: { kid: theirs.kid } })],
    ['of another type: an ID token, or a logout token', () => ({ header: { typ: 'JWT' } })],
    ['of no type', () => ({ header: { typ: undefined } })],
  ])('C37: is nothing when it is one %s', async (_, parts) => {
    expect(await verify(await sign(parts()))).toBeUndefined();
  });

  it('C37: is nothing without a signature, or with one made from what everybody knows', async () => {
    const token = await sign({});
    const [header = '', payload = '', signature = ''] = token.split('.');
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url');
    const publicKey = createPublicKey({ key: ours as never, format: 'jwk' }).export({ format: 'pem', type: 'spki' });
    const symmetric = await new SignJWT({ iss: ISSUER, jti: 'the-jti' })
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' })
      .sign(Buffer.from(publicKey));
    const other = Buffer.from(JSON.stringify({ iss: ISSUER, jti: 'another' })).toString('base64url');
    for (const forged of [
      `${none}.${payload}.`,
      symmetric,
      `${header}.${payload}.`,
      `${header}.${other}.${signature}`,
      `${header}.${payload}.${signature}.`,
      `${token}A`,
      '.',
      '..',
      '...',
      'e30.e30.e30',
      `${'.'.repeat(10_000)}`,
    ]) {
      expect(await verify(forged)).toBeUndefined();
    }
  });
});
