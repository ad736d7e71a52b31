import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import {
  actionsOf,
  BANK,
  BANK_REGISTRATION,
  type Bank,
  createBank,
  openRequests,
  saidAt,
  secretOf,
} from '../../testing/bank.ts';
import { scriptsBesideOurs } from '../../testing/markup.ts';
import { ALICE, createRelyingParty, DEMO_WEB, GUEST } from '../../testing/relying-party.ts';
import { DEMO_PASSWORD, UserAgent } from '../../testing/user-agent.ts';

const PASSWORD = DEMO_PASSWORD;
const HOSTILE = '<script>alert(1)</script>"><img src=x>';

let server: TestServer;
let bank: Bank;
let browser: UserAgent;
beforeAll(async () => {
  server = await startTestServer();
  await server.apply({
    clients: [BANK_REGISTRATION, { ...BANK_REGISTRATION, client_id: 'hostile', client_name: HOSTILE }],
  });
  bank = createBank(server);
});
afterAll(() => server.stop());
beforeEach(async () => {
  browser = new UserAgent(server.issuer);
  await server.pool.query('delete from rate_limits');
  await server.pool.query(`delete from artifacts where kind = 'BackchannelAuthenticationRequest'`);
});

describe('the page of requests', () => {
  it('says so when nothing waits, and that somebody signed in as whom', async () => {
    const { html } = await openRequests(browser);
    expect(html).toContain('Nothing is waiting');
    expect(html).toContain(ALICE.email);
  });

  it('says nothing that an address puts in its mouth', async () => {
    await openRequests(browser);
    for (const outcome of ['nonsense', '__proto__', 'constructor', HOSTILE]) {
      const { status, html } = await browser.get(`/requests?${new URLSearchParams({ outcome })}`);
      expect([status, html.includes('requests-said')]).toEqual([200, false]);
    }
    expect((await browser.get('/requests?outcome=denied&outcome=allowed')).status).toBe(200);
  });

  it('C94: shows a name as text', async () => {
    await createBank(server, { ...BANK, clientId: 'hostile' }).ask();
    const { html } = await openRequests(browser);
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(scriptsBesideOurs(html)).toEqual([]);
    expect(html).not.toContain('<img');
  });

  it.each(['nonsense', '%00', '..%2f..', 'x'.repeat(5000)])('takes no answer to %.10s', async (handle) => {
    await openRequests(browser);
    const { status } = await browser.post(`/requests/${handle}/allow`, {});
    expect(status).toBeLessThan(500);
  });
});

describe('a request on the page', () => {
  it('says who asks for what, with the message to compare', async () => {
    await bank.ask({ binding_message: 'Überweisung 1234' });
    const page = await openRequests(browser);
    expect(saidAt(page, 'request-client')).toEqual(['Bank']);
    expect(saidAt(page, 'request-message')).toEqual(['Überweisung 1234']);
    expect(page.html).toContain('See your records');
  });

  it('is shown to nobody else, and answered by nobody else', async () => {
    const auth_req_id = await bank.ask();
    const [allow = ''] = actionsOf(await openRequests(browser), 'allow');
    const guest = new UserAgent(server.issuer);
    expect(actionsOf(await openRequests(guest, GUEST), 'allow')).toEqual([]);
    expect(saidAt(await guest.post(allow, {}), 'requests-said')).toEqual([expect.stringContaining('is over')]);
    const stranger = await new UserAgent(server.issuer).post(allow, {});
    expect(stranger.html).toContain('data-testid="sign-in-form"');
    expect((await bank.poll(auth_req_id)).body.error).toBe('authorization_pending');
  });

  it('takes no answer that another site lets the browser send', async () => {
    const auth_req_id = await bank.ask();
    const [allow = ''] = actionsOf(await openRequests(browser), 'allow');
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }]) {
      expect((await browser.post(allow, {}, headers)).status).toBe(403);
    }
    expect((await bank.poll(auth_req_id)).body.error).toBe('authorization_pending');
  });

  it('signs nobody in by a form that it has not shown', async () => {
    const credentials = { email: ALICE.email, password: 'correct-horse-battery-staple' };
    await browser.get('/requests');
    for (const request of ['', 'wrong']) {
      expect((await browser.post('/requests/sign-in', { ...credentials, request })).status).toBe(400);
    }
    expect((await browser.get('/requests')).html).toContain('data-testid="sign-in-form"');
    const headers = { 'sec-fetch-site': 'cross-site' };
    expect((await browser.post('/requests/sign-in', { ...credentials, request: '' }, headers)).status).toBe(403);
  });

  it('C57: refuses a wrong password in the words of the sign-in page, and signs in with a session that lasts', async () => {
    const page = await browser.get('/requests');
    const request = page.html.match(/name="request" value="([^"]*)"/)?.[1] ?? '';
    const refused = await browser.post('/requests/sign-in', { email: ALICE.email, password: 'wrong', request });
    expect([refused.status, saidAt(refused, 'sign-in-problem')]).toEqual([
      401,
      [expect.stringContaining('don’t match')],
    ]);
    expect(saidAt(await openRequests(browser), 'requests-account')).toHaveLength(1);
    const cookies = [...browser.cookies.keys()];
    expect(cookies).toContain('/ session');
    // The same session serves a client.
    const web = createRelyingParty(server.issuer, DEMO_WEB);
    expect((await browser.get(web.authorizationUrl({ scope: 'openid' }))).html).not.toContain('sign-in-form');
  });

  it('ends with a sign-out, and with the account', async () => {
    await bank.ask();
    await openRequests(browser);
    const before = browser.clone();
    await server.pool.query('update accounts set disabled_at = now() where email = $1', [ALICE.email]);
    expect((await browser.get('/requests')).html).toContain('sign-in-form');
    await server.pool.query('update accounts set disabled_at = null where email = $1', [ALICE.email]);
    const confirm = await browser.get('/session/end');
    const xsrf = confirm.html.match(/name="xsrf" value="([^"]*)"/)?.[1] ?? '';
    await browser.post('/session/end/confirm', { xsrf, logout: 'yes' });
    expect((await before.get('/requests')).html).toContain('sign-in-form');
  });

  it('C53: may not be framed, is kept by nobody, and answers to forms only', async () => {
    const { headers } = await openRequests(browser);
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('cache-control')).toBe('no-store');
    const wrong = await browser.get('/requests/abc/allow');
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST']);
  });
});

describe('signing in there', () => {
  it('gives the same cookie as anywhere: Secure and bound to the host where the issuer is https', async () => {
    const https = await server.addNode({ config: (config) => ({ ...config, issuer: 'https://sso.example' }) });
    const page = await fetch(`${https}/requests`);
    const [pair = '', ...attributes] = (page.headers.getSetCookie()[0] ?? '').split('; ');
    expect([pair, attributes]).toEqual([
      expect.stringMatching(/^sign_in=/),
      expect.arrayContaining(['path=/requests', 'secure', 'httponly', 'samesite=lax']),
    ]);
    const cookie = page.headers.getSetCookie().map((line) => line.split(';')[0]);
    const response = await fetch(`${https}/requests/sign-in`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: cookie.join('; ') },
      body: new URLSearchParams({
        email: ALICE.email,
        password: PASSWORD,
        request: secretOf({ html: await page.text() }),
      }),
    });
    expect([response.status, response.headers.get('location')]).toEqual([303, '/requests']);
    const session = response.headers.getSetCookie().find((line) => line.startsWith('__Host-session='));
    expect(session?.split('; ')).toEqual(expect.arrayContaining(['path=/', 'secure', 'httponly', 'samesite=lax']));
    expect(session).toContain('expires=');
  });

  it('stays below the path of an issuer that has one', async () => {
    const issuer = 'https://sso.example/login';
    const below = await server.addNode({ config: (config) => ({ ...config, issuer }) });
    const page = await fetch(`${below}/login/requests`);
    expect(await page.text()).toContain('action="/login/requests/sign-in"');
    expect(page.headers.getSetCookie().join()).toContain('path=/login/requests');
  });

  it('begins a session of its own, whatever the browser had before', async () => {
    await browser.get('/device');
    const before = browser.cookies.get('/ session')?.pair;
    await openRequests(browser);
    expect(before).toBeTruthy();
    expect(browser.cookies.get('/ session')?.pair).not.toBe(before);
  });

  it('asks once more where the form is from another browser, and keeps the email', async () => {
    const request = secretOf(await new UserAgent(server.issuer).get('/requests'));
    const page = await browser.post('/requests/sign-in', { email: ALICE.email, password: PASSWORD, request });
    expect(page.status).toBe(400);
    expect(page.html).toContain(`value="${ALICE.email}"`);
    expect(page.html).not.toContain(PASSWORD);
    const again = { email: ALICE.email, password: PASSWORD, request: secretOf(page) };
    expect((await browser.post('/requests/sign-in', again)).html).toContain('requests-account');
  });
});
