import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { SECRET, startTestServer, type TestServer } from '../testing/authorization-server.ts';
import { linkMailedTo, mailsTo } from '../testing/mailbox.ts';
import { UserAgent } from '../testing/user-agent.ts';
import { run } from './invite.ts';

const PASSWORD = 'nine ladies dancing';

let server: TestServer;
let printed: string[];

beforeAll(async () => {
  server = await startTestServer();
});
beforeEach(() => {
  printed = [];
  vi.stubEnv('DATABASE_URL', server.databaseUrl);
  vi.stubEnv('CONCIERGE_SECRET', SECRET);
  vi.stubEnv('CONCIERGE_ISSUER', server.issuer);
  vi.spyOn(console, 'log').mockImplementation((line) => printed.push(line));
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});
afterAll(() => server.stop());

const invite = (...argv: string[]) => run([...argv, '--development']);
const list = async () => {
  printed = [];
  await invite('--list');
  return printed.join('\n');
};

describe('concierge invite', () => {
  it('mails a link that makes an account with the roles of the invitation, once', async () => {
    await invite('Ina@example.com', '--role', 'user', '--role', 'admin', '--language', 'de');
    const [mail] = await mailsTo(server.issuer, 'Ina@example.com', 1);
    expect(mail?.subject).toBe('Sie sind zu Concierge eingeladen');
    const link = await linkMailedTo(server.issuer, 'Ina@example.com');
    expect(printed.join()).not.toContain(link.split('/').at(-1));
    const browser = new UserAgent(server.issuer);
    expect((await browser.get(link)).html).toContain('Ina@example.com');
    const refused = await browser.post(link, { name: '', password: PASSWORD });
    expect(refused.status).toBe(400);
    const account = await browser.post(link, { name: 'Ina', password: PASSWORD });
    expect(account.url).toBe(server.url('/account'));
    const { rows } = await server.pool.query(
      `select name, email_verified, array(select role from account_roles r where r.account_id = a.account_id order by role) as roles
       from accounts a where email_canonical = 'ina@example.com'`,
    );
    expect(rows).toEqual([{ name: 'Ina', email_verified: true, roles: ['admin', 'user'] }]);
    expect((await new UserAgent(server.issuer).get(link)).status).toBe(410);
    expect(await list()).not.toContain('Ina');
    await expect(invite('ina@example.com')).rejects.toThrow(/has an account already/);
  });

  it('sends an invitation again, with the same roles, and the earlier link dies', async () => {
    await invite('jo@example.com', '--role', 'admin');
    const first = await linkMailedTo(server.issuer, 'jo@example.com');
    await expect(invite('JO@example.com')).rejects.toThrow(/--resend/);
    await invite('jo@example.com', '--resend');
    const second = await linkMailedTo(server.issuer, 'jo@example.com', 2);
    expect((await new UserAgent(server.issuer).get(first)).status).toBe(410);
    expect((await new UserAgent(server.issuer).get(second)).status).toBe(200);
    expect(await list()).toContain('jo@example.com  roles: admin');
    await expect(invite('nobody@example.com', '--resend')).rejects.toThrow(/leave --resend out/);
  });

  it('takes an invitation back', async () => {
    await invite('kim@example.com');
    const link = await linkMailedTo(server.issuer, 'kim@example.com');
    await invite('--revoke', 'KIM@example.com');
    expect((await new UserAgent(server.issuer).post(link, { name: 'Kim', password: PASSWORD })).status).toBe(410);
    await expect(invite('--revoke', 'kim@example.com')).rejects.toThrow(/no invitation/);
  });

  it('refuses roles that there are not, foreign domains, a closed registration, no mail and rubbish, in words', async () => {
    await expect(invite('lea@example.com', '--role', 'emperor')).rejects.toThrow(/no role emperor.*admin/s);
    await expect(invite('lea@example.com', '--language', 'tlh')).rejects.toThrow(/no texts in tlh/);
    await expect(invite('no address')).rejects.toThrow(/not an email address/);
    await expect(invite()).rejects.toThrow(/Usage/);
    await expect(invite('a@example.com', '--list')).rejects.toThrow(/Usage/);
    vi.stubEnv('CONCIERGE_ACCOUNTS_EMAIL_DOMAINS', 'example.org,example.net');
    await expect(invite('lea@example.com')).rejects.toThrow(/none of the domains.*example.org/);
    vi.stubEnv('CONCIERGE_ACCOUNTS_EMAIL_DOMAINS', '');
    vi.stubEnv('CONCIERGE_ACCOUNTS_REGISTRATION', 'closed');
    await expect(invite('lea@example.com')).rejects.toThrow(/closed/);
    vi.stubEnv('CONCIERGE_ACCOUNTS_REGISTRATION', 'invitation');
    await expect(run(['lea@example.com'])).rejects.toThrow(/CONCIERGE_SMTP_URL/);
    expect(await list()).not.toContain('lea@example.com');
  });
});
