import { decodeJwt } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openidClient from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { createProof, createProver, type Prover, thumbprintOf } from '../../../testing/dpop.ts';
import {
  type Answer,
  basicAuth,
  createRelyingParty,
  DEMO_MACHINE,
  DEMO_PASSWORD_CLIENT,
  DEMO_SPA,
  DEMO_WEB,
  encode,
  introspect,
  send,
  tokensOf,
} from '../../../testing/relying-party.ts';
import { type ClientKey, createClientKey } from '../../../testing/request-object.ts';
import { DEMO_PASSWORD } from '../../../testing/user-agent.ts';

const BOUND = { ...DEMO_WEB, clientId: 'bound', secret: 'a-secret-of-the-bound-client' };
const JWT_API = 'https://jwt.example.com';
const MACHINE_GRANT = { grant_type: 'client_credentials' };

let server: TestServer;
let prover: Prover;
let key: ClientKey;
let thiefs: ClientKey;
beforeAll(async () => {
  [server, key, thiefs] = await Promise.all([startTestServer(), createClientKey(), createClientKey()]);
  prover = createProver(server);
  const scope = 'openid profile records:read';
  await server.apply({
    resourceServers: [
      {
        identifier: JWT_API,
        name: 'JWT',
        accessTokenFormat: 'jwt',
        scopes: [{ name: 'records:read', description: 'x' }],
      },
    ],
    clients: [
      {
        client_id: BOUND.clientId,
        client_secret: BOUND.secret,
        redirect_uris: [BOUND.redirectUri],
        grant_types: ['authorization_code', 'refresh_token', 'client_credentials', 'password'],
        scope,
        default_scope: 'records:read',
        dpop_bound_access_tokens: true,
      },
    ],
  });
});
afterAll(() => server.stop());

async function userinfo(accessToken: string, scheme: string, proof?: string): Promise<Answer> {
  const headers = { authorization: `${scheme} ${accessToken}`, ...(proof === undefined ? {} : { dpop: proof }) };
  return send(server.url('/me'), { headers });
}

const told = ({ status, body }: Answer) => ({ status, error: body.error });
const REFUSED_GRANT = { status: 400, error: 'invalid_grant' };

describe('a client library', () => {
  const insecure = { [oauth.allowInsecureRequests]: true };

  async function discover() {
    const issuer = new URL(server.issuer);
    return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
  }

  it('oauth4webapi: the code grant, userinfo and a refresh', async () => {
    const as = await discover();
    const client = { client_id: DEMO_WEB.clientId };
    const DPoP = oauth.DPoP({}, await oauth.generateKeyPair('ES256'));
    const authentication = oauth.ClientSecretBasic(DEMO_WEB.secret);
    const { callback, verifier } = await createRelyingParty(server.issuer, DEMO_WEB).authorize({
      scope: 'openid profile',
      dpop_jkt: await DPoP.calculateThumbprint(),
    });
    const parameters = oauth.validateAuthResponse(as, client, callback, 'a-state');
    const options = { ...insecure, DPoP };
    const tokens = await oauth.processAuthorizationCodeResponse(
      as,
      client,
      await oauth.authorizationCodeGrantRequest(
        as,
        client,
        authentication,
        parameters,
        DEMO_WEB.redirectUri,
        verifier,
        options,
      ),
    );
    expect(tokens.token_type).toBe('dpop');
    const { sub = '' } = oauth.getValidatedIdTokenClaims(tokens) ?? {};
    const answer = await oauth.userInfoRequest(as, client, tokens.access_token, options);
    expect(await oauth.processUserInfoResponse(as, client, sub, answer)).toMatchObject({ name: 'Alice Archer' });
    const refreshed = await oauth.refreshTokenGrantRequest(
      as,
      client,
      authentication,
      String(tokens.refresh_token),
      options,
    );
    expect((await oauth.processRefreshTokenResponse(as, client, refreshed)).token_type).toBe('dpop');
  });

  it('oauth4webapi: a clock that is wrong, and the nonce that makes up for it', async () => {
    const as = await discover();
    const client = { client_id: DEMO_MACHINE.clientId, [oauth.clockSkew]: -3600 };
    const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('Ed25519'));
    const ask = async () =>
      oauth.processClientCredentialsResponse(
        as,
        client,
        await oauth.clientCredentialsGrantRequest(
          as,
          client,
          oauth.ClientSecretBasic(DEMO_MACHINE.secret),
          {},
          { ...insecure, DPoP },
        ),
      );
    const error = await ask().catch((reason: unknown) => reason);
    expect(oauth.isDPoPNonceError(error)).toBe(true);
    expect((await ask()).token_type).toBe('dpop');
  });

  it('openid-client: client credentials', async () => {
    const client = await createRelyingParty(server.issuer, DEMO_MACHINE).discover();
    const DPoP = openidClient.getDPoPHandle(client, await openidClient.randomDPoPKeyPair());
    const tokens = await openidClient.clientCredentialsGrant(client, {}, { DPoP });
    const { cnf } = await introspect(server.issuer, tokens.access_token);
    expect(cnf).toEqual({ jkt: await DPoP.calculateThumbprint() });
  });
});

describe('a token that is asked for with a proof', () => {
  it.each([
    ['client credentials', MACHINE_GRANT, DEMO_MACHINE],
    [
      'a password',
      { grant_type: 'password', username: 'alice@example.com', password: DEMO_PASSWORD },
      DEMO_PASSWORD_CLIENT,
    ],
  ])('is bound to its key: %s', async (_, parameters, client) => {
    const { access_token, token_type } = tokensOf(await prover.requestToken(parameters, { client, proof: key }));
    expect(token_type).toBe('DPoP');
    const told = await introspect(server.issuer, access_token);
    expect(told).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt: await thumbprintOf(key) } });
  });

  it('says so itself where it is a JWT', async () => {
    const { access_token } = await prover.obtainTokens(DEMO_WEB, { scope: 'records:read', resource: JWT_API }, key);
    expect(decodeJwt(access_token).cnf).toEqual({ jkt: await thumbprintOf(key) });
  });

  it('is a bearer token without one', async () => {
    const { access_token, token_type } = tokensOf(await prover.requestToken(MACHINE_GRANT, { client: DEMO_MACHINE }));
    expect(token_type).toBe('Bearer');
    expect(await introspect(server.issuer, access_token)).not.toHaveProperty('cnf');
  });
});

describe('a client that is registered with dpop_bound_access_tokens', () => {
  it('gets no token without a proof, in no grant', async () => {
    const { code, verifier } = await createRelyingParty(server.issuer, BOUND).authorize({ scope: 'openid' });
    const answers = [
      await prover.requestToken(MACHINE_GRANT, { client: BOUND }),
      await prover.exchange({ code, verifier }, { client: BOUND }),
      await prover.requestToken(
        { grant_type: 'password', username: 'alice@example.com', password: DEMO_PASSWORD },
        { client: BOUND },
      ),
    ];
    expect(answers.map(told)).toEqual(answers.map(() => REFUSED_GRANT));
    expect(answers[0]?.body.error_description).toMatch(/DPoP/);
    expect((await prover.exchange({ code, verifier }, { client: BOUND, proof: key })).status).toBe(200);
  });
});

describe('userinfo', () => {
  const proofFor = (accessToken: string, signer = key, of = accessToken) =>
    createProof(signer, { method: 'GET', url: server.url('/me'), accessToken: of });

  it('is told to who has the key', async () => {
    const { access_token } = await prover.obtainTokens(DEMO_WEB, { scope: 'openid profile' }, key);
    const { status, body } = await userinfo(access_token, 'DPoP', await proofFor(access_token));
    expect([status, body.name]).toEqual([200, 'Alice Archer']);
  });

  it('is not told to who has the token only', async () => {
    const { access_token } = await prover.obtainTokens(DEMO_WEB, { scope: 'openid profile' }, key);
    const own = await proofFor(access_token);
    const answers = [
      await userinfo(access_token, 'Bearer'),
      await userinfo(access_token, 'Bearer', own),
      await userinfo(access_token, 'DPoP'),
      await userinfo(access_token, 'DPoP', await proofFor(access_token, thiefs)),
      await userinfo(access_token, 'DPoP', await proofFor(access_token, key, 'another')),
      await userinfo(access_token, 'DPoP', await createProof(key, { method: 'GET', url: server.url('/me') })),
    ];
    for (const { status, body } of answers) {
      expect([400, 401]).toContain(status);
      expect(body).not.toHaveProperty('name');
    }
    expect((await userinfo(access_token, 'DPoP', own)).status).toBe(200);
    expect((await userinfo(access_token, 'DPoP', own)).status).toBe(401);
  });

  it('is not told for a bearer token with a proof', async () => {
    const { access_token } = await createRelyingParty(server.issuer, DEMO_WEB).obtainTokens({ scope: 'openid' });
    expect((await userinfo(access_token, 'DPoP', await proofFor(access_token))).status).toBe(401);
  });
});

describe('a code', () => {
  it('that was asked for with dpop_jkt is good with that key only', async () => {
    const party = createRelyingParty(server.issuer, DEMO_SPA);
    const ask = async () => party.authorize({ scope: 'openid', dpop_jkt: await thumbprintOf(key) });
    expect(told(await prover.exchange(await ask(), { client: DEMO_SPA, proof: thiefs }))).toEqual(REFUSED_GRANT);
    expect(told(await prover.exchange(await ask(), { client: DEMO_SPA }))).toEqual(REFUSED_GRANT);
    expect((await prover.exchange(await ask(), { client: DEMO_SPA, proof: key })).status).toBe(200);
  });

  it('whose request was pushed with a proof is good with that key only', async () => {
    const party = createRelyingParty(server.issuer, DEMO_WEB);
    const authorize = async () => {
      const url = new URL(party.authorizationUrl({ scope: 'openid', code_challenge: CHALLENGE }));
      const dpop = await createProof(key, { url: server.url('/request') });
      const authorization = basicAuth(DEMO_WEB.clientId, DEMO_WEB.secret);
      const pushed = await send(server.url('/request'), {
        method: 'POST',
        headers: { authorization, dpop },
        body: url.searchParams,
      });
      const { callback } = await party.authorize({ request_uri: String(pushed.body.request_uri), scope: undefined });
      return { code: String(callback.searchParams.get('code')), verifier: VERIFIER };
    };
    expect(told(await prover.exchange(await authorize(), { client: DEMO_WEB, proof: thiefs }))).toEqual(REFUSED_GRANT);
    expect((await prover.exchange(await authorize(), { client: DEMO_WEB, proof: key })).status).toBe(200);
  });
});

/** RFC 7636 appendix B. */
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';

it('C91: a page of a public client may send proofs and read nonces', async () => {
  const origin = 'http://localhost:3002';
  const preflight = await send(server.url('/token'), {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'dpop' },
  });
  expect(preflight.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('dpop');
  const answer = await send(server.url('/token'), {
    method: 'POST',
    headers: { origin, dpop: await createProof(key, { url: server.url('/token') }) },
    body: encode({ client_id: DEMO_SPA.clientId, grant_type: 'authorization_code', code: 'x' }),
  });
  expect(answer.headers.get('access-control-expose-headers')?.toLowerCase()).toContain('dpop-nonce');
});

it('C90: advertises the algorithms that it takes', async () => {
  const { body } = await send(server.url('/.well-known/oauth-authorization-server'));
  const algorithms = body.dpop_signing_alg_values_supported as string[];
  expect(algorithms).toEqual(['RS256', 'PS256', 'ES256', 'Ed25519', 'EdDSA']);
  for (const alg of algorithms) {
    expect(
      (await prover.requestToken(MACHINE_GRANT, { client: DEMO_MACHINE, proof: await createClientKey(alg) })).status,
    ).toBe(200);
  }
});
