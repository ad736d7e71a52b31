import type { RequestListener } from 'node:http';
import { exportJWK, generateKeyPair, type JWK, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startApplication } from '../../testing/application.ts';
import { CannotVerify, UnusableToken, type Verify } from './access-token.ts';
import { discovery } from './discovery.ts';
import { Revocations } from './revocations.ts';
import { SigningKeys } from './signing-keys.ts';
import { createVerify } from './strategy.ts';

const LEDGER = 'https://ledger.example/api';
const NOTHING_SAID = { scopes: undefined };

function strategy(issuer: string, now: () => number = Date.now): Verify {
  const found = discovery(issuer, 30_000);
  return createVerify('jwt', {
    issuer,
    audience: LEDGER,
    discovery: found,
    keys: new SigningKeys({ discovery: found, timeoutMs: 30_000, now }),
    client: undefined,
    timeoutMs: 30_000,
    logger: { warn: () => undefined },
    revocations: new Revocations(),
    live: () => false,
  });
}

describe('a JWT access token of any server', () => {
  let issuer: string;
  let stop: () => void;
  let published: { keys: JWK[] };
  let answers = true;
  let asked = 0;
  let signs: readonly string[] | undefined;
  let key: Awaited<ReturnType<typeof createKey>>;

  async function createKey(kid: string, alg = 'ES256') {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    return {
      privateKey,
      jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' },
      header: { alg, kid, typ: 'at+jwt' },
    };
  }

  beforeAll(async () => {
    key = await createKey('first');
    const listener =
      (url: string): RequestListener =>
      (request, response) => {
        if (request.url === '/jwks') {
          asked += 1;
        }
        response.statusCode = answers ? 200 : 500;
        const algs = signs && { id_token_signing_alg_values_supported: signs };
        response.end(
          JSON.stringify(request.url === '/jwks' ? published : { issuer: url, jwks_uri: `${url}/jwks`, ...algs }),
        );
      };
    ({ url: issuer, stop } = await startApplication(listener));
  });
  afterAll(() => stop());
  beforeEach(() => {
    published = { keys: [key.jwk] };
    answers = true;
    asked = 0;
    signs = undefined;
  });

  const now = () => Math.floor(Date.now() / 1000);
  const claims = () => ({
    ...{ iss: issuer, aud: LEDGER, sub: 'alice', client_id: 'web', jti: 'an-id', iat: now(), exp: now() + 300 },
    ...{ scope: 'a b', roles: ['user'], acr: 'mfa', auth_time: 5, cnf: { jkt: 'thumbprint' } },
  });
  const sign = (more: object = {}, by = key, header: object = {}) =>
    new SignJWT({ ...claims(), ...more }).setProtectedHeader({ ...by.header, ...header }).sign(by.privateKey);

  it('tells what it says', async () => {
    expect(await strategy(issuer)(await sign(), NOTHING_SAID)).toMatchObject({
      accessToken: {
        ...{ subject: 'alice', clientId: 'web', scopes: new Set(['a', 'b']), roles: ['user'], acr: 'mfa' },
        ...{ authTime: new Date(5000), confirmation: { jkt: 'thumbprint' } },
      },
      objection: undefined,
    });
    const ofMachine = await strategy(issuer)(await sign({ sub: 'web' }), NOTHING_SAID);
    expect(ofMachine?.accessToken.subject).toBeUndefined();
  });

  it.each<[string, object]>([
    ['from another issuer', { iss: 'https://other.example' }],
    ['that has expired', { exp: now() - 10 }],
    ['that is not good yet', { nbf: now() + 600 }],
    ['without a client', { client_id: undefined }],
    ['without an id', { jti: undefined }],
    ['without an end', { exp: undefined }],
    ['whose client is no name', { client_id: ['web'] }],
  ])('is refused when it is one %s', async (_, more) => {
    expect(await strategy(issuer)(await sign(more), NOTHING_SAID)).toBeUndefined();
  });

  it('lets clocks differ by seconds, and says so where they differ by more', async () => {
    expect(await strategy(issuer)(await sign({ exp: now() - 2, iat: now() + 2 }), NOTHING_SAID)).toBeDefined();
    await expect(strategy(issuer)(await sign({ iat: now() + 600 }), NOTHING_SAID)).rejects.toThrow(UnusableToken);
  });

  it('is refused when nobody has signed it, somebody else, or anybody could have', async () => {
    const verify = strategy(issuer);
    const stranger = await createKey('first');
    const secret = new TextEncoder().encode(JSON.stringify(key.jwk).padEnd(64, ' '));
    const symmetric = new SignJWT(claims())
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: 'first' })
      .sign(secret);
    const [head = '', , signature = ''] = (await sign()).split('.');
    const altered = Buffer.from(JSON.stringify({ ...claims(), scope: 'admin' })).toString('base64url');
    expect(await verify(await sign({}, stranger), NOTHING_SAID)).toBeUndefined();
    expect(await verify(await symmetric, NOTHING_SAID)).toBeUndefined();
    expect(await verify(`${head}.${altered}.${signature}`, NOTHING_SAID)).toBeUndefined();
    await expect(verify(new UnsecuredJWT(claims()).encode(), NOTHING_SAID)).rejects.toThrow(/opaque/);
    await expect(verify(await sign({}, key, { typ: 'JWT' }), NOTHING_SAID)).rejects.toThrow(/not an access token/);
  });

  it('is refused when its algorithm is none of those that the server names', async () => {
    signs = ['RS256', 'HS256'];
    expect(await strategy(issuer)(await sign(), NOTHING_SAID)).toBeUndefined();
    signs = ['RS256', 'ES256'];
    expect(await strategy(issuer)(await sign(), NOTHING_SAID)).toBeDefined();
  });

  it('C73: is good with a key that came later, which is looked for once in a while', async () => {
    let time = 0;
    const verify = strategy(issuer, () => time);
    const second = await createKey('second');
    expect(await verify(await sign(), NOTHING_SAID)).toBeDefined();
    published = { keys: [key.jwk, second.jwk] };
    // Somebody who sends unknown keys makes this server ask no more than that.
    await Promise.all(
      Array.from({ length: 5 }, async (_, n) => verify(await sign({}, second, { kid: `${n}` }), NOTHING_SAID)),
    );
    expect(asked).toBe(1);
    time = 3000;
    expect(await verify(await sign({}, second), NOTHING_SAID)).toBeDefined();
    expect(asked).toBe(2);
    published = { keys: [second.jwk] };
    time += 10 * 60_000;
    await verify(await sign({}, second), NOTHING_SAID);
    await expect.poll(async () => verify(await sign(), NOTHING_SAID)).toBeUndefined();
  });

  it('C86: is good for an hour while the server is away, and then nobody knows; one with an unknown key at once', async () => {
    let time = 0;
    const verify = strategy(issuer, () => time);
    const stranger = await createKey('unknown');
    expect(await verify(await sign(), NOTHING_SAID)).toBeDefined();
    answers = false;
    time = 59 * 60_000;
    expect(await verify(await sign(), NOTHING_SAID)).toBeDefined();
    await expect(verify(await sign({}, stranger), NOTHING_SAID)).rejects.toThrow(CannotVerify);
    time = 61 * 60_000;
    await expect(verify(await sign(), NOTHING_SAID)).rejects.toThrow(CannotVerify);
    answers = true;
    time += 3000;
    expect(await verify(await sign(), NOTHING_SAID)).toBeDefined();
    await expect(strategy('http://127.0.0.1:9')(await sign(), NOTHING_SAID)).rejects.toThrow(CannotVerify);
  });
});
