import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLogger } from '../../../logging/create-logger.ts';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { linkMailedTo, mailsTo, readMailbox, untilMailed } from '../../../testing/mailbox.ts';
import { createRelyingParty, DEMO_WEB } from '../../../testing/relying-party.ts';
import { UserAgent, type Visit } from '../../../testing/user-agent.ts';

const PASSWORD = 'seven swans a-swimming';

let server: TestServer;
const log: string[] = [];

beforeAll(async () => {
  server = await startTestServer({ logger: createLogger('trace', { write: (line: string) => void log.push(line) }) });
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
  expect(page.html).toContain('data-testid="link-email">Nora@Example.com<');
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

it('leads back to the sign-in that it was begun from', async () => {
  const browser = new UserAgent(server.issuer);
  const start = await browser.get(createRelyingParty(server.issuer, DEMO_WEB).authorizationUrl({ state: 'kept' }));
  for (const way of ['sign-up', 'forgot-password']) {
    const back = await browser.get(hrefOf(await browser.get(hrefOf(start, way)), 'back-to-sign-in'));
    expect(back.html).toContain('data-testid="sign-in-client">Demo web app<');
  }
  expect(hrefOf(await browser.get(server.url('/sign-up')), 'back-to-sign-in')).toBe('/account');
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

it('C57: answers alike, after equal work, for an address that is taken, and tells its owner', async () => {
  const free = await signUp(new UserAgent(server.issuer), { email: 'petra@example.com' });
  const taken = await signUp(new UserAgent(server.issuer), { email: 'ALICE@example.com' });
  expect([taken.status, taken.url, taken.html]).toEqual([free.status, free.url, free.html]);
  const [mail] = await mailsTo(server.issuer, 'alice@example.com', 1);
  expect(mail?.subject).toBe('You have an account at Concierge');
  expect(mail?.text).toContain('Alice');
  expect(mail?.text).not.toContain('Nora');
  // The link is for a new password of the account that there is.
  const page = await new UserAgent(server.issuer).get(await linkMailedTo(server.issuer, 'alice@example.com'));
  expect(page.html).toContain('data-testid="new-password"');
});

it('mails nobody the name that a stranger typed', async () => {
  await signUp(new UserAgent(server.issuer), { name: 'You won! https://evil.example', email: 'quinn@example.com' });
  const [mail] = await mailsTo(server.issuer, 'quinn@example.com', 1);
  expect(JSON.stringify(mail)).not.toContain('evil');
});

it('makes one account of two links to the same address, whoever is first', async () => {
  const [one, other] = [new UserAgent(server.issuer), new UserAgent(server.issuer)];
  await signUp(one, { name: 'One', email: 'rose@example.com' });
  const first = await linkMailedTo(server.issuer, 'rose@example.com');
  await signUp(other, { name: 'Other', email: 'rose@example.com' });
  const second = await linkMailedTo(server.issuer, 'rose@example.com', 2);
  const answers = await Promise.all([
    one.send(first, { method: 'POST', body: new URLSearchParams() }),
    one.send(first, { method: 'POST', body: new URLSearchParams() }),
    other.send(second, { method: 'POST', body: new URLSearchParams() }),
  ]);
  expect(answers.map(({ status }) => status).filter((status) => status === 303)).toHaveLength(1);
  expect(answers.every(({ status }) => [303, 409, 410].includes(status))).toBe(true);
  expect(await accountsOf('rose@example.com')).toHaveLength(1);
});

it('says what is wrong with a form, and keeps what was typed but the password', async () => {
  const browser = new UserAgent(server.issuer);
  const send = (fields: Record<string, string>) => browser.post(server.url('/sign-up'), fields);
  const empty = await send({ name: ' ', email: '', password: '' });
  expect(empty.status).toBe(400);
  expect(empty.html).toContain('Enter your name.');
  expect(empty.html).toContain('Choose a password.');
  const wrong = await send({ name: 'Tess', email: 'tess@', password: PASSWORD });
  expect(wrong.html).toContain('This is not an email address.');
  expect(wrong.html).toContain('value="Tess"');
  expect(wrong.html).not.toContain(PASSWORD);
  const common = await send({ name: 'Tess', email: 'tess@example.com', password: 'password1234' });
  expect([common.status, common.html.includes('would guess')]).toEqual([400, true]);
  const hostile = await send({ name: 'a\nb', email: 'tess@example.com', password: PASSWORD });
  expect(hostile.html).toContain('characters that nobody can read');
  expect((await send({ name: 'a'.repeat(101), email: 'tess@example.com', password: PASSWORD })).status).toBe(400);
  await untilMailed(server.pool);
  expect((await readMailbox(server.issuer)).filter(({ to }) => to === 'tess@example.com')).toEqual([]);
});

it('stops a network that sends too many forms, in words', async () => {
  await server.pool.query('delete from rate_limits');
  const browser = new UserAgent(server.issuer);
  const send = () =>
    browser.post(server.url('/sign-up'), { name: 'Uma', email: 'uma@example.com', password: PASSWORD });
  await send();
  await server.pool.query('update rate_limits set used = 1000');
  const refused = await send();
  expect([refused.status, refused.html.includes('tried too often')]).toEqual([429, true]);
  await server.pool.query('delete from rate_limits');
});

it('speaks the language of the person, on the page and in the mail', async () => {
  const browser = new UserAgent(server.issuer);
  const fields = { name: 'Vera', email: 'vera@example.com', password: PASSWORD };
  await browser.post(server.url('/sign-up'), fields, { 'accept-language': 'ja' });
  expect((await mailsTo(server.issuer, 'vera@example.com', 1))[0]?.subject).toBe('Concierge：アドレスの確認');
});

it('keeps the token in the mail alone: not at rest, not in a page of another address, not in the log', async () => {
  await signUp(new UserAgent(server.issuer), { email: 'wanda@example.com' });
  const link = await linkMailedTo(server.issuer, 'wanda@example.com');
  const token = link.split('/').at(-1) ?? '';
  expect(token).toMatch(/^[\w-]{43}$/);
  await new UserAgent(server.issuer).get(link);
  expect(log.join('')).toContain('/links/:token');
  expect(log.join('')).not.toContain(token);
  const tables = await server.pool.query('select * from mailed_links, outbox');
  expect(tables.rowCount).toBeGreaterThan(0);
  expect(JSON.stringify(tables.rows)).not.toContain(token);
  expect(JSON.stringify(tables.rows)).not.toContain('$argon2id');
});
