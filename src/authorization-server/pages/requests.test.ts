import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { scriptsBesideOurs } from '../../testing/markup.ts';
import { ALICE, postForm } from '../../testing/relying-party.ts';
import { UserAgent, type Visit } from '../../testing/user-agent.ts';

const PASSWORD = 'correct-horse-battery-staple';
const SECRET = 'a-secret-of-the-client-that-is-long';
const HOSTILE = '<script>alert(1)</script>"><img src=x>';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await server.apply({
    clients: [
      {
        client_id: 'hostile',
        client_secret: SECRET,
        client_name: HOSTILE,
        grant_types: ['urn:openid:params:grant-type:ciba'],
        backchannel_token_delivery_mode: 'poll',
        scope: 'openid',
      },
    ],
  });
});
afterAll(() => server.stop());

const secretOf = ({ html }: Pick<Visit, 'html'>) => html.match(/name="request" value="([^"]*)"/)?.[1] ?? '';

async function signIn(browser: UserAgent): Promise<Visit> {
  const request = secretOf(await browser.get('/requests'));
  return browser.post('/requests/sign-in', { email: ALICE.email, password: PASSWORD, request });
}

describe('the page of requests', () => {
  it('says so when nothing waits, and that somebody signed in as whom', async () => {
    const { html } = await signIn(new UserAgent(server.issuer));
    expect(html).toContain('Nothing is waiting');
    expect(html).toContain(ALICE.email);
  });

  it('says nothing that an address puts in its mouth', async () => {
    const browser = new UserAgent(server.issuer);
    await signIn(browser);
    for (const outcome of ['nonsense', '__proto__', 'constructor', HOSTILE]) {
      const { status, html } = await browser.get(`/requests?${new URLSearchParams({ outcome })}`);
      expect([status, html.includes('requests-said')]).toEqual([200, false]);
    }
    expect((await browser.get('/requests?outcome=denied&outcome=allowed')).status).toBe(200);
  });

  it('C94: shows a name as text', async () => {
    const form = { scope: 'openid', login_hint: ALICE.email };
    await postForm(server.url('/backchannel'), form, { clientId: 'hostile', secret: SECRET });
    const { html } = await signIn(new UserAgent(server.issuer));
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(scriptsBesideOurs(html)).toEqual([]);
    expect(html).not.toContain('<img');
  });

  it.each(['nonsense', '%00', '..%2f..', 'x'.repeat(5000)])('takes no answer to %.10s', async (handle) => {
    const browser = new UserAgent(server.issuer);
    await signIn(browser);
    const { status } = await browser.post(`/requests/${handle}/allow`, {});
    expect(status).toBeLessThan(500);
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
    const browser = new UserAgent(server.issuer);
    await browser.get('/device');
    const before = browser.cookies.get('/ session')?.pair;
    await signIn(browser);
    expect(before).toBeTruthy();
    expect(browser.cookies.get('/ session')?.pair).not.toBe(before);
  });

  it('asks once more where the form is from another browser, and keeps the email', async () => {
    const request = secretOf(await new UserAgent(server.issuer).get('/requests'));
    const browser = new UserAgent(server.issuer);
    const page = await browser.post('/requests/sign-in', { email: ALICE.email, password: PASSWORD, request });
    expect(page.status).toBe(400);
    expect(page.html).toContain(`value="${ALICE.email}"`);
    expect(page.html).not.toContain(PASSWORD);
    const again = { email: ALICE.email, password: PASSWORD, request: secretOf(page) };
    expect((await browser.post('/requests/sign-in', again)).html).toContain('requests-account');
  });
});
