import { decodeJwt } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openidClient from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { createProof, thumbprintOf } from '../../../testing/dpop.ts';
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
  type Parameters,
  send,
  type TestClient,
  tokensOf,
} from '../../../testing/relying-party.ts';
import { type ClientKey, createClientKey } from '../../../testing/request-object.ts';
import { DEMO_PASSWORD } from '../../../testing/user-agent.ts';

const BOUND = { ...DEMO_WEB, clientId: 'bound', secret: 'a-secret-of-the-bound-client' };
const JWT_API = 'https://jwt.example.com';
const MACHINE_GRANT = { grant_type: 'client_credentials' };

let server: TestServer;
let otherNode: string;
let key: ClientKey;
let thiefs: ClientKey;
beforeAll(async () => {
  [server, key, thiefs] = await Promise.all([startTestServer(), createClientKey(), createClientKey()]);
  otherNode = await server.addNode();
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

interface Sent {
  readonly client?: TestClient;
  /** A key to prove, a proof as it is, or none. */
  readonly proof?: ClientKey | string | undefined;
  readonly node?: string;
}

async function token(parameters: Parameters, { client = DEMO_MACHINE, proof, node = server.issuer }: Sent = {}) {
  const dpop = typeof proof === 'object' ? await createProof(proof, { url: server.url('/token') }) : proof;
  const { clientId, secret } = client;
  const headers = {
    ...(secret === undefined ? {} : { authorization: basicAuth(clientId, secret) }),
    ...(dpop === undefined ? {} : { dpop }),
  };
  const body = encode({ ...(secret === undefined ? { client_id: clientId } : {}), ...parameters });
  return send(`${node}/token`, { method: 'POST', headers, body });
}

/** Signs Alice in and exchanges the code with a proof of `proof`. */
async function obtainTokens(client: typeof DEMO_WEB | typeof DEMO_SPA, parameters: Parameters, proof = key) {
  const party = createRelyingParty(server.issuer, client);
  return tokensOf(await exchange(client, await party.authorize(parameters), proof));
}

function exchange(client: TestClient, { code, verifier }: { code: string; verifier: string }, proof?: ClientKey) {
  const redirect_uri = client.redirectUri;
  return token({ grant_type: 'authorization_code', code, redirect_uri, code_verifier: verifier }, { client, proof });
}

const refresh = (refresh_token: string, sent: Sent) => token({ grant_type: 'refresh_token', refresh_token }, sent);

async function userinfo(accessToken: string, scheme: string, proof?: string): Promise<Answer> {
  const headers = { authorization: `${scheme} ${accessToken}`, ...(proof === undefined ? {} : { dpop: proof }) };
  return send(server.url('/me'), { headers });
}

const REPLAYED = { status: 400, error: 'invalid_dpop_proof' };
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
    const { access_token, token_type } = tokensOf(await token(parameters, { client, proof: key }));
    expect(token_type).toBe('DPoP');
    const told = await introspect(server.issuer, access_token);
    expect(told).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt: await thumbprintOf(key) } });
  });

  it('says so itself where it is a JWT', async () => {
    const { access_token } = await obtainTokens(DEMO_WEB, { scope: 'records:read', resource: JWT_API });
    expect(decodeJwt(access_token).cnf).toEqual({ jkt: await thumbprintOf(key) });
  });

  it('is a bearer token without one', async () => {
    const { access_token, token_type } = tokensOf(await token(MACHINE_GRANT));
    expect(token_type).toBe('Bearer');
    expect(await introspect(server.issuer, access_token)).not.toHaveProperty('cnf');
  });
});

describe('a client that is registered with dpop_bound_access_tokens', () => {
  it('gets no token without a proof, in no grant', async () => {
    const { code, verifier } = await createRelyingParty(server.issuer, BOUND).authorize({ scope: 'openid' });
    const answers = [
      await token(MACHINE_GRANT, { client: BOUND }),
      await exchange(BOUND, { code, verifier }),
      await token(
        { grant_type: 'password', username: 'alice@example.com', password: DEMO_PASSWORD },
        { client: BOUND },
      ),
    ];
    expect(answers.map(told)).toEqual(answers.map(() => REFUSED_GRANT));
    expect(answers[0]?.body.error_description).toMatch(/DPoP/);
    expect((await exchange(BOUND, { code, verifier }, key)).status).toBe(200);
  });
});

describe('a proof is refused', () => {
  const proofFor = (claims = {}, header = {}) => createProof(key, { url: server.url('/token') }, claims, header);

  it.each<[string, object, object]>([
    ['for another method', { htm: 'GET' }, {}],
    ['for another address', { htu: 'https://other.example.com/token' }, {}],
    ['for another endpoint', { htu: 'the issuer/token/revocation' }, {}],
    ['for no address', { htu: undefined }, {}],
    ['without a time', { iat: undefined }, {}],
    ['without an identifier', { jti: undefined }, {}],
    ['of another type', {}, { typ: 'JWT' }],
    ['without a key', {}, { jwk: undefined }],
    ['with a key that is none', {}, { jwk: { kty: 'EC' } }],
  ])('%s', async (_, claims, header) => {
    const given = JSON.parse(JSON.stringify({ claims, header }).replaceAll('the issuer', server.issuer));
    const cleared = Object.fromEntries(Object.keys(claims).map((name) => [name, given.claims[name]]));
    const headers = Object.fromEntries(Object.keys(header).map((name) => [name, given.header[name]]));
    const answer = await token(MACHINE_GRANT, { proof: await proofFor(cleared, headers) });
    expect(told(answer)).toEqual({ status: 400, error: 'invalid_dpop_proof' });
  });

  it('signed by another key than it shows, or showing a private one', async () => {
    const forged = await createProof(
      thiefs,
      { url: server.url('/token') },
      {},
      { jwk: { ...key.jwk, kid: undefined } },
    );
    const { d } = await crypto.subtle.exportKey('jwk', key.privateKey);
    const told_ = await proofFor({}, { jwk: { ...key.jwk, d } });
    for (const proof of [forged, told_]) {
      expect(told(await token(MACHINE_GRANT, { proof }))).toEqual({ status: 400, error: 'invalid_dpop_proof' });
    }
  });

  it.each(['x', 'a.b.c', '..', 'x'.repeat(8000), `${'x, y'}`])('that is none, like %.10j', async (proof) => {
    expect(told(await token(MACHINE_GRANT, { proof }))).toEqual({ status: 400, error: 'invalid_dpop_proof' });
  });

  it('that is one of two', async () => {
    const [one, other] = [await proofFor(), await proofFor()];
    const answer = await token(MACHINE_GRANT, { proof: `${one}, ${other}` });
    expect(told(answer)).toEqual({ status: 400, error: 'invalid_dpop_proof' });
  });
});

describe('a proof that is used again', () => {
  it('is refused, at whichever node', async () => {
    const proof = await createProof(key, { url: server.url('/token') });
    expect((await token(MACHINE_GRANT, { proof })).status).toBe(200);
    expect(told(await token(MACHINE_GRANT, { proof }))).toEqual(REPLAYED);
    expect(told(await token(MACHINE_GRANT, { proof, node: otherNode }))).toEqual(REPLAYED);
  });

  it('counts once of forty at the same time on two nodes', async () => {
    const proof = await createProof(key, { url: server.url('/token') });
    const nodes = [server.issuer, otherNode];
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => token(MACHINE_GRANT, { proof, node: nodes[n % 2] ?? '' })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 39 }, () => 400)]);
  });
});

describe('a nonce', () => {
  const ask = async (claims: object, node?: string) =>
    token(MACHINE_GRANT, {
      proof: await createProof(key, { url: server.url('/token') }, { ...claims }),
      ...(node && { node }),
    });

  it('is offered with every answer, and good at every node', async () => {
    const { headers } = await ask({});
    const nonce = headers.get('dpop-nonce');
    expect(nonce).toBeTruthy();
    expect((await ask({ nonce, iat: 1 }, otherNode)).status).toBe(200);
  });

  it('is demanded of a proof from another time, and of one with a nonce that nobody gave', async () => {
    for (const claims of [{ iat: 1 }, { iat: Math.floor(Date.now() / 1000) + 3600 }, { nonce: 'invented' }]) {
      const answer = await ask(claims);
      expect(told(answer)).toEqual({ status: 400, error: 'use_dpop_nonce' });
      expect((await ask({ ...claims, nonce: answer.headers.get('dpop-nonce') })).status).toBe(200);
    }
  });
});

describe('userinfo', () => {
  const proofFor = (accessToken: string, signer = key, of = accessToken) =>
    createProof(signer, { method: 'GET', url: server.url('/me'), accessToken: of });

  it('is told to who has the key', async () => {
    const { access_token } = await obtainTokens(DEMO_WEB, { scope: 'openid profile' });
    const { status, body } = await userinfo(access_token, 'DPoP', await proofFor(access_token));
    expect([status, body.name]).toEqual([200, 'Alice Archer']);
  });

  it('is not told to who has the token only', async () => {
    const { access_token } = await obtainTokens(DEMO_WEB, { scope: 'openid profile' });
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
    expect(told(await exchange(DEMO_SPA, await ask(), thiefs))).toEqual(REFUSED_GRANT);
    expect(told(await exchange(DEMO_SPA, await ask()))).toEqual(REFUSED_GRANT);
    expect((await exchange(DEMO_SPA, await ask(), key)).status).toBe(200);
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
    expect(told(await exchange(DEMO_WEB, await authorize(), thiefs))).toEqual(REFUSED_GRANT);
    expect((await exchange(DEMO_WEB, await authorize(), key)).status).toBe(200);
  });
});

/** RFC 7636 appendix B. */
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';

describe('a refresh token', () => {
  it('of a public client is bound to the key, through every rotation', async () => {
    let { refresh_token } = await obtainTokens(DEMO_SPA, { scope: 'openid' });
    for (const _ of [1, 2]) {
      expect(told(await refresh(refresh_token, { client: DEMO_SPA, proof: thiefs }))).toEqual(REFUSED_GRANT);
      expect(told(await refresh(refresh_token, { client: DEMO_SPA }))).toEqual(REFUSED_GRANT);
      ({ refresh_token } = tokensOf(await refresh(refresh_token, { client: DEMO_SPA, proof: key })));
    }
  });

  it('of a public client with a password is, too', async () => {
    const client = { clientId: 'public-password' };
    const grant_types = ['password', 'refresh_token'];
    await server.apply({
      clients: [{ client_id: client.clientId, token_endpoint_auth_method: 'none', grant_types, scope: 'records:read' }],
    });
    const parameters = { username: 'alice@example.com', password: DEMO_PASSWORD, scope: 'records:read' };
    const answer = await token({ grant_type: 'password', ...parameters }, { client, proof: key });
    const { refresh_token } = tokensOf(answer);
    expect(told(await refresh(refresh_token, { client, proof: thiefs }))).toEqual(REFUSED_GRANT);
    expect(told(await refresh(refresh_token, { client }))).toEqual(REFUSED_GRANT);
    expect((await refresh(refresh_token, { client, proof: key })).status).toBe(200);
  });

  it('of a confidential client gets tokens for the key that it comes with', async () => {
    const { refresh_token } = await obtainTokens(DEMO_WEB, { scope: 'records:read' });
    const another = tokensOf(await refresh(refresh_token, { client: DEMO_WEB, proof: thiefs }));
    const { cnf } = await introspect(server.issuer, another.access_token);
    expect(cnf).toEqual({ jkt: await thumbprintOf(thiefs) });
  });

  it.each([
    ['an opaque token', {}],
    ['a JWT', { resource: JWT_API }],
  ])(
    'that comes again so soon gets the same tokens with the same key, and none with another: %s',
    async (_, parameters) => {
      const { refresh_token } = await obtainTokens(DEMO_WEB, { scope: 'records:read', ...parameters });
      const first = tokensOf(await refresh(refresh_token, { client: DEMO_WEB, proof: key }));
      const answers = [
        await refresh(refresh_token, { client: DEMO_WEB, proof: thiefs }),
        await refresh(refresh_token, { client: DEMO_WEB }),
      ];
      expect(answers.map(told)).toEqual([REFUSED_GRANT, REFUSED_GRANT]);
      const again = tokensOf(await refresh(refresh_token, { client: DEMO_WEB, proof: key }));
      expect(again.refresh_token).toBe(first.refresh_token);
      expect(await introspect(server.issuer, first.refresh_token, DEMO_WEB)).toMatchObject({ active: true });
    },
  );

  it('that comes many times at once with two keys gets tokens for one of them', async () => {
    const { refresh_token } = await obtainTokens(DEMO_WEB, { scope: 'records:read' });
    const keys = [key, thiefs];
    const nodes = [server.issuer, otherNode, otherNode, server.issuer];
    const answers = await Promise.all(
      Array.from({ length: 24 }, async (_, n) => {
        const proof = keys[n % 2];
        return { proof, answer: await refresh(refresh_token, { client: DEMO_WEB, proof, node: nodes[n % 4] ?? '' }) };
      }),
    );
    const served = answers.filter(({ answer }) => answer.status === 200);
    const refused = answers.filter(({ answer }) => answer.status !== 200);
    expect(new Set(served.map(({ proof }) => proof)).size).toBe(1);
    expect(new Set(served.map(({ answer }) => answer.body.access_token)).size).toBe(1);
    expect(new Set(refused.map(({ answer }) => answer.body.error))).toEqual(new Set(['invalid_grant']));
    const { cnf } = await introspect(server.issuer, String(served[0]?.answer.body.access_token));
    expect(cnf).toEqual({ jkt: await thumbprintOf(served[0]?.proof as ClientKey) });
  });
});

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
    expect((await token(MACHINE_GRANT, { proof: await createClientKey(alg) })).status).toBe(200);
  }
});
