import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Config } from '../../../config/schema.ts';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { linkMailedTo } from '../../../testing/mailbox.ts';
import { createRelyingParty, DEMO_WEB } from '../../../testing/relying-party.ts';
import { UserAgent } from '../../../testing/user-agent.ts';

const PASSWORD = 'seven swans a-swimming';
const FIELDS = { name: 'Nora', email: 'nora@example.org', password: PASSWORD };

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

/** A browser at one more node, which is configured otherwise. */
async function browserAt(change: (config: Config) => Partial<Config>): Promise<UserAgent> {
  const browser = new UserAgent(server.issuer);
  browser.node = await server.addNode({ config: (config) => ({ ...config, ...change(config) }) });
  return browser;
}

const signInPage = (browser: UserAgent) => browser.get(createRelyingParty(server.issuer, DEMO_WEB).authorizationUrl());

describe('where no mail can be sent', () => {
  it('registration and new passwords are off, and the pages say so', async () => {
    const browser = await browserAt(() => ({ mode: 'production' }));
    const page = await signInPage(browser);
    expect(page.html).toContain('data-testid="forgot-password"');
    expect(page.html).not.toContain('data-testid="sign-up"');
    for (const path of ['/sign-up', '/forgot-password']) {
      const shown = await browser.get(server.url(path));
      expect([shown.status, shown.html.includes('cannot send mail')]).toEqual([403, true]);
      const sent = await browser.post(server.url(path), FIELDS);
      expect([sent.status, sent.html.includes('cannot send mail')]).toEqual([403, true]);
    }
    expect((await browser.get(server.url('/mailbox'))).status).toBe(404);
  });
});

describe('registration', () => {
  it.each([
    ['closed', 'made by the administrators'],
    ['invitation', 'need an invitation'],
  ] as const)('that is %s makes no account, and says who does', async (registration, words) => {
    const browser = await browserAt(({ accounts }) => ({ accounts: { ...accounts, registration } }));
    expect((await signInPage(browser)).html).not.toContain('data-testid="sign-up"');
    for (const { status, html } of [
      await browser.get(server.url('/sign-up')),
      await browser.post(server.url('/sign-up'), FIELDS),
    ]) {
      expect([status, html.includes(words)]).toEqual([403, true]);
    }
  });

  it.each([
    ['is closed', { registration: 'closed' }],
    ['is for other domains', { emailDomains: ['example.com'] }],
  ] as const)('that %s by now makes no account from a link that was mailed before', async (why, changed) => {
    const email = `${why.replaceAll(' ', '-')}@example.org`;
    const browser = new UserAgent(server.issuer);
    await browser.post(server.url('/sign-up'), { ...FIELDS, email });
    const link = await linkMailedTo(server.issuer, email);
    browser.node = await server.addNode({
      config: (config) => ({ ...config, accounts: { ...config.accounts, ...changed } }),
    });
    expect((await browser.get(link)).status).toBe(410);
    expect((await browser.post(link, {})).status).toBe(410);
    const { rowCount } = await server.pool.query('select from accounts where email = $1', [email]);
    expect(rowCount).toBe(0);
  });

  it.each([
    'a<b@example.org',
    'a,b@example.org',
    '"a"@example.org',
    '(a)b@example.org',
    'a:b;c@example.org',
    'a\\b@example.org',
  ])('takes no address that a mail header reads as something else: %s', async (email) => {
    const { status, html } = await new UserAgent(server.issuer).post(server.url('/sign-up'), { ...FIELDS, email });
    expect([status, html.includes('This is not an email address')]).toEqual([400, true]);
  });

  it('that is for some domains takes addresses there, however they are written, and no others', async () => {
    const emailDomains = ['example.com', 'xn--bcher-kva.example'];
    const browser = await browserAt(({ accounts }) => ({ accounts: { ...accounts, emailDomains } }));
    const send = (email: string) => browser.post(server.url('/sign-up'), { ...FIELDS, email });
    for (const email of ['a@sub.example.com', 'a@example.com.evil.example', 'a@example.org', 'a@notexample.com']) {
      const { status, html } = await send(email);
      expect([email, status, html.includes('Only addresses at these domains')]).toEqual([email, 400, true]);
    }
    for (const email of ['nora@EXAMPLE.com', 'nora@Bücher.example']) {
      expect((await send(email)).url).toBe(server.url('/sign-up/sent'));
    }
  });
});

describe('with a mail server', () => {
  it('mail is tried again after it was away, and then is not at /mailbox but there', async () => {
    const received: string[] = [];
    let isAway = true;
    const mailServer = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onRcptTo: (_address, _session, done) =>
        done(isAway ? Object.assign(new Error('later'), { responseCode: 451 }) : null),
      onData(stream, _session, done) {
        text(stream).then((source) => {
          received.push(source);
          done();
        }, done);
      },
    });
    await new Promise<void>((resolve) => mailServer.listen(0, '127.0.0.1', resolve));
    const { port } = mailServer.server.address() as AddressInfo;
    const browser = await browserAt(({ mail }) => ({ mail: { ...mail, smtpUrl: `smtp://127.0.0.1:${port}` } }));
    const ask = () => browser.post(server.url('/forgot-password'), { email: 'alice@example.com' });
    await ask();
    const mails = async () => (await server.pool.query(`select attempts from outbox where kind = 'mail'`)).rows;
    await vi.waitFor(async () => expect(await mails()).toEqual([{ attempts: 1 }]), 15_000);
    expect(received).toEqual([]);
    isAway = false;
    await vi.waitFor(async () => {
      await server.pool.query(`update outbox set next_attempt_at = now() where kind = 'mail'`);
      await ask(); // Wakes the node.
      expect(received.length).toBeGreaterThan(0);
    }, 15_000);
    await vi.waitFor(async () => expect(await mails()).toEqual([]), 15_000);
    expect(received[0]).toContain(`${server.issuer}/links/`);
    expect((await browser.get(server.url('/mailbox'))).status).toBe(404);
    await new Promise<void>((resolve) => mailServer.close(resolve));
  }, 30_000);
});
