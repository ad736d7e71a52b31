import { hash } from 'node:crypto';
import { decodeJwt } from 'jose';
import * as openidClient from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postAtOnce } from '../../testing/at-once.ts';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import {
  basicAuth,
  createRelyingParty,
  DEMO_API,
  DEMO_WEB,
  introspect,
  postForm,
  revoke,
  type TokenSet,
  tokensOf,
} from '../../testing/relying-party.ts';
import { actionOf, DEMO_PASSWORD, UserAgent } from '../../testing/user-agent.ts';

const REPORTS = 'https://reports.example/api';
const REPORTS_API = { clientId: 'reports-api', secret: 'reports-api-secret' };
const APP = { clientId: 'reports-app', secret: 'reports-app-secret', redirectUri: 'http://localhost:3002/reports' };
const SCOPE = 'openid reports:read reports:write';
const INACTIVE = { active: false };
const HANDLE = /^[0-9a-f]{32}$/;
/** What events name the token by: docs/shared-signals.md. */
const handleOf = (jti: unknown) => hash('sha256', `Token\0${jti}`, 'hex').slice(0, 32);

let server: TestServer;
let otherNode: string;
beforeAll(async () => {
  server = await startTestServer();
  otherNode = await server.addNode();
  const client = { client_secret: APP.secret, redirect_uris: [APP.redirectUri], scope: SCOPE };
  const grant_types = ['authorization_code', 'refresh_token', 'client_credentials'];
  await server.apply({
    resourceServers: [
      {
        identifier: REPORTS,
        name: 'Reports',
        accessTokenFormat: 'jwt',
        scopes: [
          { name: 'reports:read', description: 'read your reports' },
          { name: 'reports:write', description: 'write your reports' },
        ],
        claims: ['roles'],
      },
    ],
    roles: [
      { name: 'reporter', scopes: ['reports:read', 'reports:write'] },
      { name: 'reader', scopes: ['reports:read'] },
    ],
    clients: [
      { client_id: APP.clientId, grant_types, ...client },
      { client_id: 'short-lived', grant_types, ...client },
      {
        client_id: REPORTS_API.clientId,
        client_secret: REPORTS_API.secret,
        grant_types: [],
        resource_server: REPORTS,
      },
    ],
    accounts: ['rita', 'rob'].map((name) => ({
      email: `${name}@example.com`,
      name,
      password: DEMO_PASSWORD,
      roles: ['reporter'],
    })),
  });
});
afterAll(() => server.stop());

const app = (clientId = APP.clientId) => createRelyingParty(server.issuer, { ...APP, clientId });
const obtainTokens = ({ name = 'rita', clientId = APP.clientId, browser = new UserAgent(server.issuer) } = {}) =>
  app(clientId).obtainTokens({ scope: SCOPE, resource: REPORTS }, { email: `${name}@example.com` }, browser);
/** At the other node than the one that changes things. */
const introspectThere = (token: string) => introspect(otherNode, token, REPORTS_API);

describe('introspection of a JWT access token (RFC 7662, RFC 9068)', () => {
  it('C37: tells its resource server and its client what it says, and whose it is', async () => {
    const { access_token } = await obtainTokens();
    const { sub, jti, iat, exp, acr, amr, auth_time, grant_id, sid } = decodeJwt(access_token);
    const said = await introspect(server.issuer, access_token, REPORTS_API);
    expect(said).toEqual({
      active: true,
      iss: server.issuer,
      aud: REPORTS,
      client_id: APP.clientId,
      scope: 'reports:read reports:write',
      token_type: 'Bearer',
      roles: ['reporter'],
      ...{ sub, iat, exp, acr, amr, auth_time, grant_id, sid },
      jti: handleOf(jti),
    });
    expect(acr).toBe('1fa');
    expect([grant_id, sid]).toEqual([expect.stringMatching(HANDLE), expect.stringMatching(HANDLE)]);
    expect(await introspect(server.issuer, access_token, APP)).toMatchObject({ active: true, jti });
  });

  it('C38: tells nobody else', async () => {
    const { access_token } = await obtainTokens();
    expect(await introspect(server.issuer, access_token, DEMO_API)).toEqual(INACTIVE);
    expect(await introspect(server.issuer, access_token, DEMO_WEB)).toEqual(INACTIVE);
    const { status } = await postForm(server.url('/token/introspection'), { token: access_token });
    expect(status).toBe(401);
  });

  it('answers about a machine’s token too, whatever the hint', async () => {
    const { access_token } = tokensOf(
      await app().requestToken({ grant_type: 'client_credentials', scope: 'reports:read', resource: REPORTS }),
    );
    for (const token_type_hint of [undefined, 'access_token', 'refresh_token', 'nonsense']) {
      const parameters = { token: access_token, token_type_hint };
      const { body } = await postForm(server.url('/token/introspection'), parameters, REPORTS_API);
      expect(body).toMatchObject({ active: true, client_id: APP.clientId, scope: 'reports:read' });
    }
  });

  it('follows the roles of the account', async () => {
    const { access_token } = await obtainTokens({ name: 'rob' });
    const account = { email: 'rob@example.com', name: 'rob' };
    await server.apply({ accounts: [{ ...account, roles: ['reader'] }] });
    expect(await introspectThere(access_token)).toMatchObject({ scope: 'reports:read', roles: ['reader'] });
    await server.apply({ accounts: [{ ...account, roles: ['reporter'] }] });
  });

  it('C37: takes its jti alone for nothing: that is no secret', async () => {
    const { access_token } = await obtainTokens();
    const jti = String(decodeJwt(access_token).jti);
    expect(await introspect(server.issuer, jti, REPORTS_API)).toEqual(INACTIVE);
    expect(await introspect(server.issuer, jti, APP)).toEqual(INACTIVE);
    expect((await revoke(server.issuer, jti, APP)).status).toBe(200);
    const userinfo = await fetch(server.url('/me'), { headers: { authorization: `Bearer ${jti}` } });
    expect(userinfo.status).toBe(401);
    expect(await introspect(server.issuer, access_token, REPORTS_API)).toMatchObject({ active: true });
  });

  it('lets openid-client introspect it', async () => {
    const { access_token } = await obtainTokens();
    const config = await createRelyingParty(server.issuer, REPORTS_API).discover();
    expect(await openidClient.tokenIntrospection(config, access_token)).toMatchObject({ active: true, aud: REPORTS });
  });
});

describe('C42: revocation of a JWT access token (RFC 7009)', () => {
  it('C42: ends it at once on every node, and leaves its refresh token alive', async () => {
    const { access_token, refresh_token } = await obtainTokens();
    expect(await introspectThere(access_token)).toMatchObject({ active: true });
    const { status, text } = await revoke(server.issuer, access_token, APP);
    expect({ status, text }).toEqual({ status: 200, text: '{}' });
    expect(await introspectThere(access_token)).toEqual(INACTIVE);
    const refreshed = tokensOf(await app().refresh(refresh_token));
    expect(await introspectThere(refreshed.access_token)).toMatchObject({ active: true });
  });

  it('C42: is for its own client alone', async () => {
    const { access_token } = await obtainTokens();
    const { status, body } = await revoke(server.issuer, access_token, DEMO_WEB);
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_request' });
    expect((await revoke(server.issuer, access_token, { ...APP, secret: 'wrong' })).status).toBe(401);
    expect(await introspectThere(access_token)).toMatchObject({ active: true });
  });

  it('ends a machine’s token', async () => {
    const machine = { grant_type: 'client_credentials', scope: 'reports:read', resource: REPORTS };
    const { access_token } = tokensOf(await app().requestToken(machine));
    await openidClient.tokenRevocation(await app().discover(), access_token);
    expect(await introspectThere(access_token)).toEqual(INACTIVE);
  });
});

describe('what ends opaque tokens ends JWTs, on every node at once', () => {
  const endings: [string, (tokens: TokenSet, browser: UserAgent) => Promise<unknown>][] = [
    ['signing out', (_, browser) => signOut(browser)],
    ['revoking the refresh token', ({ refresh_token }) => revoke(server.issuer, refresh_token, APP)],
    ['disabling the account', () => server.pool.query(`update accounts set disabled_at = now() where name = 'rita'`)],
    [
      'using a refresh token a second time after its successor',
      async ({ refresh_token }) => {
        const successor = tokensOf(await app().refresh(refresh_token));
        await app().refresh(successor.refresh_token);
        expect((await app().refresh(refresh_token)).body.error).toBe('invalid_grant');
      },
    ],
    ['withdrawing the grant', () => server.pool.query(`delete from artifacts where kind = 'Grant'`)],
  ];
  it.each(endings)('C37: %s', async (_, end) => {
    const browser = new UserAgent(server.issuer);
    const tokens = await obtainTokens({ browser });
    expect(await introspectThere(tokens.access_token)).toMatchObject({ active: true });
    await end(tokens, browser);
    expect(await introspectThere(tokens.access_token)).toEqual(INACTIVE);
    await server.pool.query('update accounts set disabled_at = null');
  });

  it('C39: deleting the client', async () => {
    const clientId = 'short-lived';
    const { access_token } = await obtainTokens({ clientId });
    const machine = { grant_type: 'client_credentials', scope: 'reports:read', resource: REPORTS };
    const own = tokensOf(await app(clientId).requestToken(machine));
    await server.pool.query('delete from clients where client_id = $1', [clientId]);
    expect(await introspectThere(access_token)).toEqual(INACTIVE);
    expect(await introspectThere(own.access_token)).toEqual(INACTIVE);
  });
});

it('a refresh that comes twice at once yields one token, which every answer names', async () => {
  const { refresh_token } = await obtainTokens();
  const urls = [server.issuer, otherNode, server.issuer, otherNode].map((node) => new URL('/token', node).href);
  const form = { grant_type: 'refresh_token', refresh_token };
  const answers = await postAtOnce(urls, form, { authorization: basicAuth(APP.clientId, APP.secret) });
  const tokens = answers.map((answer) => tokensOf(answer).access_token);
  expect(new Set(tokens.map((token) => decodeJwt(token).jti)).size).toBe(1);
  for (const token of tokens) {
    expect(await introspectThere(token)).toMatchObject({ active: true });
  }
  await revoke(server.issuer, tokens[0] ?? '', APP);
  expect(await introspectThere(tokens[3] ?? '')).toEqual(INACTIVE);
});

/** RP-initiated, confirmed by the person. */
async function signOut(browser: UserAgent): Promise<void> {
  const question = await browser.get(server.url('/session/end'));
  const xsrf = question.html.match(/name="xsrf" value="([^"]*)"/)?.[1] ?? '';
  await browser.post(actionOf(question, 'session/end/confirm'), { xsrf, logout: 'yes' });
}
