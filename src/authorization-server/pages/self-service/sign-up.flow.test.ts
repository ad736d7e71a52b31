import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { linkMailedTo } from '../../../testing/mailbox.ts';
import { createRelyingParty, DEMO_WEB } from '../../../testing/relying-party.ts';
import { UserAgent, type Visit } from '../../../testing/user-agent.ts';

const PASSWORD = 'seven swans a-swimming';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const hrefOf = ({ html }: Visit, testId: string) =>
  (html.match(new RegExp(`href="([^"]*)"[^>]*data-testid="${testId}"`))?.[1] ?? '').replaceAll('&amp;', '&');
const requestIn = ({ html }: Visit) => html.match(/name="request" value="([^"]*)"/)?.[1] ?? '';

interface Newcomer {
  readonly name?: string;
  readonly email: string;
  readonly password?: string;
}

/** From the sign-in page of a client to "Check your mail". */
async function signUp(browser: UserAgent, { name = 'Nora New', email, password = PASSWORD }: Newcomer) {
  const start = await browser.get(createRelyingParty(server.issuer, DEMO_WEB).authorizationUrl({ state: 'kept' }));
  const form = await browser.get(hrefOf(start, 'sign-up'));
  expect(form.status).toBe(200);
  return browser.post(server.url('/sign-up'), { name, email, password, request: requestIn(form) });
}

const accountsOf = async (email: string) =>
  (await server.pool.query('select name, email_verified from accounts where email_canonical = $1', [email])).rows;

it('leads from the sign-in page through the mail back to the client', async () => {
  const browser = new UserAgent(server.issuer);
  const sent = await signUp(browser, { email: 'Nora@Example.com ' });
  expect(sent.url).toBe(server.url('/sign-up/sent'));
  expect(await accountsOf('nora@example.com')).toEqual([]);
  const link = await linkMailedTo(server.issuer, 'Nora@Example.com');
  const page = await browser.get(link);
  expect(page.html).not.toContain('type="password"');
  expect(page.headers.get('referrer-policy')).toBe('no-referrer');
  expect(await accountsOf('nora@example.com')).toEqual([]);
  const consent = await browser.post(link, {});
  expect(await accountsOf('nora@example.com')).toEqual([{ name: 'Nora New', email_verified: true }]);
  expect(consent.html).toContain('/consent"');
  const back = new URL((await browser.approve(consent)).url);
  expect(back.origin + back.pathname).toBe(DEMO_WEB.redirectUri);
  expect(back.searchParams.get('state')).toBe('kept');
  expect(back.searchParams.has('code')).toBe(true);
});

it('asks another browser for the password that was chosen, and signs nobody in there', async () => {
  await signUp(new UserAgent(server.issuer), { email: 'olga@example.com' });
  const link = await linkMailedTo(server.issuer, 'olga@example.com');
  const other = new UserAgent(server.issuer);
  expect((await other.get(link)).html).toContain('type="password"');
  const refused = await other.post(link, { password: 'not what was chosen' });
  expect(refused.status).toBe(400);
  expect(refused.html).toContain('This is not the password');
  expect((await other.post(link, {})).status).toBe(400);
  expect(await accountsOf('olga@example.com')).toEqual([]);
  const done = await other.post(link, { password: PASSWORD });
  expect(done.html).toContain('data-outcome="account"');
  expect(await accountsOf('olga@example.com')).toHaveLength(1);
  expect([...other.cookies.keys()].filter((key) => key.includes('_session'))).toEqual([]);
});
