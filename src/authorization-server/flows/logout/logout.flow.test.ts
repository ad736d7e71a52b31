import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import {
  ALICE,
  createRelyingParty,
  DEMO_SPA,
  DEMO_WEB,
  introspect,
  type RelyingParty,
  type TestClient,
} from '../../../testing/relying-party.ts';
import { UserAgent, type Visit } from '../../../testing/user-agent.ts';

let server: TestServer;
let web: RelyingParty;
let spa: RelyingParty;
let browser: UserAgent;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
  spa = createRelyingParty(server.issuer, DEMO_SPA);
});
afterAll(() => server.stop());
beforeEach(() => {
  browser = new UserAgent(server.issuer);
});

const question = (parameters: Record<string, string> = {}, agent = browser) =>
  agent.get(`/session/end?${new URLSearchParams(parameters)}`);

const xsrfOf = (visit: Visit) => visit.html.match(/name="xsrf" value="([^"]+)"/)?.[1] ?? '';

/** The button of the sign-out page. */
const confirm = (visit: Visit, agent = browser) =>
  agent.post('/session/end/confirm', { xsrf: xsrfOf(visit), logout: 'yes' });

const cancel = (visit: Visit) => browser.post('/session/end/confirm', { xsrf: xsrfOf(visit) });

async function isSignedIn(agent = browser): Promise<boolean> {
  const { url } = await agent.get(web.authorizationUrl({ scope: 'openid', prompt: 'none' }));
  return new URL(url).searchParams.get('error') !== 'login_required';
}

const isActive = async (token: string, client: TestClient = DEMO_WEB) =>
  (await introspect(server.issuer, token, client)).active;

describe('the end_session endpoint', () => {
  it('C66: asks first, and signs out when told to', async () => {
    await web.authorize({ scope: 'openid' }, ALICE, browser);
    const visit = await question();
    expect(visit.status).toBe(200);
    expect(visit.html).toContain('data-testid="sign-out-confirm"');
    expect(await isSignedIn()).toBe(true);
    const end = await confirm(visit);
    expect(end.html).toContain('data-testid="signed-out"');
    expect(await isSignedIn()).toBe(false);
    expect(browser.cookies.has('/ session')).toBe(false);
  });

  it('C66: signs out also where the registration of a client of the session does not hold any more', async () => {
    const client = {
      clientId: 'broken-later',
      secret: 'the-secret-of-broken-later',
      redirectUri: 'http://localhost:3002/broken',
    };
    const { clientId: client_id, secret: client_secret, redirectUri } = client;
    await server.apply({ clients: [{ client_id, client_secret, redirect_uris: [redirectUri], scope: 'openid' }] });
    await createRelyingParty(server.issuer, client).authorize({ scope: 'openid' }, ALICE, browser);
    const broken = JSON.stringify({ id_token_signed_response_alg: 'of another day' });
    await server.pool.query('update clients set metadata = metadata || $2 where client_id = $1', [client_id, broken]);
    expect((await confirm(await question())).html).toContain('data-testid="signed-out"');
    expect(await isSignedIn()).toBe(false);
  });

  it('C96: answers the confirmation with 303', async () => {
    await web.authorize({ scope: 'openid' }, ALICE, browser);
    const body = new URLSearchParams({ xsrf: xsrfOf(await question()), logout: 'yes' });
    expect((await browser.send('/session/end/confirm', { method: 'POST', body })).status).toBe(303);
  });

  it.each([
    ['no xsrf', {}],
    ['a wrong xsrf', { xsrf: 'a'.repeat(48) }],
    ['an empty xsrf', { xsrf: '' }],
  ])('C66: refuses a confirmation with %s, and nobody is signed out', async (_name, fields) => {
    await web.authorize({ scope: 'openid' }, ALICE, browser);
    await question();
    const answer = await browser.post('/session/end/confirm', { ...fields, logout: 'yes' });
    expect(answer.status).toBe(400);
    expect(answer.html).toContain('data-testid="error-title"');
    expect(await isSignedIn()).toBe(true);
  });

  it('C66: refuses a confirmation that nobody was asked for, and the xsrf of another browser', async () => {
    await web.authorize({ scope: 'openid' }, ALICE, browser);
    const stranger = new UserAgent(server.issuer);
    const theirs = await question({}, stranger);
    expect((await confirm(theirs)).status).toBe(400);
    await question();
    expect((await confirm(theirs)).status).toBe(400);
    expect((await new UserAgent(server.issuer).post('/session/end/confirm', { xsrf: 'x' })).status).toBe(400);
    expect(await isSignedIn()).toBe(true);
  });

  it('C66: takes nothing but a form, and each field once', async () => {
    await web.authorize({ scope: 'openid' }, ALICE, browser);
    const xsrf = xsrfOf(await question());
    const json = { 'content-type': 'application/json' };
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    for (const init of [
      { headers: json, body: JSON.stringify({ xsrf, logout: 'yes' }) },
      { headers: form, body: `xsrf=${xsrf}&xsrf=${xsrf}&logout=yes` },
      { headers: form, body: `xsrf[]=${xsrf}&logout=yes` },
      { headers: form, body: `xsrf=${'x'.repeat(70_000)}` },
    ]) {
      const { status } = await browser.send('/session/end/confirm', { method: 'POST', ...init });
      expect([400, 413]).toContain(status);
    }
    expect(await isSignedIn()).toBe(true);
  });

  it('leaves who cancels signed in', async () => {
    await web.authorize({ scope: 'openid' }, ALICE, browser);
    const end = await cancel(await question());
    expect(end.status).toBe(200);
    expect(await isSignedIn()).toBe(true);
  });

  it('is no dead end for who is not signed in', async () => {
    const end = await confirm(await question());
    expect(end.status).toBe(200);
    expect(end.html).toContain('data-testid="signed-out"');
  });
});

describe('signing out', () => {
  it('C67: ends the tokens of this session without offline_access, keeps the others', async () => {
    const online = await web.obtainTokens({ scope: 'openid records:read' }, ALICE, browser);
    const scope = 'openid offline_access records:read';
    const offline = await spa.obtainTokens({ scope, prompt: 'consent' }, ALICE, browser);
    expect(offline.scope).toBe(scope);
    const elsewhere = new UserAgent(server.issuer);
    const other = await web.obtainTokens({ scope: 'openid records:read' }, ALICE, elsewhere);

    await confirm(await question());

    expect(await isActive(online.access_token)).toBe(false);
    expect((await web.refresh(online.refresh_token)).body).toMatchObject({ error: 'invalid_grant' });
    expect((await introspect(server.issuer, offline.access_token)).active).toBe(true);
    expect((await spa.refresh(offline.refresh_token)).status).toBe(200);
    expect(await isActive(other.access_token)).toBe(true);
    expect(await isSignedIn(elsewhere)).toBe(true);
  });

  it('C50: is permanent on every node, also for a copy of the cookie', async () => {
    await web.authorize({ scope: 'openid' }, ALICE, browser);
    const copy = browser.clone();
    await confirm(await question());
    expect(await isSignedIn(copy)).toBe(false);
    copy.node = await server.addNode();
    expect(await isSignedIn(copy)).toBe(false);
  });

  it('C50: wins over every request that was under way', async () => {
    const node = await server.addNode();
    for (let round = 0; round < 8; round += 1) {
      const agent = new UserAgent(server.issuer);
      await web.authorize({ scope: 'openid' }, ALICE, agent);
      const visit = await question({}, agent);
      // Everything that saves a session: a code by single sign-on, a new consent, the sign-out page once more.
      const tabs = [agent.clone(), agent.clone(), agent.clone(), agent.clone()];
      const requests = tabs.flatMap((tab, index) => {
        tab.node = index % 2 === 0 ? server.issuer : node;
        return [
          tab.send(web.authorizationUrl({ scope: 'openid' })),
          tab.send(spa.authorizationUrl({ scope: 'openid' })),
        ];
      });
      const [end] = await Promise.all([confirm(visit, agent), ...requests]);
      const tabsAfter = await Promise.all([agent, ...tabs].map((tab) => isSignedIn(tab)));
      expect(end.status).toBe(200);
      expect(tabsAfter).toEqual(tabsAfter.map(() => false));
    }
  });

  it('C50: wins over a sign-in page that was answered at the same moment', async () => {
    for (let round = 0; round < 5; round += 1) {
      const agent = new UserAgent(server.issuer);
      await web.authorize({ scope: 'openid' }, ALICE, agent);
      const consent = await agent.get(spa.authorizationUrl({ scope: 'openid', prompt: 'consent' }));
      const visit = await question({}, agent);
      const tab = agent.clone();
      const [end, late] = await Promise.all([confirm(visit, agent), tab.approve(consent)]);
      expect(end.status).toBe(200);
      expect(late.status).toBeLessThan(500);
      expect(await isSignedIn(agent)).toBe(false);
      expect(await isSignedIn(tab)).toBe(false);
    }
  });
});
