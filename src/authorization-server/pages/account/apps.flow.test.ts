import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { visitorOf } from '../../../testing/account-console.ts';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { createRegistering } from '../../../testing/registering.ts';
import {
  ALICE,
  createRelyingParty,
  DEMO_API,
  DEMO_PASSWORD_CLIENT,
  DEMO_WEB,
  introspect,
  postForm,
  send,
  type TokenSet,
  tokensOf,
} from '../../../testing/relying-party.ts';
import { DEMO_PASSWORD, UserAgent, type Visit } from '../../../testing/user-agent.ts';

const API = 'http://localhost:3001';
const INACTIVE = { active: false };
const SCOPE = 'openid profile offline_access records:read records:write';

let server: TestServer;
let node: string;
let browser: UserAgent;
beforeAll(async () => {
  server = await startTestServer();
  node = await server.addNode();
  browser = await visitorOf(server);
});
afterAll(() => server.stop());
beforeEach(async () => {
  await server.pool.query(`delete from artifacts where kind = 'Grant' and client_id <> 'concierge-account'`);
  await server.pool.query('delete from audit_events');
});

const web = () => createRelyingParty(server.issuer, DEMO_WEB);
const obtainTokens = (scope = SCOPE, where = browser) => web().obtainTokens({ scope, prompt: 'consent' }, ALICE, where);
const appOf = async (visitor = browser) => {
  const { html } = await visitor.get('/account/apps');
  return html.match(/href="([^"]*)" data-testid="app-link"/)?.[1] ?? '/account/apps/none';
};
const textsOf = ({ html }: Visit, testId: string) =>
  [...html.matchAll(new RegExp(`data-testid="${testId}"[^>]*>([^<]*)`, 'g'))].map(([, text]) => text?.trim());
const permissionOf = ({ html }: Visit, scope: string) =>
  html.match(new RegExp(`data-scope="${scope}">(.*?)</li>`, 's'))?.[1];
const drop = (app: string, name: string, at: string | null = API, where = browser) =>
  where.post(`${app}/drop`, { kind: 'scope', name, ...(at === null ? {} : { at }) });
const audited = async () => {
  const { rows } = await server.pool.query(
    `select kind, details from audit_events where kind like 'grant_%' order by at`,
  );
  return rows;
};
const askAs = (token: string, scope?: string) =>
  postForm(server.url('/token/introspection'), { token, scope }, DEMO_API);
const userinfo = (token: string) => send(server.url('/me'), { headers: { authorization: `Bearer ${token}` } });

describe('the list', () => {
  it('is empty for who has let no app in, and shows nothing of this server itself', async () => {
    const visit = await browser.get('/account/apps');
    expect(visit.status).toBe(200);
    expect(visit.html).toContain('data-testid="apps-empty"');
    expect(visit.html).not.toContain('data-testid="app"');
  });

  it('has an app once, however many grants it has, and says where each is', async () => {
    await obtainTokens();
    await obtainTokens('openid records:read', new UserAgent(server.issuer));
    const list = await browser.get('/account/apps');
    expect(textsOf(list, 'app')).toHaveLength(1);
    expect(list.html).toContain('Demo web app');
    const app = await browser.get(await appOf());
    expect(textsOf(app, 'app-place')).toHaveLength(2);
    expect(app.html).toContain('This browser');
  });

  it('warns of an app that nobody vouches for', async () => {
    const redirectUri = 'http://127.0.0.1:7777/callback';
    const { client_id: clientId } = await createRegistering(server).registered({
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: 'none',
      client_name: 'Your <Bank>',
    });
    await createRelyingParty(server.issuer, { clientId, redirectUri }).obtainTokens(
      { scope: 'openid' },
      ALICE,
      browser,
    );
    const visit = await browser.get(await appOf());
    expect(visit.html).toContain('data-testid="app-unverified"');
    expect(visit.html).toContain('Your &lt;Bank&gt;');
  });

  it('keeps the name of an app that is gone, and lets it be removed', async () => {
    await obtainTokens();
    await server.pool.query(`update clients set disabled_at = now() where client_id = 'demo-web'`);
    const gone = await browser.get(await appOf());
    const removed = await browser.post(`${await appOf()}/revoke`, {});
    await server.pool.query(`update clients set disabled_at = null where client_id = 'demo-web'`);
    expect(gone.html).toContain('No longer registered');
    expect(gone.html).toContain('demo-web');
    expect(removed.html).toContain('The access was removed');
  });
});

describe('what was used', () => {
  it('is what the resource server says its request takes, and what userinfo tells', async () => {
    const { access_token } = await obtainTokens();
    await askAs(access_token, 'records:read');
    const before = await browser.get(await appOf());
    expect(permissionOf(before, 'records:read')).toContain('data-testid="app-used"');
    for (const unused of ['records:write', 'profile', 'offline_access']) {
      expect(permissionOf(before, unused)).toContain('data-testid="app-never-used"');
    }
    expect(before.html).toMatch(/data-testid="app-last-used"[^§]*?now[^§]*?Concierge demo API/);
    await userinfo(access_token);
    expect(permissionOf(await browser.get(await appOf()), 'profile')).toContain('data-testid="app-used"');
  });

  it('is nothing for a request that takes no scope, and for one that names scopes the token has not', async () => {
    const { access_token } = await obtainTokens();
    await askAs(access_token, '');
    await askAs(access_token, 'blobs:read openid-ish');
    const app = await browser.get(await appOf());
    expect(permissionOf(app, 'records:read')).toContain('data-testid="app-never-used"');
    expect(app.html).toMatch(/data-testid="app-last-used"[^§]*?now/);
  });

  it('is every scope of the token where the resource server does not say', async () => {
    const { access_token } = await obtainTokens('openid records:read records:write');
    await askAs(access_token);
    const app = await browser.get(await appOf());
    expect(permissionOf(app, 'records:write')).toContain('data-testid="app-used"');
  });

  it('is not touched by whoever may not ask, nor by a token that is over', async () => {
    const { access_token } = await obtainTokens();
    await postForm(server.url('/token/introspection'), { token: access_token, scope: 'records:read' });
    await postForm(server.url('/token/introspection'), { token: `${access_token}x`, scope: 'records:read' }, DEMO_API);
    const app = await browser.get(await appOf());
    expect(permissionOf(app, 'records:read')).toContain('data-testid="app-never-used"');
  });

  it('is offline access for a refresh, and is written down so that every node sees it', async () => {
    const { refresh_token } = await obtainTokens();
    tokensOf(await web().refresh(refresh_token));
    await browser.get('/account/apps');
    const elsewhere = browser.clone();
    elsewhere.node = node;
    const app = await elsewhere.get(await appOf(elsewhere));
    expect(permissionOf(app, 'offline_access')).toContain('data-testid="app-used"');
  });
});

describe('a scope that is taken away', () => {
  it('counts at once at every node, for introspection, refresh and userinfo, and is audited', async () => {
    const { access_token, refresh_token } = await obtainTokens();
    const app = await appOf();
    const said = await drop(app, 'records:write');
    expect(said.html).toContain('Taken away');
    expect(await introspect(server.issuer, access_token)).toMatchObject({ scope: SCOPE.replace(' records:write', '') });
    expect(await introspect(node, access_token)).toMatchObject({ scope: SCOPE.replace(' records:write', '') });
    expect(tokensOf(await web().refresh(refresh_token, {}, node)).scope).not.toContain('records:write');
    await drop(app, 'profile', null);
    expect((await userinfo(access_token)).body).toEqual({ sub: expect.any(String) });
    const at = { change: 'scope', grants: 1 };
    expect(await audited()).toEqual(
      expect.arrayContaining([
        { kind: 'grant_changed', details: { ...at, name: 'records:write', resource_server: API } },
        { kind: 'grant_changed', details: { ...at, name: 'profile' } },
      ]),
    );
  });

  it('is asked for again, and nothing else, at the next authorization request', async () => {
    await obtainTokens('openid records:read records:write');
    await drop(await appOf(), 'records:write');
    const asked = await browser.get(web().authorizationUrl({ scope: 'openid records:read records:write' }));
    expect(asked.html).toMatch(/data-testid="consent-scope"[^>]*data-scope="records:write"/);
    expect([...asked.html.matchAll(/name="[^"]*" [^>]*data-testid="consent-choice"/g)].length).toBeLessThanOrEqual(1);
    const { access_token } = tokensOf(
      await web().exchange(await web().authorize({ scope: 'openid records:read records:write' }, ALICE, browser)),
    );
    expect(await introspect(server.issuer, access_token)).toMatchObject({ scope: 'openid records:read records:write' });
  });

  it('is gone from every grant of the app, with the password too', async () => {
    const first = await obtainTokens();
    const second = await obtainTokens(SCOPE, new UserAgent(server.issuer));
    await drop(await appOf(), 'records:read');
    for (const { access_token } of [first, second]) {
      expect((await introspect(server.issuer, access_token)).scope).not.toContain('records:read');
    }
  });

  it('ends what was issued for the time after sign-out, when it is offline access', async () => {
    const { refresh_token } = await obtainTokens();
    await drop(await appOf(), 'offline_access', null);
    expect((await web().refresh(refresh_token)).body.error).toBe('invalid_grant');
  });

  it('may be any but openid, and nothing that is not there', async () => {
    await obtainTokens();
    const app = await appOf();
    expect((await drop(app, 'openid', null)).status).toBe(400);
    expect((await drop(app, 'records:delete')).html).toContain('Nothing was changed');
    expect((await browser.post(`${app}/drop`, { kind: 'soul', name: 'x' })).status).toBe(400);
    expect(await audited()).toEqual([]);
  });
});

describe('the end of an access', () => {
  const endOf = async () => {
    const { rows } = await server.pool.query(
      `select payload, expires_at from artifacts where kind = 'Grant' and client_id = 'demo-web'`,
    );
    return { exp: JSON.parse(rows[0].payload).exp as number, row: rows[0].expires_at as Date };
  };
  const ageGrants = (seconds: number) =>
    server.pool.query(
      `update artifacts set payload = regexp_replace(payload, '"exp":(\\d+)',
        '"exp":' || ((substring(payload from '"exp":(\\d+)'))::bigint - $1)) where kind = 'Grant' and client_id = 'demo-web'`,
      [seconds],
    );

  it('can be sooner: its tokens end with it', async () => {
    const { access_token, refresh_token } = await obtainTokens();
    const visit = await browser.post(`${await appOf()}/end`, { end: 'hour' });
    expect(visit.html).toContain('The end was changed');
    const { exp, row } = await endOf();
    expect(Math.abs(exp - (Date.now() / 1000 + 3600))).toBeLessThan(10);
    expect(row.getTime() / 1000 - exp).toBeLessThanOrEqual(3600);
    expect(await introspect(server.issuer, access_token)).toMatchObject({ active: true });
    await ageGrants(3601);
    expect(await introspect(server.issuer, access_token)).toEqual(INACTIVE);
    expect(await introspect(node, refresh_token, DEMO_WEB)).toEqual(INACTIVE);
    expect((await web().refresh(refresh_token)).body.error).toBe('invalid_grant');
    expect((await userinfo(access_token)).status).toBe(401);
    expect((await browser.get('/account/apps')).html).toContain('data-testid="apps-empty"');
  });

  it('can be later again, up to what the server allows, and the row stays for so long', async () => {
    await obtainTokens();
    const app = await appOf();
    await browser.post(`${app}/end`, { end: 'hour' });
    await browser.post(`${app}/end`, { end: 'revoked' });
    const { exp, row } = await endOf();
    expect(Math.abs(exp - (Date.now() / 1000 + 15_552_000))).toBeLessThan(10);
    expect(row.getTime() / 1000).toBeGreaterThanOrEqual(exp);
    const day = new Date(Date.now() + 20 * 86_400_000).toISOString().slice(0, 10);
    await browser.post(`${app}/end`, { end: 'date', date: day });
    expect((await endOf()).exp).toBe(Date.parse(`${day}T00:00:00Z`) / 1000 + 86_400);
    expect((await audited()).map(({ details }) => details.change)).toEqual(['until', 'until', 'until']);
  });

  it.each([
    [{ end: 'date', date: '' }, 'Choose a day.'],
    [{ end: 'date' }, 'Choose a day.'],
    [{ end: 'date', date: '2020-01-01' }, 'That day is over'],
    [{ end: 'date', date: '2099-01-01' }, 'No access lasts that long'],
    [{ end: 'never' }, 'Choose how long'],
    [{}, 'Choose how long'],
  ])('is told what is wrong with %j, and nothing changes', async (fields, words) => {
    await obtainTokens();
    const { exp } = await endOf();
    const visit = await browser.post(`${await appOf()}/end`, fields as Record<string, string>);
    expect(visit.status).toBe(422);
    expect(visit.html).toContain(words);
    expect((await endOf()).exp).toBe(exp);
  });
});

describe('an access that is removed', () => {
  let tokens: TokenSet;
  beforeEach(async () => {
    tokens = await obtainTokens();
  });

  it('is over at once, everywhere, with everything that came of it', async () => {
    const other = await obtainTokens(SCOPE, new UserAgent(server.issuer));
    const visit = await browser.post(`${await appOf()}/revoke`, {});
    expect(visit.html).toContain('The access was removed');
    for (const { access_token, refresh_token } of [tokens, other]) {
      expect(await introspect(node, access_token)).toEqual(INACTIVE);
      expect((await userinfo(access_token)).status).toBe(401);
      expect((await web().refresh(refresh_token, {}, node)).body.error).toBe('invalid_grant');
    }
    expect(await audited()).toEqual([{ kind: 'grant_revoked', details: { grants: 2, by: 'account' } }]);
    const asked = await browser.get(web().authorizationUrl({ scope: 'openid profile' }));
    expect(asked.html).toMatch(/action="[^"]*\/consent"/);
  });

  it('can be one place alone', async () => {
    const other = await obtainTokens(SCOPE, new UserAgent(server.issuer));
    const { html } = await browser.get(await appOf());
    const here = html.match(/This browser.*?name="grant" value="([^"]*)"/s)?.[1] ?? '';
    const visit = await browser.post(`${await appOf()}/revoke`, { grant: here });
    expect(visit.html).toContain('The access from there has ended');
    expect(await introspect(server.issuer, tokens.access_token)).toEqual(INACTIVE);
    expect(await introspect(server.issuer, other.access_token)).toMatchObject({ active: true });
  });

  it('ends what a program has that knows the password', async () => {
    const party = createRelyingParty(server.issuer, DEMO_PASSWORD_CLIENT);
    const credentials = { username: ALICE.email, password: DEMO_PASSWORD, scope: 'records:read' };
    const theirs = tokensOf(await party.requestToken({ grant_type: 'password', ...credentials }));
    const { html } = await browser.get('/account/apps');
    const links = [...html.matchAll(/href="([^"]*)" data-testid="app-link"><bdi>([^<]*)/g)];
    const [, app = ''] = links.find(([, , name]) => name === 'Demo password app') ?? [];
    expect((await browser.get(app)).html).toContain('A program that has your password');
    await browser.post(`${app}/revoke`, {});
    expect(await introspect(server.issuer, theirs.access_token)).toEqual(INACTIVE);
    expect(await introspect(server.issuer, tokens.access_token)).toMatchObject({ active: true });
  });

  it('is removed once by two at once, and a second time is told that it was over', async () => {
    const app = await appOf();
    const elsewhere = browser.clone();
    elsewhere.node = node;
    const outcomes = await Promise.all([browser, elsewhere].map((one) => one.post(`${app}/revoke`, {})));
    expect(outcomes.map(({ status }) => status)).toEqual([200, 200]);
    expect(await audited()).toHaveLength(1);
    expect((await browser.post(`${app}/revoke`, {})).html).toContain('Nothing was changed');
    expect((await browser.get(app)).status).toBe(404);
  });

  it('changes nothing for anybody else, whatever they send', async () => {
    const guest = await visitorOf(server, { email: 'guest@example.com' });
    const app = await appOf();
    const { html } = await browser.get(app);
    const { rows } = await server.pool.query(
      `select key from artifacts where kind = 'Grant' and client_id = 'demo-web'`,
    );
    expect(html).toContain('Demo web app');
    expect((await guest.get(app)).status).toBe(404);
    await obtainTokensAs(guest);
    await guest.post(`${app}/revoke`, { grant: rows[0].key });
    await guest.post(`${app}/revoke`, {});
    await drop(app, 'records:write', API, guest);
    await guest.post(`${app}/end`, { end: 'hour' });
    expect(await introspect(server.issuer, tokens.access_token)).toMatchObject({ active: true, scope: SCOPE });
  });

  it('is not removed by a form of another site, nor by who has not signed in', async () => {
    const app = await appOf();
    const foreign = await browser.post(`${app}/revoke`, {}, { 'sec-fetch-site': 'cross-site' });
    expect(foreign.status).toBe(403);
    await new UserAgent(server.issuer).post(`${app}/revoke`, {});
    expect(await introspect(server.issuer, tokens.access_token)).toMatchObject({ active: true });
  });
});

it('what an app has of a resource server with JWTs is limited and revoked as well, for whoever asks', async () => {
  const reports = 'https://reports.example';
  await server.apply({
    resourceServers: [
      {
        identifier: reports,
        name: 'Reports',
        accessTokenFormat: 'jwt',
        scopes: ['reports:read', 'reports:write'].map((name) => ({ name, description: name })),
      },
    ],
    roles: [{ name: 'user', scopes: ['records:read', 'records:write', 'reports:read', 'reports:write'] }],
    clients: [
      { client_id: 'reports-api', client_secret: 'reports-api-secret', grant_types: [], resource_server: reports },
      {
        client_id: 'reporter',
        client_secret: 'reporter-client-secret',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        redirect_uris: [DEMO_WEB.redirectUri],
        scope: 'reports:read reports:write',
      },
    ],
  });
  const reporter = { ...DEMO_WEB, clientId: 'reporter', secret: 'reporter-client-secret' };
  const parameters = { scope: 'reports:read reports:write', resource: reports };
  const { access_token } = await createRelyingParty(server.issuer, reporter).obtainTokens(parameters, ALICE, browser);
  const ask = () => introspect(server.issuer, access_token, { clientId: 'reports-api', secret: 'reports-api-secret' });
  expect(access_token.split('.')).toHaveLength(3);
  const app = await appOf();
  await drop(app, 'reports:write', reports);
  expect(await ask()).toMatchObject({ active: true, scope: 'reports:read' });
  await browser.post(`${app}/revoke`, {});
  expect(await ask()).toEqual(INACTIVE);
});

it('two that change a grant at once both do', async () => {
  const { access_token } = await obtainTokens('openid records:read records:write');
  const app = await appOf();
  await Promise.all(['records:write', 'records:read', 'records:write'].map((scope) => drop(app, scope)));
  expect(await introspect(server.issuer, access_token)).toMatchObject({ active: true, scope: 'openid' });
});

async function obtainTokensAs(guest: UserAgent) {
  return web().obtainTokens({ scope: 'openid records:read' }, { email: 'guest@example.com' }, guest);
}
