/** What was permitted for longer than a session is not asked again in another one. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import {
  ALICE,
  createPkce,
  createRelyingParty,
  DEMO_WEB,
  GUEST,
  introspect,
  type RelyingParty,
  revoke,
  tokensOf,
} from '../../../testing/relying-party.ts';
import { DEMO_PASSWORD, UserAgent, type Visit } from '../../../testing/user-agent.ts';
import { createGrantStore } from '../../storage/grants.ts';

const REDIRECT_URI = 'http://localhost:3002/remembered';
const OTHER = { clientId: 'other', secret: 'secret-of-other', redirectUri: REDIRECT_URI };
const NATIVE = { clientId: 'native-app', redirectUri: 'com.example.native:/cb' };
const AT_API = ' http://localhost:3001';
const WIDE = { scope: 'openid email records:read' };

let server: TestServer;
let web: RelyingParty;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
});
afterAll(() => server.stop());

const shared = { grant_types: ['authorization_code', 'refresh_token'], scope: `${WIDE.scope} records:write` };
const other = { ...shared, client_id: 'other', client_secret: OTHER.secret, redirect_uris: [REDIRECT_URI] };
beforeEach(async () => {
  await server.pool.query(`delete from artifacts; delete from audit_events`);
  await server.apply({
    clients: [
      other,
      {
        ...shared,
        client_id: 'native-app',
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        redirect_uris: [NATIVE.redirectUri],
      },
    ],
  });
});

const isConsent = (visit: Visit) => visit.html.includes('data-testid="consent-form"');
const answerOf = (visit: Visit) => Object.fromEntries(new URL(visit.url).searchParams);
const grantsOf = async () =>
  (await server.pool.query(`select payload from artifacts where kind = 'Grant' and consumed_at is null`)).rows;

const VERIFIER = 'a-verifier-that-is-long-enough-for-every-server-there-is';

/** In a browser that nobody is signed in with, unless one is given. */
async function ask(
  parameters: Record<string, string> = WIDE,
  { party = web, person = ALICE, browser = new UserAgent(server.issuer) } = {},
): Promise<Visit & { browser: UserAgent }> {
  const visit = await browser.get(party.authorizationUrl(parameters, createPkce(VERIFIER)));
  return { ...(visit.html.includes('/sign-in"') ? await browser.signIn(visit, person) : visit), browser };
}

type Changes = Record<string, string | undefined>;

async function allow(
  parameters = WIDE,
  changes: Changes = { duration: 'month' },
  options: Parameters<typeof ask>[1] = {},
) {
  const visit = await ask(parameters, options);
  expect(isConsent(visit)).toBe(true);
  const answer = await visit.browser.approve(visit, changes);
  expect(answerOf(answer)).toHaveProperty('code');
  return { ...answer, browser: visit.browser };
}

const redeem = async (visit: Visit) =>
  tokensOf(await web.exchange({ code: answerOf(visit).code ?? '', verifier: VERIFIER }));

/** As the account's own page does it. */
async function removeAllAccess() {
  const { rows } = await server.pool.query('select account_id from accounts where email = $1', [ALICE.email]);
  const selection = { accountId: rows[0].account_id, clientId: DEMO_WEB.clientId };
  expect(await createGrantStore(server.pool).revoke(selection)).toBe(1);
}

describe('a consent for longer than the session', () => {
  it('is not asked for again in another browser, and a sign-out takes none but its own along', async () => {
    const { browser } = await allow();
    const elsewhere = await ask();
    expect((await redeem(elsewhere)).scope).toBe(WIDE.scope);
    await elsewhere.browser.signOut(await elsewhere.browser.get(server.url('/session/end')));
    expect(answerOf(await ask(WIDE, elsewhere))).toHaveProperty('code');
    for (const one of [browser, elsewhere.browser]) {
      await one.signOut(await one.get(server.url('/session/end')));
    }
    expect(isConsent(await ask(WIDE, { browser }))).toBe(true);
    const { rows } = await server.pool.query(`select from audit_events where kind = 'consent_given'`);
    expect(rows).toHaveLength(1);
  });

  it('ends when it was to end, in whichever browser', async () => {
    const first = await redeem(await allow());
    const second = await redeem(await ask());
    const ends = (await grantsOf()).map(({ payload }) => JSON.parse(payload).exp);
    expect(ends).toEqual([ends[0], ends[0]]);
    const seen = [first, second].map(({ refresh_token }) => introspect(server.issuer, refresh_token, DEMO_WEB));
    for (const { exp } of await Promise.all(seen)) {
      expect(Number(exp)).toBeLessThanOrEqual(ends[0]);
    }
    await server.pool.query(`update artifacts set payload = replace(payload, '"exp":${ends[0]}', '"exp":1')`);
    expect(isConsent(await ask())).toBe(true);
  });

  it('is a grant of its own for each session: what ends one leaves the other', async () => {
    const first = await redeem(await allow());
    const second = await redeem(await ask());
    await revoke(server.issuer, second.refresh_token, DEMO_WEB);
    expect(await introspect(server.issuer, second.access_token)).toEqual({ active: false });
    expect((await introspect(server.issuer, first.access_token)).active).toBe(true);
  });

  it('is asked for again in the session that it has ended in', async () => {
    await allow();
    const elsewhere = await ask();
    await revoke(server.issuer, (await redeem(elsewhere)).refresh_token, DEMO_WEB);
    expect(isConsent(await ask(WIDE, elsewhere))).toBe(true);
  });

  it('leads two requests at once to one grant', async () => {
    await allow();
    const { browser } = await ask({ scope: 'openid' }, { party: createRelyingParty(server.issuer, OTHER) });
    const visits = await Promise.all([ask(WIDE, { browser }), ask(WIDE, { browser })]);
    for (const { access_token } of await Promise.all(visits.map(redeem))) {
      expect((await introspect(server.issuer, access_token)).active).toBe(true);
    }
    expect(await grantsOf()).toHaveLength(2);
  });

  it('lets a new scope be asked for alone, and the answer counts elsewhere', async () => {
    await allow();
    const more = { scope: `${WIDE.scope} records:write` };
    const visit = await ask(more);
    expect(isConsent(visit)).toBe(true);
    expect(visit.html).toContain(`name="scope:records:write${AT_API}"`);
    expect(visit.html).not.toContain('name="scope:email"');
    await visit.browser.approve(visit);
    expect((await redeem(await ask(more))).scope.split(' ').sort()).toEqual(more.scope.split(' ').sort());
  });

  it('remembers what was left out', async () => {
    await allow(WIDE, { duration: 'revoked', 'scope:email': undefined });
    expect((await redeem(await ask())).scope).toBe('openid records:read');
  });

  it('is what was answered last, wherever that was', async () => {
    const { browser } = await allow();
    await ask();
    await allow(
      { ...WIDE, prompt: 'consent' } as typeof WIDE,
      { duration: 'month', 'scope:email': undefined },
      { browser },
    );
    expect((await redeem(await ask())).scope).toBe('openid records:read');
  });

  it('answers a request that must not show a page', async () => {
    await allow();
    const { browser } = await ask({ scope: 'openid' }, { party: createRelyingParty(server.issuer, OTHER) });
    expect(answerOf(await ask({ ...WIDE, prompt: 'none' }, { browser }))).toHaveProperty('code');
  });
});

describe('is asked all the same:', () => {
  it('where the access was for the session', async () => {
    await allow(WIDE, { duration: 'session' });
    expect(isConsent(await ask())).toBe(true);
  });

  it('where it was cut down to the session', async () => {
    const { browser } = await allow({ scope: 'openid' });
    await allow({ scope: 'openid', prompt: 'consent' } as typeof WIDE, { duration: 'session' }, { browser });
    expect(isConsent(await ask({ scope: 'openid' }))).toBe(true);
  });

  it('where it was revoked', async () => {
    await allow();
    await removeAllAccess();
    expect(isConsent(await ask())).toBe(true);
  });

  it('where it is revoked at the same moment', async () => {
    await allow();
    const client = await server.pool.connect();
    await client.query('begin');
    await client.query(`update artifacts set consumed_at = now() where kind = 'Grant'`);
    const visit = ask();
    const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    await expect.poll(async () => (await client.query(waiting)).rowCount, { interval: 5 }).toBe(1);
    await client.query('commit');
    client.release();
    expect(isConsent(await visit)).toBe(true);
    expect(await grantsOf()).toEqual([]);
  });

  it('where the client wants it asked', async () => {
    await allow();
    const visit = await ask({ ...WIDE, prompt: 'consent' });
    expect(isConsent(visit)).toBe(true);
    expect(visit.html).toContain('name="scope:email"');
  });

  it('C9: at a native client', async () => {
    const party = createRelyingParty(server.issuer, NATIVE);
    await allow(WIDE, { duration: 'month' }, { party });
    const visit = await ask(WIDE, { party });
    expect(isConsent(visit)).toBe(true);
    expect(await grantsOf()).toHaveLength(1);
  });

  it('another person, and at another client', async () => {
    await allow();
    expect(isConsent(await ask({ scope: 'openid' }, { person: GUEST }))).toBe(true);
    expect(isConsent(await ask(WIDE, { party: createRelyingParty(server.issuer, OTHER) }))).toBe(true);
  });

  it.each([
    ['goes by another name', { client_name: 'Somebody else' }],
    ['answers elsewhere', { redirect_uris: [REDIRECT_URI, 'https://elsewhere.example/cb'] }],
  ])('where the client %s by now', async (_, changes) => {
    const party = createRelyingParty(server.issuer, OTHER);
    await allow(WIDE, { duration: 'month' }, { party });
    await server.apply({ clients: [{ ...other, ...changes }] });
    expect(isConsent(await ask(WIDE, { party }))).toBe(true);
  });

  it('where access came of a password', async () => {
    const { scope } = WIDE;
    const client = { ...other, grant_types: [...other.grant_types, 'password'] };
    await server.apply({ clients: [client] });
    const party = createRelyingParty(server.issuer, OTHER);
    tokensOf(
      await party.requestToken({ grant_type: 'password', username: ALICE.email, password: DEMO_PASSWORD, scope }),
    );
    expect(isConsent(await ask(WIDE, { party }))).toBe(true);
  });
});
