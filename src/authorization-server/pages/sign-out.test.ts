import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { UserAgent, type Visit } from '../../testing/user-agent.ts';

let server: TestServer;
let browser: UserAgent;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  browser = new UserAgent(server.issuer);
  await browser.authorize(REQUEST);
});

const REDIRECT = 'http://localhost:3002/callback';
const REQUEST = `/auth?${new URLSearchParams({ client_id: 'demo-web', response_type: 'code', redirect_uri: REDIRECT, scope: 'openid' })}`;

/** What the browser sends for a button of the page. */
async function press(visit: Visit, testId: 'sign-out-confirm' | 'sign-out-cancel'): Promise<Visit> {
  const action = visit.html.match(/<form id="op.logoutForm" method="post" action="([^"]*)"/)?.[1] ?? '';
  const xsrf = visit.html.match(/name="xsrf" value="([^"]*)"/)?.[1] ?? '';
  const button =
    visit.html.match(new RegExp(`<button [^>]*form="op.logoutForm"[^>]*data-testid="${testId}"`))?.[0] ?? '';
  const logout: Record<string, string> = button.includes('name="logout" value="yes"') ? { logout: 'yes' } : {};
  return browser.post(action, { xsrf, ...logout });
}

async function isSignedIn(): Promise<boolean> {
  return !(await browser.get(`${REQUEST}&prompt=none`)).url.includes('error=login_required');
}

describe('the sign-out page', () => {
  it('C66: asks first, and names the client that asks for it', async () => {
    const visit = await browser.get('/session/end?client_id=demo-web');
    expect(visit.status).toBe(200);
    expect(visit.html).toContain('<bdi data-testid="sign-out-client">Demo web app</bdi>');
    expect(visit.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await isSignedIn()).toBe(true);
  });

  it('signs out on yes', async () => {
    const visit = await press(await browser.get('/session/end'), 'sign-out-confirm');
    expect(visit.status).toBe(200);
    expect(visit.html).toContain('data-testid="signed-out"');
    expect(await isSignedIn()).toBe(false);
  });

  it('changes nothing on no', async () => {
    const visit = await press(await browser.get('/session/end'), 'sign-out-cancel');
    expect(visit.status).toBe(200);
    expect(visit.html).not.toContain('You’re signed out');
    expect(visit.html).toContain('You’re still signed in');
    expect(await isSignedIn()).toBe(true);
  });

  it('C66: refuses a form without the secret of its page', async () => {
    await browser.get('/session/end');
    for (const fields of [{ logout: 'yes' }, { logout: 'yes', xsrf: 'guessed' }]) {
      const visit = await browser.post('/session/end/confirm', fields);
      expect(visit.status).toBe(400);
      expect(visit.html).toContain('data-testid="error-title"');
    }
    expect(await isSignedIn()).toBe(true);
  });

  it('C68: refuses to go on to an address that the client has not registered', async () => {
    const evil = encodeURIComponent('https://evil.example/');
    const visit = await browser.get(`/session/end?client_id=demo-web&post_logout_redirect_uri=${evil}`);
    expect(visit.status).toBe(400);
    expect(visit.html).not.toContain('href="https://evil.example');
  });

  it('C68: goes on to a registered address with the state', async () => {
    const home = encodeURIComponent('http://localhost:3002/');
    const page = await browser.get(`/session/end?client_id=demo-web&post_logout_redirect_uri=${home}&state=a%20b`);
    const visit = await press(page, 'sign-out-confirm');
    expect(visit.url).toBe('http://localhost:3002/?state=a+b');
  });
});
