import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import * as openidClient from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { createRelyingParty, DEMO_WEB, introspect, type Parameters, tokensOf } from '../../testing/relying-party.ts';
import { DEMO_PASSWORD, UserAgent } from '../../testing/user-agent.ts';

const API = 'http://localhost:3001';
const JWT_API = 'https://jwt.example/api';
const APP = { clientId: 'jwt-app', secret: 'jwt-app-secret', redirectUri: 'http://localhost:3002/jwt' };
const BRIEF = { clientId: 'brief-app', secret: 'brief-app-secret' };
const PATIENT = { clientId: 'patient-app', secret: 'patient-app-secret' };
const SCOPE = 'openid email offline_access records:read reports:read';

let server: TestServer;
let browser: UserAgent;
beforeAll(async () => {
  server = await startTestServer();
  browser = new UserAgent(server.issuer);
  await server.apply({
    resourceServers: [
      {
        identifier: JWT_API,
        name: 'Reports',
        accessTokenFormat: 'jwt',
        accessTokenTtl: 300,
        scopes: [
          { name: 'reports:read', description: 'read your reports' },
          { name: 'reports:write', description: 'write your reports' },
        ],
      },
    ],
    roles: [{ name: 'reader', scopes: ['records:read', 'reports:read'] }],
    clients: [
      {
        client_id: APP.clientId,
        client_secret: APP.secret,
        grant_types: ['authorization_code', 'refresh_token', 'client_credentials', 'password'],
        redirect_uris: [APP.redirectUri],
        scope: `${SCOPE} reports:write`,
      },
      {
        client_id: BRIEF.clientId,
        client_secret: BRIEF.secret,
        grant_types: ['client_credentials', 'password'],
        scope: 'records:read reports:read',
        access_token_lifetime: 120,
      },
      {
        client_id: PATIENT.clientId,
        client_secret: PATIENT.secret,
        grant_types: ['client_credentials'],
        scope: 'reports:read',
        access_token_lifetime: 31_536_000,
      },
      { client_id: 'reports-api', client_secret: 'reports-api-secret', grant_types: [], resource_server: JWT_API },
    ],
    accounts: [{ email: 'rita@example.com', name: 'Rita Reader', password: DEMO_PASSWORD, roles: ['reader'] }],
  });
});
afterAll(() => server.stop());

const app = () => createRelyingParty(server.issuer, APP);
const obtainTokens = (parameters: Parameters) =>
  app().obtainTokens({ scope: SCOPE, ...parameters }, { email: 'rita@example.com' }, browser);
const userinfo = (accessToken: string) =>
  fetch(server.url('/me'), { headers: { authorization: `Bearer ${accessToken}` } });
const verify = (token: string) =>
  jwtVerify(token, createRemoteJWKSet(new URL(server.url('/jwks'))), {
    issuer: server.issuer,
    audience: JWT_API,
    typ: 'at+jwt',
  });

describe('without a resource', () => {
  it('gives one token for userinfo and the default resource server when openid is asked for', async () => {
    const { access_token, scope } = await obtainTokens({});
    expect(scope).toBe('openid email records:read');
    expect((await userinfo(access_token)).status).toBe(200);
    expect(await introspect(server.issuer, access_token)).toMatchObject({ active: true, aud: API, scope });
  });

  it('gives a token for the default resource server otherwise', async () => {
    const { access_token, scope } = await obtainTokens({ scope: 'records:read' });
    expect(scope).toBe('records:read');
    expect((await userinfo(access_token)).status).toBe(403);
    expect(await introspect(server.issuer, access_token)).toMatchObject({ active: true, aud: API, scope });
  });
});

describe('with a resource (RFC 8707)', () => {
  it('gives a token for that one alone, which userinfo refuses by naming openid', async () => {
    const tokens = await obtainTokens({ resource: API });
    expect(tokens.scope).toBe('records:read');
    expect(await introspect(server.issuer, tokens.access_token)).toMatchObject({ aud: API, scope: 'records:read' });
    const refused = await userinfo(tokens.access_token);
    expect(refused.status).toBe(403);
    expect(refused.headers.get('www-authenticate')).toMatch(/error="insufficient_scope".*scope="openid"/);
    expect(tokens.id_token).toEqual(expect.any(String));
  });

  it('keeps the audience through a refresh', async () => {
    const { refresh_token } = await obtainTokens({ resource: API });
    const { access_token } = tokensOf(await app().refresh(refresh_token));
    expect(await introspect(server.issuer, access_token)).toMatchObject({ aud: API, scope: 'records:read' });
  });

  it.each([
    ['an unknown one', 'https://elsewhere.example'],
    ['one with a slash too much', `${API}/`],
    ['one in other letters', API.toUpperCase()],
    ['one with a fragment', `${API}#fragment`],
    ['no URI', 'records'],
    ['SQL', "https://x.example/' or '1'='1"],
  ])('refuses %s at the authorization endpoint with invalid_target', async (_, resource) => {
    const visit = await browser.get(app().authorizationUrl({ scope: SCOPE, resource }));
    const answer = new URL(visit.url).searchParams;
    expect(Object.fromEntries(answer)).toMatchObject({ error: 'invalid_target', state: 'a-state', iss: server.issuer });
    expect(answer.get('error_description')).toMatch(/resource/);
  });

  it('C103: takes one that is named many times for one', async () => {
    const { code, verifier } = await app().authorize(
      { scope: SCOPE, resource: Array.from({ length: 80 }, () => API) },
      { email: 'rita@example.com' },
      browser,
    );
    expect(tokensOf(await app().exchange({ code, verifier })).scope).toBe('records:read');
  });

  it('refuses one at the token endpoint that was not in the authorization request', async () => {
    const authorization = await app().authorize(
      { scope: SCOPE, resource: API },
      { email: 'rita@example.com' },
      browser,
    );
    const { status, body } = await app().exchange(authorization, { resource: JWT_API });
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_target' });
  });

  it('gives the token endpoint the choice between two that were authorized', async () => {
    const two = { scope: SCOPE, resource: [API, JWT_API] };
    const chosen = await app().authorize(two, { email: 'rita@example.com' }, browser);
    const tokens = tokensOf(await app().exchange(chosen, { resource: JWT_API }));
    expect((await verify(tokens.access_token)).payload.scope).toBe('reports:read');
    const undecided = await app().authorize(two, { email: 'rita@example.com' }, browser);
    const { status, body } = await app().exchange(undecided);
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_target' });
    expect(body.error_description).toMatch(/resource/);
  });

  it('does not let a client have scopes of a resource server that its registration lacks', async () => {
    const web = createRelyingParty(server.issuer, DEMO_WEB);
    const visit = await browser.get(web.authorizationUrl({ scope: 'reports:read', resource: JWT_API }));
    expect(new URL(visit.url).searchParams.get('error')).toBe('invalid_scope');
    expect(new URL(visit.url).searchParams.get('error_description')).toMatch(
      /not allowed to this client: reports:read/,
    );
  });
});

describe('a client that wants its tokens to be short-lived', () => {
  const lifetimeOf = async (client: typeof BRIEF, parameters: Record<string, string>) =>
    (await createRelyingParty(server.issuer, client).requestToken(parameters)).body.expires_in;

  it.each([
    { grant_type: 'client_credentials', scope: 'records:read' },
    { grant_type: 'client_credentials', scope: 'reports:read', resource: JWT_API },
    { grant_type: 'password', username: 'rita@example.com', password: DEMO_PASSWORD, scope: 'records:read' },
  ])('gets such: %j', async (parameters) => {
    expect(await lifetimeOf(BRIEF, parameters)).toBe(120);
  });

  it('has none that live longer than their resource server wants', async () => {
    expect(
      await lifetimeOf(PATIENT, { grant_type: 'client_credentials', scope: 'reports:read', resource: JWT_API }),
    ).toBe(300);
  });
});

describe('a resource server that wants JWTs (RFC 9068)', () => {
  it('gets one that it verifies by itself', async () => {
    const { access_token, expires_in } = await obtainTokens({ resource: JWT_API });
    const { payload, protectedHeader } = await verify(access_token);
    expect(protectedHeader).toMatchObject({ alg: 'ES256', typ: 'at+jwt' });
    expect(expires_in).toBe(300);
    // RFC 9068 §2.2, and §2.2.1 for who wants to know when the person signed in.
    expect(payload).toEqual({
      iss: server.issuer,
      aud: JWT_API,
      sub: expect.stringMatching(/^[\da-f-]{36}$/),
      client_id: APP.clientId,
      scope: 'reports:read',
      jti: expect.any(String),
      iat: expect.any(Number),
      exp: expect.any(Number),
      auth_time: expect.any(Number),
      acr: '1fa',
      amr: ['pwd'],
      // What it ends with, as security events name it.
      grant_id: expect.stringMatching(/^[\da-f]{32}$/),
      sid: expect.stringMatching(/^[\da-f]{32}$/),
    });
    expect(Number(payload.exp) - Number(payload.iat)).toBe(300);
  });

  it('narrows it to what the roles of the account permit', async () => {
    const { scope } = await obtainTokens({ resource: JWT_API, scope: 'openid reports:read reports:write' });
    expect(scope).toBe('reports:read');
  });

  it('gets one from every grant', async () => {
    const machine = { grant_type: 'client_credentials', scope: 'reports:write', resource: JWT_API };
    const person = { grant_type: 'password', username: 'rita@example.com', password: DEMO_PASSWORD };
    const own = await verify(tokensOf(await app().requestToken(machine)).access_token);
    expect(own.payload).toMatchObject({ client_id: APP.clientId, sub: APP.clientId, scope: 'reports:write' });
    const theirs = tokensOf(await app().requestToken({ ...person, scope: 'reports:read', resource: JWT_API }));
    expect((await verify(theirs.access_token)).payload.scope).toBe('reports:read');
    const refreshed = tokensOf(await app().refresh(theirs.refresh_token));
    expect((await verify(refreshed.access_token)).payload.scope).toBe('reports:read');
    expect(own.payload).not.toHaveProperty('auth_time');
  });

  it('is told the same time of the sign-in by every token that comes of it', async () => {
    const scope = 'openid reports:read';
    const first = await obtainTokens({ resource: JWT_API, scope, max_age: '1000' });
    const refreshed = tokensOf(await app().refresh(first.refresh_token));
    const tokens = [first, refreshed, await obtainTokens({ resource: JWT_API, scope })];
    const told = await Promise.all(
      tokens.map(async ({ access_token }) => (await verify(access_token)).payload.auth_time),
    );
    expect(new Set(told)).toEqual(new Set([decodeJwt(first.id_token).auth_time]));
  });

  it('gets none that userinfo takes', async () => {
    const { access_token } = await obtainTokens({ resource: JWT_API });
    expect((await userinfo(access_token)).status).toBe(403);
  });

  it('lets openid-client ask for it', async () => {
    const config = await app().discover();
    const parameters = { resource: JWT_API, scope: 'reports:read' };
    const { access_token } = await openidClient.clientCredentialsGrant(config, parameters);
    await verify(access_token);
  });
});
