import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { visitorOf } from '../../../testing/account-console.ts';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { linkMailedTo, mailsTo, readMailbox, untilMailed } from '../../../testing/mailbox.ts';
import { DEMO_PASSWORD, UserAgent } from '../../../testing/user-agent.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});
beforeEach(() => server.pool.query('delete from rate_limits; delete from outbox'));
afterAll(() => server.stop());

async function createAccount(email: string, verified = true) {
  const account = { email, name: 'Bea', password: DEMO_PASSWORD, email_verified: verified, roles: ['user'] };
  await server.apply({ accounts: [account] });
  const { rows } = await server.pool.query('select account_id from accounts where email_canonical = $1', [email]);
  return rows[0].account_id as string;
}

const change = (browser: UserAgent, email: string) => browser.post(server.url('/account/email'), { email });
const addressOf = async (accountId: string) => {
  const { rows } = await server.pool.query('select email, email_verified from accounts where account_id = $1', [
    accountId,
  ]);
  return rows[0];
};

it('changes the address when the new one has confirmed, tells the former one, and can be undone from there', async () => {
  const accountId = await createAccount('bea@example.com');
  const browser = await visitorOf(server, { email: 'bea@example.com' });
  const sent = await change(browser, 'bea.new@example.com');
  expect(sent.html).toContain('We have sent a link');
  expect((await addressOf(accountId)).email).toBe('bea@example.com');
  const confirmed = await browser.post(await linkMailedTo(server.issuer, 'bea.new@example.com'), {});
  expect(confirmed.html).toContain('data-outcome="email"');
  expect(await addressOf(accountId)).toEqual({ email: 'bea.new@example.com', email_verified: true });
  const [notice] = await mailsTo(server.issuer, 'bea@example.com', 1);
  expect(notice?.text).toContain('bea.new@example.com');
  const undo = await linkMailedTo(server.issuer, 'bea@example.com');
  const owner = new UserAgent(server.issuer);
  expect((await owner.get(undo)).html).toContain('Undo the change of address');
  expect((await addressOf(accountId)).email).toBe('bea.new@example.com');
  const choose = await owner.post(undo, {});
  expect(choose.html).toContain('data-testid="new-password"');
  expect((await addressOf(accountId)).email).toBe('bea@example.com');
  expect((await browser.get(server.url('/account/email'))).html).toContain('sign-in-form');
  const done = await owner.post(choose.url, { password: 'ten lords a-leaping' });
  expect(done.html).toContain('data-outcome="password"');
  const { rows } = await server.pool.query(
    `select kind, details from audit_events where account_id = $1 and kind in ('email_changed', 'password_reset') order by at`,
    [accountId],
  );
  expect(rows).toEqual([
    { kind: 'email_changed', details: {} },
    { kind: 'email_changed', details: { undone: true } },
    { kind: 'password_reset', details: {} },
  ]);
});

it('asks another browser for the password, with the lockout of the sign-in page', async () => {
  const accountId = await createAccount('cleo@example.com');
  await change(await visitorOf(server, { email: 'cleo@example.com' }), 'cleo.new@example.com');
  const link = await linkMailedTo(server.issuer, 'cleo.new@example.com');
  const other = new UserAgent(server.issuer);
  expect((await other.get(link)).html).toContain('type="password"');
  expect((await other.post(link, { password: 'wrong' })).status).toBe(400);
  expect((await other.post(link, {})).status).toBe(400);
  const { rows } = await server.pool.query('select failed_sign_ins from accounts where account_id = $1', [accountId]);
  expect(rows[0].failed_sign_ins).toBeGreaterThan(0);
  expect((await addressOf(accountId)).email).toBe('cleo@example.com');
  expect((await other.post(link, { password: DEMO_PASSWORD })).html).toContain('data-outcome="email"');
});

it('C57: does not tell that somebody else has an address, but its owner', async () => {
  const accountId = await createAccount('dora@example.com');
  const browser = await visitorOf(server, { email: 'dora@example.com' });
  const free = await change(browser, 'nobody-has-this@example.com');
  const taken = await change(browser, 'alice@example.com');
  expect([taken.status, taken.url, taken.html]).toEqual([free.status, free.url, free.html]);
  const [mail] = await mailsTo(server.issuer, 'alice@example.com', 1);
  expect(mail).toMatchObject({ subject: 'Somebody wanted to use your address', links: [] });
  expect((await addressOf(accountId)).email).toBe('dora@example.com');
});

it('lets the database decide when two want one address at the same time', async () => {
  await createAccount('eva@example.com');
  await createAccount('fay@example.com');
  const eva = await visitorOf(server, { email: 'eva@example.com' });
  const fay = await visitorOf(server, { email: 'fay@example.com' });
  await change(eva, 'both@example.com');
  const first = await linkMailedTo(server.issuer, 'both@example.com');
  await change(fay, 'BOTH@example.com');
  const second = await linkMailedTo(server.issuer, 'BOTH@example.com');
  const answers = await Promise.all([
    eva.send(first, { method: 'POST', body: new URLSearchParams() }),
    fay.send(second, { method: 'POST', body: new URLSearchParams() }),
  ]);
  expect(answers.map(({ status }) => status).sort()).toEqual([303, 409]);
});

it('verifies the present address, without a notice to undo it', async () => {
  const accountId = await createAccount('gina@example.com', false);
  const browser = await visitorOf(server, { email: 'gina@example.com' });
  expect((await browser.get(server.url('/account/email'))).html).toContain('verify-email');
  await change(browser, 'gina@example.com');
  await browser.post(await linkMailedTo(server.issuer, 'gina@example.com'), {});
  expect(await addressOf(accountId)).toEqual({ email: 'gina@example.com', email_verified: true });
  await untilMailed(server.pool);
  const mailed = (await readMailbox(server.issuer)).filter(({ to }) => to === 'gina@example.com');
  expect(mailed.filter(({ subject }) => subject.includes('changed'))).toEqual([]);
});

it('kills what was mailed to the former address, and asks for a recent sign-in', async () => {
  await createAccount('hana@example.com');
  const browser = await visitorOf(server, { email: 'hana@example.com' });
  await new UserAgent(server.issuer).post(server.url('/forgot-password'), { email: 'hana@example.com' });
  const reset = await linkMailedTo(server.issuer, 'hana@example.com');
  await change(browser, 'hana.new@example.com');
  await browser.post(await linkMailedTo(server.issuer, 'hana.new@example.com'), {});
  expect((await new UserAgent(server.issuer).get(reset)).status).toBe(410);
  const { status, html } = await change(browser, 'not an address');
  expect([status, html.includes('This is not an email address')]).toEqual([400, true]);
});

/** Changes the address and confirms it, as whoever sits at this browser. */
async function move(browser: UserAgent, to: string): Promise<void> {
  await change(browser, to);
  await browser.post(await linkMailedTo(server.issuer, to), {});
}

it('gives the last word to the address that was there first, however often somebody changed it since', async () => {
  const accountId = await createAccount('ines@example.com');
  const thief = await visitorOf(server, { email: 'ines@example.com' });
  await move(thief, 'thief@example.org');
  await move(thief, 'another.thief@example.org');
  const [ofOwner, ofThief] = [
    await linkMailedTo(server.issuer, 'ines@example.com'),
    (await mailsTo(server.issuer, 'thief@example.org', 2))[0]?.links[0] ?? '',
  ];
  const again = new UserAgent(server.issuer);
  expect((await again.get(ofThief)).html).toContain('Undo the change of address');
  const opened = await again.post(ofThief, {});
  await again.post(opened.url, { password: 'twelve drummers drumming' });
  expect((await addressOf(accountId)).email).toBe('thief@example.org');
  const owner = new UserAgent(server.issuer);
  await owner.post(ofOwner, {});
  expect((await addressOf(accountId)).email).toBe('ines@example.com');
});

it('lets nobody undo what was changed after a change that was undone', async () => {
  const accountId = await createAccount('jana@example.com');
  const thief = await visitorOf(server, { email: 'jana@example.com' });
  await move(thief, 'thief2@example.org');
  await move(thief, 'another.thief2@example.org');
  await new UserAgent(server.issuer).post(await linkMailedTo(server.issuer, 'jana@example.com'), {});
  const [
    {
      links: [link = ''],
    } = { links: [] },
  ] = await mailsTo(server.issuer, 'thief2@example.org', 2);
  expect((await new UserAgent(server.issuer).post(link, {})).status).toBe(410);
  expect((await addressOf(accountId)).email).toBe('jana@example.com');
});

it('takes back with a change of address what has opened the account since', async () => {
  const accountId = await createAccount('kira@example.com');
  const passkey = (id: string) =>
    server.pool.query(
      `insert into passkeys (credential_id, account_id, public_key, counter, transports, aaguid, device_bound, backed_up, name)
       values ($1, $2, '', 0, '{}', '', false, false, 'a key')`,
      [id, accountId],
    );
  const thief = await visitorOf(server, { email: 'kira@example.com' });
  await passkey('of-kira');
  await move(thief, 'thief3@example.org');
  await passkey('of-thief');
  await server.pool.query(
    `insert into totp_factors (account_id, sealed_seed, last_step) values ($1, 'x', 0)`, // Nobody else's app opens it.
    [accountId],
  );
  await server.pool.query(
    `insert into account_identities (provider, subject, account_id, email) values ('elsewhere', 'thief', $1, 'thief3@example.org')`,
    [accountId],
  );
  await new UserAgent(server.issuer).post(await linkMailedTo(server.issuer, 'kira@example.com'), {});
  const { rows } = await server.pool.query(
    `select credential_id as id from passkeys where account_id = $1
     union all select 'app' from totp_factors where account_id = $1
     union all select subject from account_identities where account_id = $1`,
    [accountId],
  );
  expect(rows).toEqual([{ id: 'of-kira' }]);
});

describe('a change that somebody began in a session of another person', () => {
  const ends: [string, (email: string) => Promise<unknown>][] = [
    [
      'another password',
      async (email) => {
        const owner = await visitorOf(server, { email });
        await owner.post('/account/password', { current: DEMO_PASSWORD, password: 'nine ladies dancing' });
      },
    ],
    [
      'another password by mail',
      async (email) => {
        const owner = new UserAgent(server.issuer);
        await owner.post(server.url('/forgot-password'), { email });
        await owner.post(await linkMailedTo(server.issuer, email), { password: 'nine ladies dancing' });
      },
    ],
    [
      'another password from the operator',
      async (email) => server.apply({ accounts: [{ email, name: 'Bea', password: 'nine ladies dancing', roles: [] }] }),
    ],
    [
      'the end of that session',
      async (email) => (await visitorOf(server, { email })).post('/account/sessions/end-others', {}),
    ],
  ];
  it.each(ends)('is over with %s', async (what, end) => {
    const email = `lena-${what.replaceAll(' ', '-')}@example.com`;
    const accountId = await createAccount(email);
    const thief = await visitorOf(server, { email });
    await change(thief, `thief-of-${email}`);
    const link = await linkMailedTo(server.issuer, `thief-of-${email}`);
    await end(email);
    expect((await thief.post(link, {})).status).toBe(410);
    expect((await addressOf(accountId)).email).toBe(email);
  });
});

it('takes no link to choose a password any more once another was chosen', async () => {
  await createAccount('mona@example.com');
  await new UserAgent(server.issuer).post(server.url('/forgot-password'), { email: 'mona@example.com' });
  const reset = await linkMailedTo(server.issuer, 'mona@example.com');
  const browser = await visitorOf(server, { email: 'mona@example.com' });
  await browser.post('/account/password', { current: DEMO_PASSWORD, password: 'nine ladies dancing' });
  expect((await new UserAgent(server.issuer).post(reset, { password: 'eight maids a-milking' })).status).toBe(410);
});
