/** How claims reach a client: the `claims` parameter, and ID tokens and userinfo that are signed and encrypted. */
import { compactDecrypt, decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, type JWK } from 'jose';
import * as openidClient from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import {
  ALICE,
  createPkce,
  createRelyingParty,
  DEMO_WEB,
  type Parameters,
  type RelyingParty,
  send,
} from '../../testing/relying-party.ts';
import { UserAgent } from '../../testing/user-agent.ts';

const BY_ALG = ['RSA-OAEP', 'RSA-OAEP-256', 'ECDH-ES'] as const;
const SECRET = 'a-secret-of-the-clients-with-keys';
const SIGNED = { clientId: 'signed', secret: SECRET, redirectUri: DEMO_WEB.redirectUri };

let server: TestServer;
let web: RelyingParty;
let keys: Map<string, CryptoKey>;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
  keys = new Map();
  const shared = { client_secret: SECRET, redirect_uris: [DEMO_WEB.redirectUri], scope: 'openid profile email' };
  const clients = await Promise.all(
    BY_ALG.map(async (alg) => ({
      ...shared,
      client_id: alg,
      jwks: { keys: [await publicKeyFor(alg)] },
      id_token_encrypted_response_alg: alg,
      userinfo_signed_response_alg: 'ES256',
      userinfo_encrypted_response_alg: alg,
      userinfo_encrypted_response_enc: 'A256GCM',
    })),
  );
  const signed = { ...shared, client_id: SIGNED.clientId, userinfo_signed_response_alg: 'RS256' };
  await server.apply({ clients: [...clients, signed] });
});
afterAll(() => server.stop());

async function publicKeyFor(alg: string): Promise<JWK> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  keys.set(alg, privateKey);
  return { ...(await exportJWK(publicKey)), kid: `key-${alg}`, use: 'enc', alg };
}

const userinfo = async (accessToken: string) =>
  send(server.url('/me'), { headers: { authorization: `Bearer ${accessToken}` } });

describe('the claims parameter', () => {
  const asking = (claims: object, more: Parameters = {}): Parameters => ({
    scope: 'openid',
    claims: JSON.stringify(claims),
    ...more,
  });

  it('brings single claims into the ID token and to userinfo, each where it was asked for', async () => {
    const tokens = await web.obtainTokens(
      asking({ id_token: { email: null }, userinfo: { name: { essential: true } } }),
    );
    expect(decodeJwt(tokens.id_token)).toMatchObject({ email: ALICE.email });
    expect(decodeJwt(tokens.id_token)).not.toHaveProperty('name');
    const { body } = await userinfo(tokens.access_token);
    expect(Object.keys(body).sort()).toEqual(['name', 'sub']);
  });

  it('keeps to what was asked for when the token is refreshed', async () => {
    const first = await web.obtainTokens(asking({ userinfo: { email: null } }));
    const { body } = await web.refresh(first.refresh_token);
    expect(Object.keys((await userinfo(String(body.access_token))).body).sort()).toEqual(['email', 'sub']);
  });

  it('is shown at consent, claim by claim, and only as far as it is asked for', async () => {
    const browser = new UserAgent(server.issuer);
    const request = web.authorizationUrl(
      asking({ id_token: { birthdate: null }, userinfo: { email: null, name: null } }),
    );
    const consent = await browser.signIn(await browser.get(request), ALICE);
    const shown = [...consent.html.matchAll(/data-scope="([^"]+)"/g)].map(([, scope]) => scope);
    expect(shown.sort()).toEqual(['claim:birthdate', 'claim:email', 'claim:name', 'openid']);
    await browser.approve(consent);
    const next = await browser.get(
      web.authorizationUrl(asking({ userinfo: { nickname: null } }, { prompt: 'consent' })),
    );
    expect([...next.html.matchAll(/data-scope="([^"]+)"/g)].map(([, scope]) => scope)).toEqual([
      'openid',
      'claim:nickname',
    ]);
  });

  it('says nothing twice at consent', async () => {
    const browser = new UserAgent(server.issuer);
    const request = web.authorizationUrl(asking({ userinfo: { email: null } }, { scope: 'openid email' }));
    const consent = await browser.signIn(await browser.get(request), ALICE);
    expect(consent.html.match(/see your email address/gi)).toHaveLength(1);
  });

  it('is not needed again for what was allowed', async () => {
    const browser = new UserAgent(server.issuer);
    await web.authorize(asking({ userinfo: { name: null } }), ALICE, browser);
    const again = await browser.get(web.authorizationUrl(asking({ userinfo: { name: null } }, { prompt: 'none' })));
    expect(again.url).toContain('code=');
    const more = await browser.get(web.authorizationUrl(asking({ userinfo: { gender: null } }, { prompt: 'none' })));
    expect(more.url).toContain('error=consent_required');
  });

  it('asks for a certain account by its subject', async () => {
    const { sub } = decodeJwt((await web.obtainTokens({ scope: 'openid' })).id_token);
    const browser = new UserAgent(server.issuer);
    await web.authorize({ scope: 'openid' }, ALICE, browser);
    const mine = asking({ id_token: { sub: { value: sub } } }, { prompt: 'none' });
    expect((await browser.get(web.authorizationUrl(mine))).url).toContain('code=');
    const another = asking({ id_token: { sub: { value: 'somebody else' } } }, { prompt: 'none' });
    expect((await browser.get(web.authorizationUrl(another))).url).toContain('error=login_required');
  });

  it.each([
    'nonsense',
    '[]',
    '{}',
    '{"userinfo":[]}',
    '{"id_token":"x"}',
    'null',
    '"x"',
    '{"userinfo":{"__proto__":null}',
  ])('C103: %s is refused', async (claims) => {
    const { searchParams } = await new UserAgent(server.issuer).authorize(
      web.authorizationUrl({ scope: 'openid', claims }),
    );
    expect(searchParams.get('error')).toBe('invalid_request');
  });

  it.each(['"x"', '7', '[]', 'true'])('C103: with %s in place of how a claim is asked for is refused', async (how) => {
    for (const claims of [
      `{"id_token":{"sub":${how}}}`,
      `{"userinfo":{"email":${how}}}`,
      `{"id_token":{"acr":${how}}}`,
    ]) {
      const request = web.authorizationUrl({ scope: 'openid', claims });
      const { searchParams } = await new UserAgent(server.issuer).authorize(request);
      expect(searchParams.get('error'), claims).toBe('invalid_request');
    }
  });

  it('with an essential acr that nobody here can have fails at once, and asks nobody to sign in for nothing', async () => {
    for (const [wanted, error] of [
      [{ value: 'urn:strong' }, 'unmet_authentication_requirements'],
      [{ values: ['urn:strong', 'urn:stronger'] }, 'unmet_authentication_requirements'],
      [{ values: 'urn:strong' }, 'invalid_request'],
    ] as const) {
      const request = web.authorizationUrl(asking({ id_token: { acr: { essential: true, ...wanted } } }));
      const { searchParams } = await new UserAgent(server.issuer).authorize(request);
      expect(searchParams.get('error')).toBe(error);
    }
    const { id_token } = await web.obtainTokens(asking({ id_token: { acr: { values: ['urn:strong'] } } }));
    expect(decodeJwt(id_token).acr).toBe('1fa');
  });

  it('C103: with claims that nobody knows is answered without them', async () => {
    const unknown = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`claim_${n}`, null]));
    const claims = JSON.stringify({ userinfo: { ...unknown, email: null } }).replace('}}', ',"__proto__":{"a":1}}}');
    const tokens = await web.obtainTokens({ scope: 'openid', claims });
    expect(Object.keys((await userinfo(tokens.access_token)).body).sort()).toEqual(['email', 'sub']);
  });
});

describe('userinfo', () => {
  it('comes as a JWT where the registration says so', async () => {
    const rp = createRelyingParty(server.issuer, SIGNED);
    const { access_token } = await rp.obtainTokens({ scope: 'openid email' });
    const { headers, text } = await userinfo(access_token);
    expect(headers.get('content-type')).toMatch('application/jwt');
    expect(decodeProtectedHeader(text).alg).toBe('RS256');
    expect(decodeJwt(text)).toMatchObject({ iss: server.issuer, aud: SIGNED.clientId, email: ALICE.email });
  });
});

describe.each(BY_ALG)('encrypted by %s', (alg) => {
  it('ID token and userinfo are understood by openid-client', async () => {
    const pkce = createPkce();
    const metadata = { client_secret: SECRET, userinfo_signed_response_alg: 'ES256' };
    const config = await openidClient.discovery(new URL(server.issuer), alg, metadata, undefined, {
      execute: [openidClient.allowInsecureRequests],
    });
    const decryption = { key: keys.get(alg) as CryptoKey, kid: `key-${alg}`, alg };
    openidClient.enableDecryptingResponses(config, ['A128CBC-HS256', 'A256GCM'], decryption);
    const url = openidClient.buildAuthorizationUrl(config, {
      redirect_uri: DEMO_WEB.redirectUri,
      scope: 'openid email',
      code_challenge: pkce.challenge,
      code_challenge_method: 'S256',
    });
    const callback = await new UserAgent(server.issuer).authorize(url.href, ALICE);
    const tokens = await openidClient.authorizationCodeGrant(config, callback, { pkceCodeVerifier: pkce.verifier });
    const { sub = '' } = tokens.claims() ?? {};
    const claims = await openidClient.fetchUserInfo(config, tokens.access_token, sub);
    expect(claims).toMatchObject({ sub, email: ALICE.email });
  });

  it('an ID token opens with the client’s key, as it was registered', async () => {
    const rp = createRelyingParty(server.issuer, { ...SIGNED, clientId: alg });
    const { id_token } = await rp.obtainTokens({ scope: 'openid' });
    expect(decodeProtectedHeader(id_token)).toMatchObject({ alg, enc: 'A128CBC-HS256', kid: `key-${alg}` });
    const { plaintext } = await compactDecrypt(id_token, keys.get(alg) as CryptoKey);
    expect(decodeJwt(new TextDecoder().decode(plaintext))).toMatchObject({ iss: server.issuer, aud: alg });
  });
});

describe('a registration', () => {
  const registration = { client_id: 'x', client_secret: SECRET, redirect_uris: [DEMO_WEB.redirectUri] };
  const asks = (more: object) => server.apply({ clients: [{ ...registration, ...more }] });

  it.each(['id_token', 'userinfo', 'introspection', 'authorization'])(
    'C75: cannot have the %s encrypted with a secret',
    async (use) => {
      for (const alg of ['dir', 'A128KW', 'A256GCMKW', 'PBES2-HS256+A128KW', 'RSA1_5']) {
        await expect(asks({ [`${use}_encrypted_response_alg`]: alg })).rejects.toThrow(`${use}_encrypted_response_alg`);
      }
    },
  );

  it('needs a key for what is to be encrypted', async () => {
    const rsa = { ...(await publicKeyFor('RSA-OAEP')), alg: undefined };
    const clean = JSON.parse(JSON.stringify(rsa));
    const encrypted = { id_token_encrypted_response_alg: 'ECDH-ES' };
    await expect(asks(encrypted)).rejects.toThrow(/there is no key for that/);
    await expect(asks({ ...encrypted, jwks: { keys: [clean] } })).rejects.toThrow(/there is no key for that/);
    await expect(
      asks({ id_token_encrypted_response_alg: 'RSA-OAEP', jwks: { keys: [{ ...clean, use: 'sig' }] } }),
    ).rejects.toThrow(/there is no key for that/);
  });

  it('cannot have userinfo encrypted that is not signed, nor an encryption without an algorithm', async () => {
    const jwks = { keys: [await publicKeyFor('RSA-OAEP')] };
    await expect(asks({ jwks, userinfo_encrypted_response_alg: 'RSA-OAEP' })).rejects.toThrow(/not signed/);
    await expect(asks({ jwks, id_token_encrypted_response_enc: 'A256GCM' })).rejects.toThrow(/without an algorithm/);
  });
});
