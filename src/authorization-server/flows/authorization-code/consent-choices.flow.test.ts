/** What people leave out, and for how long they let a client have the rest. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { allowDevice, confirmDevice, createTelevision, DEVICE_GRANT, typeCode } from '../../../testing/device.ts';
import {
  ALICE,
  createPkce,
  createRelyingParty,
  DEMO_WEB,
  introspect,
  type RelyingParty,
  send,
  type TokenSet,
  tokensOf,
} from '../../../testing/relying-party.ts';
import { UserAgent, type Visit } from '../../../testing/user-agent.ts';

const REDIRECT_URI = 'http://localhost:3002/choices';
const AT_API = ' http://localhost:3001';
const PICKY = { clientId: 'picky', secret: 'secret-of-picky', redirectUri: REDIRECT_URI };
const OURS = { clientId: 'ours', secret: 'secret-of-ours', redirectUri: REDIRECT_URI };
const HANDHELD = { clientId: 'handheld', secret: 'secret-of-handheld', redirectUri: REDIRECT_URI };
const OUR_APP = { clientId: 'our-app', redirectUri: 'com.example.ours:/cb' };

const HOUR = 3600;
const MONTH = 30 * 24 * HOUR;

let server: TestServer;
let web: RelyingParty;
let browser: UserAgent;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
  const shared = {
    grant_types: ['authorization_code', 'refresh_token'],
    scope: 'openid email offline_access records:read records:write',
  };
  await server.apply({
    clients: [
      {
        ...shared,
        client_id: 'picky',
        client_secret: PICKY.secret,
        redirect_uris: [REDIRECT_URI],
        required_scopes: 'records:read',
      },
      {
        ...shared,
        client_id: 'handheld',
        client_secret: HANDHELD.secret,
        redirect_uris: [REDIRECT_URI],
        grant_types: [...shared.grant_types, DEVICE_GRANT],
      },
      { ...shared, client_id: 'ours', client_secret: OURS.secret, redirect_uris: [REDIRECT_URI], first_party: true },
      {
        ...shared,
        client_id: 'our-app',
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        redirect_uris: [OUR_APP.redirectUri],
        first_party: true,
      },
    ],
  });
});
afterAll(() => server.stop());
beforeEach(async () => {
  browser = new UserAgent(server.issuer);
  await server.pool.query('delete from audit_events');
});

const isConsent = (visit: Visit) => visit.html.includes('data-testid="consent-form"');
const answerOf = (visit: Visit) => Object.fromEntries(new URL(visit.url).searchParams);

const VERIFIER = 'a-verifier-that-is-long-enough-for-every-server-there-is';
async function ask(parameters: Record<string, string>, party = web): Promise<Visit> {
  const visit = await browser.get(party.authorizationUrl(parameters, createPkce(VERIFIER)));
  return visit.html.includes('/sign-in"') ? browser.signIn(visit, ALICE) : visit;
}

async function redeem(visit: Visit, party = web): Promise<TokenSet> {
  const { code = '' } = answerOf(visit);
  return tokensOf(await party.exchange({ code, verifier: VERIFIER }));
}

type Changes = Record<string, string | undefined>;

async function allow(parameters: Record<string, string>, changes: Changes = {}, party = web): Promise<TokenSet> {
  const visit = await ask(parameters, party);
  expect(isConsent(visit)).toBe(true);
  return redeem(await browser.approve(visit, changes), party);
}

const userinfo = (token: string) => send(server.url('/me'), { headers: { authorization: `Bearer ${token}` } });

async function consentsWritten() {
  const { rows } = await server.pool.query('select kind, client_id, details from audit_events order by id');
  return rows.filter(({ kind }) => /consent/.test(kind));
}

const WIDE = { scope: 'openid email records:read records:write' };

describe('what a person leaves out', () => {
  it('is not granted: the answer says so, and so do userinfo and introspection', async () => {
    const tokens = await allow(WIDE, { 'scope:email': undefined, [`scope:records:write${AT_API}`]: undefined });
    expect(tokens.scope).toBe('openid records:read');
    expect((await userinfo(tokens.access_token)).body).not.toHaveProperty('email');
    expect((await introspect(server.issuer, tokens.access_token)).scope).toBe('openid records:read');
    expect(await consentsWritten()).toEqual([
      {
        kind: 'consent_given',
        client_id: 'demo-web',
        details: { scopes: ['openid', 'records:read'], leftOut: ['email', 'records:write'], duration: 'session' },
      },
    ]);
  });

  it('is not asked again, until the client wants all asked; then it is not ticked', async () => {
    await allow(WIDE, { 'scope:email': undefined });
    const again = await ask(WIDE);
    expect((await redeem(again)).scope).toBe('openid records:read records:write');
    const anew = await ask({ ...WIDE, prompt: 'consent' });
    expect(anew.html).toMatch(/name="scope:email"\s+>/);
    const { scope } = await redeem(await browser.approve(anew, { 'scope:email': 'on' }));
    expect(scope.split(' ').sort()).toEqual(WIDE.scope.split(' ').sort());
  });

  it('is asked again where nothing else is asked for', async () => {
    await allow({ scope: 'records:read records:write' }, { [`scope:records:write${AT_API}`]: undefined });
    const visit = await ask({ scope: 'records:write' });
    expect(isConsent(visit)).toBe(true);
    const silently = await browser.get(web.authorizationUrl({ scope: 'records:write', prompt: 'none' }));
    expect(answerOf(silently)).toMatchObject({ error: 'consent_required' });
    expect((await redeem(await browser.approve(visit, { [`scope:records:write${AT_API}`]: 'on' }))).scope).toBe(
      'records:write',
    );
  });

  it('can be taken back from what was granted, and that counts at once', async () => {
    const tokens = await allow(WIDE);
    const anew = await ask({ ...WIDE, prompt: 'consent' });
    await browser.approve(anew, { [`scope:records:write${AT_API}`]: undefined });
    expect((await introspect(server.issuer, tokens.access_token)).scope).toBe('openid email records:read');
    expect(tokensOf(await web.refresh(tokens.refresh_token)).scope).toBe('openid email records:read');
  });

  it('can be a single claim, and one that a scope covers follows that scope', async () => {
    const claims = JSON.stringify({ userinfo: { nickname: null, email: null } });
    const tokens = await allow(
      { scope: 'openid email', claims },
      { 'claim:nickname': undefined, 'scope:email': undefined },
    );
    expect(Object.keys((await userinfo(tokens.access_token)).body)).toEqual(['sub']);
    const another = new UserAgent(server.issuer);
    browser = another;
    const all = await allow({ scope: 'openid', claims });
    expect((await userinfo(all.access_token)).body).toMatchObject({ nickname: 'Ali', email: ALICE.email });
  });

  it('is told all the same once a scope that covers it is granted', async () => {
    const claims = JSON.stringify({ userinfo: { email: null } });
    await allow({ scope: 'openid', claims }, { 'claim:email': undefined });
    const { access_token } = await allow({ scope: 'openid email' });
    expect((await userinfo(access_token)).body).toMatchObject({ email: ALICE.email });
  });

  it('can be one of several authorization details', async () => {
    const details = ['one.txt', 'two.txt'].map((file_name) => ({ type: 'file_upload', file_name }));
    const request = { scope: 'openid', authorization_details: JSON.stringify(details) };
    const tokens = (await allow(request, { 'detail:0': undefined })) as TokenSet & { authorization_details: unknown };
    expect(tokens.authorization_details).toEqual([details[1]]);
  });

  it('cannot be what the client requires, whatever the form says', async () => {
    const picky = createRelyingParty(server.issuer, PICKY);
    const visit = await ask(WIDE, picky);
    expect(visit.html).toMatch(new RegExp(`name="scope:records:read${AT_API}" checked disabled`));
    const nothing = { 'scope:email': undefined, [`scope:records:write${AT_API}`]: undefined };
    expect((await redeem(await browser.approve(visit, nothing), picky)).scope).toBe('openid records:read');
  });

  it('can be everything, which the client is told as a refusal', async () => {
    const visit = await ask({ scope: 'records:read' });
    expect(answerOf(await browser.approve(visit, { [`scope:records:read${AT_API}`]: undefined }))).toMatchObject({
      error: 'access_denied',
      error_description: 'the account holder allowed none of what was asked for',
      state: 'a-state',
    });
    expect(isConsent(await ask({ scope: 'records:read' }))).toBe(true);
    expect((await consentsWritten()).map(({ kind }) => kind)).toEqual(['consent_denied']);
  });
});

describe('access for a time', () => {
  const OFFLINE = { scope: 'openid offline_access records:read', prompt: 'consent' };
  const now = () => Math.floor(Date.now() / 1000);

  async function age(seconds: number) {
    const older = `jsonb_set(payload::jsonb, '{exp}', to_jsonb((payload::jsonb->>'exp')::bigint - $1))::text`;
    await server.pool.query(`update artifacts set payload = ${older} where kind = 'Grant'`, [seconds]);
  }

  it.each([
    ['hour', HOUR],
    ['month', MONTH],
    ['revoked', 180 * 24 * HOUR],
  ])('of %s ends then', async (duration, seconds) => {
    const { access_token, refresh_token } = await allow(OFFLINE, { duration });
    const refreshable = await introspect(server.issuer, refresh_token, DEMO_WEB);
    expect(refreshable.active).toBe(true);
    expect(Number(refreshable.exp)).toBeLessThanOrEqual(now() + seconds);
    await age(seconds);
    expect(await introspect(server.issuer, access_token)).toEqual({ active: false });
    expect(await introspect(server.issuer, refresh_token, DEMO_WEB)).toEqual({ active: false });
    expect((await web.refresh(refresh_token)).body.error).toBe('invalid_grant');
    expect((await userinfo(access_token)).status).toBe(401);
    expect(isConsent(await ask({ scope: 'openid records:read' }))).toBe(true);
  });

  it('is never longer for a token than for its grant, and expires_in says so', async () => {
    const { refresh_token } = await allow(OFFLINE, { duration: 'hour' });
    await age(HOUR - 600);
    const refreshed = tokensOf(await web.refresh(refresh_token));
    expect(refreshed.expires_in).toBeLessThanOrEqual(600);
    expect(refreshed.expires_in).toBeGreaterThan(500);
    const single = await redeem(await ask({ scope: 'openid records:read' }));
    expect(single.expires_in).toBeLessThanOrEqual(600);
  });

  it('is told at introspection, also of tokens that were issued for longer', async () => {
    const { access_token } = await allow(OFFLINE);
    await allow(OFFLINE, { duration: 'hour' });
    await age(HOUR - 60);
    expect(Number((await introspect(server.issuer, access_token)).exp)).toBeLessThanOrEqual(now() + 60);
  });

  it('begins anew when more is asked for', async () => {
    await allow(OFFLINE, { duration: 'hour' });
    await age(HOUR - 60);
    const more = await ask({ scope: 'openid records:read records:write' });
    expect(more.html).toMatch(/value="hour" checked/);
    const { refresh_token } = await redeem(await browser.approve(more, { duration: 'month' }));
    expect(Number((await introspect(server.issuer, refresh_token, DEMO_WEB)).exp)).toBeGreaterThan(now() + HOUR);
  });

  it('that is the session ends with the sign-out, also where offline access was asked for', async () => {
    const tokens = await allow(OFFLINE, { duration: 'session' });
    expect(tokens.scope).toBe('openid records:read');
    expect((await introspect(server.issuer, tokens.refresh_token, DEMO_WEB)).active).toBe(true);
    await browser.signOut(await browser.get(server.url('/session/end')));
    expect(await introspect(server.issuer, tokens.access_token)).toEqual({ active: false });
    expect((await web.refresh(tokens.refresh_token)).body.error).toBe('invalid_grant');
  });

  it('that is cut down to the session ends what outlives it', async () => {
    const before = await allow(OFFLINE, { duration: 'revoked' });
    const after = await allow(OFFLINE, { duration: 'session' });
    expect(await introspect(server.issuer, before.access_token)).toEqual({ active: false });
    expect((await web.refresh(before.refresh_token)).body.error).toBe('invalid_grant');
    expect((await introspect(server.issuer, after.access_token)).active).toBe(true);
  });

  it('that is cut down to the session leaves nothing behind when that ends', async () => {
    await allow(OFFLINE, { duration: 'revoked' });
    await allow(OFFLINE, { duration: 'session' });
    await browser.signOut(await browser.get(server.url('/session/end')));
    const newest = `select consumed_at is null as lives from artifacts where kind = 'Grant' order by created_at desc limit 1`;
    expect((await server.pool.query(newest)).rows).toEqual([{ lives: false }]);
  });

  it('ends with the session where offline access is not asked for, however long it is allowed', async () => {
    const { access_token } = await allow({ scope: 'openid records:read', prompt: 'consent' }, { duration: 'month' });
    await browser.signOut(await browser.get(server.url('/session/end')));
    expect(await introspect(server.issuer, access_token)).toEqual({ active: false });
  });
});

describe('access of a device, which no session ends, and of a browser at the same client', () => {
  const BOTH = { scope: 'openid records:read' };
  const there = () => createRelyingParty(server.issuer, HANDHELD);
  const device = () => createTelevision(server, HANDHELD);

  it('is asked for where there is access for the session only', async () => {
    await allow(BOTH, { duration: 'session' }, there());
    const { user_code } = await device().connect(BOTH);
    const visit = await confirmDevice(browser, await typeCode(browser, user_code));
    expect(isConsent(visit)).toBe(true);
    expect(visit.html).not.toContain('value="session"');
    const connected = await browser.approve(visit, { duration: 'hour' });
    expect(connected.html).toContain('data-testid="device-connected"');
  });

  it('ends where access is cut down to the session', async () => {
    const waiting = await device().connect(BOTH);
    await allowDevice(browser, waiting);
    const tokens = await device().obtainTokens(waiting);
    await allow({ ...BOTH, prompt: 'consent' }, { duration: 'session' }, there());
    expect((await there().refresh(tokens.refresh_token)).body.error).toBe('invalid_grant');
  });

  it('stays as it is where access for the session is asked for again', async () => {
    const first = await allow({ ...BOTH, prompt: 'consent' }, { duration: 'session' }, there());
    await allow({ ...BOTH, prompt: 'consent' }, { duration: 'session' }, there());
    expect((await there().refresh(first.refresh_token)).status).toBe(200);
  });
});

describe('a client of the operator’s own', () => {
  it('asks nobody, and its grant is written down all the same', async () => {
    const ours = createRelyingParty(server.issuer, OURS);
    const tokens = await redeem(await ask(WIDE, ours), ours);
    expect(tokens.scope).toBe(WIDE.scope);
    expect(await consentsWritten()).toEqual([
      { kind: 'consent_given', client_id: 'ours', details: { scopes: WIDE.scope.split(' '), firstParty: true } },
    ]);
    const { rows } = await server.pool.query(`select from artifacts where kind = 'Grant' and client_id = 'ours'`);
    expect(rows).toHaveLength(1);
    const silently = await browser.get(ours.authorizationUrl({ ...WIDE, prompt: 'none' }));
    expect(answerOf(silently)).toHaveProperty('code');
    expect(await consentsWritten()).toHaveLength(1);
  });

  it('asks for consent when it wants to', async () => {
    const ours = createRelyingParty(server.issuer, OURS);
    expect(isConsent(await ask({ ...WIDE, prompt: 'consent' }, ours))).toBe(true);
  });

  it('C9: asks every time where it is a native one, which anyone can pretend to be', async () => {
    const app = createRelyingParty(server.issuer, OUR_APP);
    await browser.approve(await ask(WIDE, app));
    const again = await ask(WIDE, app);
    expect(isConsent(again)).toBe(true);
    expect(again.html).toContain('data-testid="consent-held" open');
    expect(answerOf(await browser.approve(again))).toHaveProperty('code');
  });
});
