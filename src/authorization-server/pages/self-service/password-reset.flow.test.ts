import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { linkMailedTo, mailsTo, readMailbox, untilMailed } from '../../../testing/mailbox.ts';
import { createRelyingParty, DEMO_WEB } from '../../../testing/relying-party.ts';
import { UserAgent, type Visit } from '../../../testing/user-agent.ts';

const NEW_PASSWORD = 'eight maids a-milking';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const requestIn = ({ html }: Visit) => html.match(/name="request" value="([^"]*)"/)?.[1] ?? '';
const authorizationUrl = () => createRelyingParty(server.issuer, DEMO_WEB).authorizationUrl({ state: 'kept' });
const ask = (email: string, request = '', browser = new UserAgent(server.issuer)) =>
  browser.post(server.url('/forgot-password'), { email, request });

async function createAccount(email: string) {
  const password = 'correct-horse-battery-staple';
  await server.apply({ accounts: [{ email, name: 'Rita', password, email_verified: true, roles: ['user'] }] });
  const { rows } = await server.pool.query('select account_id from accounts where email_canonical = $1', [email]);
  return rows[0].account_id as string;
}

const auditOf = async (accountId: string) => {
  const text = 'select kind from audit_events where account_id = $1 order by at';
  return (await server.pool.query(text, [accountId])).rows.map(({ kind }) => kind);
};

it('leads from the sign-in page through a new password back to the client, where it signs in', async () => {
  const accountId = await createAccount('rita@example.com');
  const browser = new UserAgent(server.issuer);
  const request = requestIn(await browser.get(authorizationUrl()));
  expect((await ask('RITA@example.com', request, browser)).url).toBe(server.url('/forgot-password/sent'));
  const link = await linkMailedTo(server.issuer, 'rita@example.com');
  const short = await browser.post(link, { password: 'short' });
  expect(short.status).toBe(400);
  expect(short.html).toContain('at least 12 characters');
  const signIn = await browser.post(link, { password: NEW_PASSWORD });
  expect(signIn.html).toContain('sign-in-form');
  expect(signIn.html).toContain('value="rita@example.com"');
  const consent = await browser.signIn(signIn, { email: 'rita@example.com', password: NEW_PASSWORD });
  expect(new URL((await browser.approve(consent)).url).searchParams.get('state')).toBe('kept');
  expect(await auditOf(accountId)).toEqual(expect.arrayContaining(['password_reset_requested', 'password_reset']));
  expect((await mailsTo(server.issuer, 'rita@example.com', 2))[0]?.subject).toContain('was changed');
});

it('ends every session and token of the account, and its throttle', async () => {
  const accountId = await createAccount('sara@example.com');
  const party = createRelyingParty(server.issuer, DEMO_WEB);
  const elsewhere = new UserAgent(server.issuer);
  const code = await party.authorize({ scope: 'openid records:read' }, { email: 'sara@example.com' }, elsewhere);
  const { body } = await party.exchange(code);
  await server.pool.query(
    `update accounts set failed_sign_ins = 9, throttled_until = now() + interval '1 hour' where account_id = $1`,
    [accountId],
  );
  await ask('sara@example.com');
  const done = await new UserAgent(server.issuer).post(await linkMailedTo(server.issuer, 'sara@example.com'), {
    password: NEW_PASSWORD,
  });
  expect(done.html).toContain('data-outcome="password"');
  expect((await party.refresh(String(body.refresh_token))).status).toBe(400);
  expect((await elsewhere.get(authorizationUrl())).html).toContain('sign-in-form');
  const again = new UserAgent(server.issuer);
  const visit = await again.signIn(await again.get(authorizationUrl()), {
    email: 'sara@example.com',
    password: NEW_PASSWORD,
  });
  expect(visit.html).toContain('/consent"');
});

it('C57: answers in the same words for an address that nobody has, and mails nothing there', async () => {
  await createAccount('tina@example.com');
  const known = await ask('tina@example.com');
  const unknown = await ask('nobody-here@example.com');
  expect(unknown.status).toBe(known.status);
  expect(unknown.url).toBe(known.url);
  expect(unknown.html).toBe(known.html);
  await linkMailedTo(server.issuer, 'tina@example.com');
  await untilMailed(server.pool);
  expect((await readMailbox(server.issuer)).filter(({ to }) => to === 'nobody-here@example.com')).toEqual([]);
});

it('lets one of two new passwords win that come at once, and tells the other one kindly', async () => {
  await createAccount('una@example.com');
  await ask('una@example.com');
  const link = await linkMailedTo(server.issuer, 'una@example.com');
  const choose = (password: string) =>
    new UserAgent(server.issuer).send(link, {
      method: 'POST',
      body: new URLSearchParams({ password }),
    });
  const answers = await Promise.all([choose(NEW_PASSWORD), choose(`${NEW_PASSWORD}, again`)]);
  expect(answers.map(({ status }) => status).sort()).toEqual([303, 410]);
  const late = await new UserAgent(server.issuer).get(link);
  expect(late.status).toBe(410);
  expect(late.html).toContain('link-over');
});

it('kills earlier links of the account with the first that is used', async () => {
  await createAccount('vera@example.com');
  await ask('vera@example.com');
  const first = await linkMailedTo(server.issuer, 'vera@example.com');
  await ask('vera@example.com');
  const second = await linkMailedTo(server.issuer, 'vera@example.com', 2);
  expect(second).not.toBe(first);
  await new UserAgent(server.issuer).post(second, { password: NEW_PASSWORD });
  expect((await new UserAgent(server.issuer).get(first)).status).toBe(410);
});

it('lets a link open nothing when it is over, or its account disabled', async () => {
  const accountId = await createAccount('wilma@example.com');
  await ask('wilma@example.com');
  const link = await linkMailedTo(server.issuer, 'wilma@example.com');
  const status = async () => (await new UserAgent(server.issuer).get(link)).status;
  expect(await status()).toBe(200);
  await server.pool.query('update accounts set disabled_at = now() where account_id = $1', [accountId]);
  expect(await status()).toBe(410);
  await server.pool.query('update accounts set disabled_at = null where account_id = $1', [accountId]);
  await server.pool.query(`update mailed_links set expires_at = now() - interval '1 second' where account_id = $1`, [
    accountId,
  ]);
  expect(await status()).toBe(410);
  expect((await new UserAgent(server.issuer).post(link, { password: NEW_PASSWORD })).status).toBe(410);
});

it('C62: builds links from the issuer, whatever host is asked for', async () => {
  await createAccount('xena@example.com');
  await fetch(server.url('/forgot-password'), {
    method: 'POST',
    headers: { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', forwarded: 'host=evil.example' },
    body: new URLSearchParams({ email: 'xena@example.com' }),
  });
  const [mail] = await mailsTo(server.issuer, 'xena@example.com', 1);
  expect(mail?.links.every((link) => link.startsWith(`${server.issuer}/`))).toBe(true);
  expect(JSON.stringify(mail)).not.toContain('evil');
});

it('C51: takes no form from another site', async () => {
  await createAccount('yara@example.com');
  await ask('yara@example.com');
  const link = await linkMailedTo(server.issuer, 'yara@example.com');
  for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }]) {
    for (const address of [link, server.url('/forgot-password'), server.url('/sign-up')]) {
      const fields = { password: NEW_PASSWORD, email: 'yara@example.com', name: 'Yara' };
      expect((await new UserAgent(server.issuer).post(address, fields, headers)).status).toBe(403);
    }
  }
  expect((await new UserAgent(server.issuer).get(link)).status).toBe(200);
});

it('mails an address five times in an hour and no more, and answers as before', async () => {
  await createAccount('zoe@example.com');
  const answers = [];
  for (let time = 0; time < 7; time += 1) {
    answers.push((await ask('zoe@example.com')).url);
  }
  expect(new Set(answers)).toEqual(new Set([server.url('/forgot-password/sent')]));
  await mailsTo(server.issuer, 'zoe@example.com', 5);
  await server.pool.query('update rate_limits set renews_at = now()');
  await ask('zoe@example.com');
  expect(await mailsTo(server.issuer, 'zoe@example.com', 6)).toHaveLength(6);
});

it('refuses what no form of ours sends', async () => {
  const browser = new UserAgent(server.issuer);
  for (const fields of [{}, { email: '' }, { email: 'no address' }, { email: 'a@b', request: 'x' }] as Record<
    string,
    string
  >[]) {
    const answer = await browser.post(server.url('/forgot-password'), fields);
    expect([200, 400]).toContain(answer.status);
  }
  for (const token of ['x', `${'A'.repeat(43)}`, '%00', `${'A'.repeat(42)}%FF`, '../x', 'done']) {
    const { status } = await browser.get(server.url(`/links/${token}`));
    expect([400, 404, 410]).toContain(status);
  }
  expect((await browser.send(server.url('/links/whatever'), { method: 'DELETE' })).status).toBe(405);
});
