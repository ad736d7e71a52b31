import { createHash } from 'node:crypto';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as openidClient from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import {
  createPkce,
  createRelyingParty,
  DEMO_API,
  introspect,
  type Parameters,
  type RelyingParty,
  tokensOf,
} from '../../../testing/relying-party.ts';
import { UserAgent } from '../../../testing/user-agent.ts';

const HYBRID = { clientId: 'hybrid', secret: 'hybrid-secret', redirectUri: 'http://localhost:3002/hybrid' };
const SCOPE = 'openid email records:read';

let server: TestServer;
let browser: UserAgent;
let relyingParty: RelyingParty;
beforeAll(async () => {
  server = await startTestServer();
  browser = new UserAgent(server.issuer);
  relyingParty = createRelyingParty(server.issuer, HYBRID);
  await server.apply({
    clients: [
      {
        client_id: HYBRID.clientId,
        client_secret: HYBRID.secret,
        grant_types: ['authorization_code', 'implicit', 'refresh_token'],
        response_types: ['code id_token', 'code token', 'code id_token token'],
        redirect_uris: [HYBRID.redirectUri],
        scope: SCOPE,
      },
    ],
  });
});
afterAll(() => server.stop());

/** The answer in the fragment, and what it takes to exchange its code. */
async function request(parameters: Parameters) {
  const pkce = createPkce();
  const callback = await browser.authorize(
    relyingParty.authorizationUrl({ scope: SCOPE, nonce: 'a-nonce', ...parameters }, pkce),
  );
  const answer = Object.fromEntries(new URLSearchParams(callback.hash.slice(1)));
  return { callback, answer, authorization: { code: answer.code ?? '', verifier: pkce.verifier } };
}

function halfHash(value: string): string {
  return createHash('sha256').update(value).digest().subarray(0, 16).toString('base64url');
}

describe('hybrid flow (OpenID Connect Core §3.3)', () => {
  it.each([
    ['code id_token', ['code', 'id_token']],
    ['code token', ['access_token', 'code', 'expires_in', 'scope', 'token_type']],
    ['code id_token token', ['access_token', 'code', 'expires_in', 'id_token', 'scope', 'token_type']],
  ])('answers %s in the fragment, with a code that can be exchanged', async (response_type, members) => {
    const { callback, answer, authorization } = await request({ response_type });
    expect(callback.search).toBe('');
    expect(Object.keys(answer).sort()).toEqual([...members, 'iss', 'state'].sort());
    const tokens = tokensOf(await relyingParty.exchange(authorization));
    expect(tokens).toMatchObject({ scope: SCOPE, id_token: expect.any(String), refresh_token: expect.any(String) });
    for (const token of [tokens.access_token, answer.access_token]) {
      if (token !== undefined) {
        expect(await introspect(server.issuer, token)).toMatchObject({ active: true, scope: SCOPE });
      }
    }
  });

  it('binds code, access token and state into the ID token of the front channel', async () => {
    const { answer } = await request({ response_type: 'code id_token token' });
    const keys = createRemoteJWKSet(new URL(server.url('/jwks')));
    const { payload } = await jwtVerify(answer.id_token ?? '', keys, { issuer: server.issuer, audience: 'hybrid' });
    expect(payload).toMatchObject({
      nonce: 'a-nonce',
      c_hash: halfHash(answer.code ?? ''),
      at_hash: halfHash(answer.access_token ?? ''),
    });
  });

  it('lets openid-client validate and exchange the answer to code id_token', async () => {
    const config = await relyingParty.discover();
    openidClient.useCodeIdTokenResponseType(config);
    const { verifier, challenge } = createPkce();
    const url = openidClient.buildAuthorizationUrl(config, {
      redirect_uri: HYBRID.redirectUri,
      scope: SCOPE,
      nonce: 'a-nonce',
      state: 'a-state',
      code_challenge: challenge,
      code_challenge_method: 'S256',
    });
    const callback = await browser.authorize(url.href);
    const tokens = await openidClient.authorizationCodeGrant(config, callback, {
      expectedNonce: 'a-nonce',
      expectedState: 'a-state',
      pkceCodeVerifier: verifier,
    });
    expect(tokens.claims()?.sub).toEqual(expect.any(String));
  });

  it('C15: demands a nonce where an ID token is asked for (Core §3.3.2.11)', async () => {
    for (const response_type of ['code id_token', 'code id_token token']) {
      const { answer } = await request({ response_type, nonce: undefined });
      expect(answer.error).toBe('invalid_request');
      expect(answer.error_description).toContain('nonce');
    }
    expect((await request({ response_type: 'code token', nonce: undefined })).answer.code).toBeDefined();
  });

  it('refuses response_mode=query', async () => {
    for (const response_type of ['code id_token', 'code token', 'code id_token token']) {
      const { callback, answer } = await request({ response_type, response_mode: 'query' });
      const said = { ...Object.fromEntries(callback.searchParams), ...answer };
      expect(said.error).toBe('invalid_request');
      expect(callback.href).not.toContain('code=');
    }
  });

  it('refuses a response type that is only a part of what is registered', async () => {
    const { answer, callback } = await request({ response_type: 'code' });
    expect({ ...answer, ...Object.fromEntries(callback.searchParams) }).toMatchObject({ error: 'unauthorized_client' });
  });

  it('C23: ends the tokens of the front channel too when the code is used twice', async () => {
    const { answer, authorization } = await request({ response_type: 'code token' });
    const tokens = tokensOf(await relyingParty.exchange(authorization));
    const again = await relyingParty.exchange(authorization);
    expect([again.status, again.body.error]).toEqual([400, 'invalid_grant']);
    for (const token of [answer.access_token ?? '', tokens.access_token]) {
      expect(await introspect(server.issuer, token, DEMO_API)).toEqual({ active: false });
    }
  });
});
