import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { visitorOf } from '../../../testing/account-console.ts';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { createRelyingParty, DEMO_WEB } from '../../../testing/relying-party.ts';
import { actionOf, DEMO_PASSWORD, UserAgent, type Visit } from '../../../testing/user-agent.ts';

const NEW = 'seven tapirs rowing';

const STOLEN = 'tapirs rowing at night';

/** A range query of Have I Been Pwned. */
const range = createServer((request, response) => {
  const digits = createHash('sha1').update(STOLEN).digest('hex').toUpperCase();
  response.end(request.url === `/${digits.slice(0, 5)}` ? `${digits.slice(5)}:3` : '');
});

let server: TestServer;
let email: string;
let count = 0;

beforeAll(async () => {
  range.listen(0, '127.0.0.1');
  await once(range, 'listening');
  const breached = { enabled: true, url: `http://127.0.0.1:${(range.address() as AddressInfo).port}` };
  server = await startTestServer({
    config: (config) => ({
      ...config,
      lockout: { attempts: 3, seconds: 900 },
      passwords: { ...config.passwords, breached },
    }),
  });
});

afterAll(async () => {
  range.close();
  await server?.stop();
});

/** Somebody new for every test, who starts with the password of the demo directory. */
beforeEach(async () => {
  count += 1;
  email = `dana${count}@example.com`;
  await server.apply({ accounts: [{ email, name: 'Dana Quist', password: DEMO_PASSWORD, roles: ['user'] }] });
});

const signedIn = (password = DEMO_PASSWORD) => visitorOf(server, { email, password });
const change = (browser: UserAgent, fields: Record<string, string>) =>
  browser.post('/account/password', { current: DEMO_PASSWORD, password: NEW, ...fields });
const problemIn = ({ html }: Visit) => html.match(/data-testid="problem">(?:<a[^>]*>)?([^<]*)/)?.[1];
const isIn = async (browser: UserAgent) => (await browser.get('/account')).html.includes('account-email');
const events = async (kind: string) => {
  const { rows } = await server.pool.query(
    `select details from audit_events join accounts using (account_id) where email = $1 and kind = $2`,
    [email, kind],
  );
  return rows.map(({ details }) => details);
};

it('C50: changes the password, signs every other browser out and keeps this one', async () => {
  const [here, elsewhere] = await Promise.all([signedIn(), signedIn()]);
  const visit = await change(here, {});
  expect(visit.url).toContain('/account/security');
  expect(visit.html).toContain('Your password was changed. All other browsers have been signed out.');
  expect(await isIn(here)).toBe(true);
  expect(await isIn(elsewhere)).toBe(false);
  expect(await isIn(await signedIn(NEW))).toBe(true);
  await expect(signedIn()).rejects.toThrow('401');
  expect(await events('password_changed')).toEqual([{ endedApps: false }]);
  const { rows } = await server.pool.query('select count(*)::int as mails from outbox');
  expect(rows[0].mails).toBeGreaterThan(0);
});

it('leaves apps their access, unless it is taken back, too', async () => {
  const grants = async () => {
    const { rows } = await server.pool.query(
      `select client_id from artifacts join accounts using (account_id)
       where email = $1 and kind = 'Grant' and consumed_at is null order by client_id`,
      [email],
    );
    return rows.map(({ client_id }) => client_id);
  };
  const app = new URLSearchParams({
    client_id: 'demo-web',
    response_type: 'code',
    scope: 'openid records:read offline_access',
    prompt: 'consent',
    redirect_uri: 'http://localhost:3002/callback',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  });
  const browser = await signedIn();
  await browser.authorize(server.url(`/auth?${app}`), { email });
  expect(await grants()).toEqual(['concierge-account', 'demo-web']);
  await change(browser, {});
  expect(await grants()).toEqual(['concierge-account', 'demo-web']);
  const visit = await change(browser, { current: NEW, password: 'eight tapirs rowing', apps: 'end' });
  expect(visit.html).toContain('no app has access any more');
  expect(await grants()).toEqual(['concierge-account']);
  expect(await isIn(browser)).toBe(true);
});

it('C64: refuses a new password that the policy refuses, says why, and keeps the old one', async () => {
  const browser = await signedIn();
  const problems = await Promise.all(
    ['', 'too short', 'Password2026!', 'dana-quist-2026', STOLEN, DEMO_PASSWORD].map(async (password) => {
      const visit = await change(browser, { password });
      expect(visit.status).toBe(400);
      return problemIn(visit);
    }),
  );
  expect(problems).toEqual([
    'Choose a password.',
    'Use at least 12 characters. Several words in a row are easy to remember.',
    'This password is one of the first that others would guess. Choose a less usual one.',
    'This password is little more than a name or an email address. Add something that nobody would guess.',
    'This password has been stolen somewhere else before, and is known. Choose one that you use nowhere else.',
    'This is your current password. Choose another one.',
  ]);
  expect(await isIn(await signedIn())).toBe(true);
  expect(await events('password_changed')).toEqual([]);
});

it('C60: counts wrong current passwords like wrong ones at the sign-in page', async () => {
  const browser = await signedIn();
  for (const _ of [1, 2, 3]) {
    const visit = await change(browser, { current: 'not the password' });
    expect([visit.status, problemIn(visit)]).toEqual([400, expect.stringContaining('not your current password')]);
  }
  expect((await change(browser, {})).status).toBe(400);
  await expect(signedIn()).rejects.toThrow('401');
  expect(await events('password_changed')).toEqual([]);
  expect(await events('sign_in_failed')).toHaveLength(4);
});

it('C50: ends a sign-in with the old password that was answered and not yet followed', async () => {
  const browser = await signedIn();
  const thief = new UserAgent(server.issuer);
  const web = createRelyingParty(server.issuer, DEMO_WEB);
  const page = await thief.get(web.authorizationUrl({ scope: 'openid' }));
  const answer = await thief.send(actionOf(page, 'sign-in'), {
    method: 'POST',
    body: new URLSearchParams({ email, password: DEMO_PASSWORD }),
  });
  const resume = answer.headers.get('location') ?? '';
  expect(resume).toContain('/auth/');
  expect((await change(browser, {})).url).toContain('/account/security');
  expect((await thief.get(resume)).html).toContain('/sign-in"');
  expect((await thief.get(web.authorizationUrl({ scope: 'openid' }))).html).toContain('/sign-in"');
  expect(await isIn(browser)).toBe(true);
});

it('changes it once of two times at once', async () => {
  const [one, other] = await Promise.all([signedIn(), signedIn()]);
  const node = await server.addNode();
  other.node = node;
  const visits = await Promise.all([
    change(one, { password: 'nine tapirs rowing' }),
    change(other, { password: 'ten tapirs rowing' }),
  ]);
  expect(await events('password_changed')).toHaveLength(1);
  // Each ends the sessions of the other before the password is changed: the one that changed it may be told to sign in.
  expect(visits.filter(({ html }) => html.includes('Your password was changed')).length).toBeLessThanOrEqual(1);
});

it('lets somebody without a password choose a first one', async () => {
  const browser = await signedIn();
  await server.pool.query('update accounts set password_hash = null where email = $1', [email]);
  const page = await browser.get('/account/password');
  expect(page.html).not.toContain('data-testid="current-password"');
  expect((await change(browser, { current: '' })).url).toContain('/account/security');
  expect(await isIn(await signedIn(NEW))).toBe(true);
});

it('asks for a fresh sign-in before the page and before the change', async () => {
  const browser = await signedIn();
  browser.node = await server.addNode({
    config: (config) => ({ ...config, lifetimes: { ...config.lifetimes, recentSignIn: 0 } }),
  });
  expect((await browser.get('/account/password')).html).toContain('/sign-in"');
  expect((await change(browser, {})).html).toContain('/sign-in"');
  expect(await events('password_changed')).toEqual([]);
});

it('is where password managers look for it', async () => {
  const answer = await fetch(server.url('/.well-known/change-password'), { redirect: 'manual' });
  expect(answer.status).toBe(302);
  expect(answer.headers.get('location')).toBe('/account/password');
});
