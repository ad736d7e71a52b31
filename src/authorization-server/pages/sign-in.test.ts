import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { scriptsBesideOurs } from '../../testing/markup.ts';
import { UserAgent, type Visit } from '../../testing/user-agent.ts';

let server: TestServer;
let browser: UserAgent;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());
beforeEach(() => {
  browser = new UserAgent(server.issuer);
});

const ALICE = { email: 'alice@example.com' };
const REDIRECT = 'http://localhost:3002/callback';

function request(more: Record<string, string> = {}): string {
  const params = { client_id: 'demo-web', response_type: 'code', redirect_uri: REDIRECT, scope: 'openid', state: 'st' };
  return `/auth?${new URLSearchParams({ ...params, ...more })}`;
}

/** As the browser, but seeing each single answer and sending what no form sends. */
function raw(url: string, init: RequestInit = {}): Promise<Response> {
  const cookie = [...browser.cookies.values()].map(({ pair }) => pair).join('; ');
  return fetch(url, { method: 'POST', redirect: 'manual', ...init, headers: { cookie, ...init.headers } });
}

async function isSignedIn(): Promise<boolean> {
  const { searchParams } = new URL((await browser.get(request({ prompt: 'none' }))).url);
  return searchParams.get('error') !== 'login_required';
}

const text = (visit: Visit, testId: string) =>
  visit.html.match(new RegExp(`data-testid="${testId}"[^>]*>([^<]*)<`))?.[1]?.trim();

describe('the sign-in page', () => {
  it('names the client and labels its fields', async () => {
    const visit = await browser.get(request());
    expect(visit.status).toBe(200);
    expect(text(visit, 'sign-in-client')).toBe('Demo web app');
    expect(visit.html).toMatch(/<label for="email">/);
    expect(visit.html).toMatch(/id="email"[^>]*autocomplete="username webauthn"/);
    expect(visit.html).toMatch(/id="password"[^>]*autocomplete="current-password"/);
    expect(text(visit, 'sign-in-problem')).toBeUndefined();
  });

  it('C94: offers the login_hint, escaped', async () => {
    const visit = await browser.get(request({ login_hint: '"><script>alert(1)</script>' }));
    expect(visit.html).toContain('value="&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"');
    expect(scriptsBesideOurs(visit.html)).toEqual([]);
  });

  it.each(['alice@example.com', 'nobody@example.com'])(
    'C57: says the same to a wrong password for %s',
    async (email) => {
      const visit = await browser.signIn(await browser.get(request()), { email, password: 'wrong' });
      expect(visit.status).toBe(401);
      expect(text(visit, 'sign-in-problem')).toBe('That email and password don’t match. Check both and try again.');
      expect(visit.html).toContain(`value="${email}"`);
      expect(visit.html).toMatch(/id="email"[^>]*aria-describedby="sign-in-problem"/);
      expect(visit.html).not.toContain('wrong"');
      expect(await isSignedIn()).toBe(false);
    },
  );

  it('says which field was left out, and links to it', async () => {
    const visit = await browser.signIn(await browser.get(request()), { ...ALICE, password: '' });
    expect(visit.status).toBe(400);
    expect(visit.html).toContain('<a href="#password">Enter your password.</a>');
    expect(visit.html).toMatch(/id="password"[^>]*aria-invalid="true" aria-describedby="password-problem"/);
  });

  it('C96: answers the right password with 303 and leads on', async () => {
    const { url } = await browser.get(request());
    const body = new URLSearchParams({ ...ALICE, password: 'correct-horse-battery-staple' });
    const response = await raw(`${url}/sign-in`, { body });
    expect(response.status).toBe(303);
    expect(response.headers.get('location')).toMatch(/\/auth\/[\w-]+\?request=[\w-]+$/);
  });

  it('goes back to the client with access_denied when the person cancels', async () => {
    const { searchParams } = new URL((await browser.deny(await browser.get(request()))).url);
    expect(Object.fromEntries(searchParams)).toEqual({
      error: 'access_denied',
      error_description: 'the sign-in was cancelled',
      state: 'st',
      iss: server.issuer,
    });
  });

  it('answers 503 with Retry-After while too many passwords are being checked', async () => {
    const hashing = { memoryKiB: 65_536, iterations: 3, parallelism: 1, concurrency: 1, queue: 1, maxLength: 1024 };
    const busy = await startTestServer({
      config: (config) => ({ ...config, passwords: { ...config.passwords, ...hashing } }),
    });
    try {
      browser = new UserAgent(busy.issuer);
      const visit = await browser.get(request());
      // A stored hash is as cheap as it was when it was made; the one of nobody follows the settings.
      const nobody = { email: 'nobody@example.com', password: 'wrong' };
      const visits = await Promise.all(Array.from({ length: 6 }, () => browser.signIn(visit, nobody)));
      const refused = visits.filter(({ status }) => status === 503);
      expect(refused.length).toBeGreaterThan(0);
      expect(refused[0]?.headers.get('retry-after')).toBe('1');
      expect(text(refused[0] as Visit, 'sign-in-problem')).toMatch(/try again in a moment/);
    } finally {
      await busy.stop();
    }
  });
});

describe('the sign-in form', () => {
  const credentials = { ...ALICE, password: 'correct-horse-battery-staple' };

  it.each([
    ['nothing', ''],
    ['arrays', 'email[]=alice@example.com&password[]=correct-horse-battery-staple'],
    ['objects', 'email[a]=alice@example.com&password[a]=correct-horse-battery-staple'],
    ['a field twice', 'email=alice@example.com&password=x&password=correct-horse-battery-staple'],
    ['NUL', 'email=alice@example.com&password=correct-horse-battery-staple%00'],
  ])('C56: refuses %s', async (_name, body) => {
    const { url } = await browser.get(request());
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await raw(`${url}/sign-in`, { body, headers })).status).toBe(400);
    expect(await isSignedIn()).toBe(false);
  });

  it('C56: refuses JSON and multipart', async () => {
    const { url } = await browser.get(request());
    const multipart = new FormData();
    multipart.set('email', credentials.email);
    multipart.set('password', credentials.password);
    const json = { body: JSON.stringify(credentials), headers: { 'content-type': 'application/json' } };
    for (const init of [json, { body: multipart }]) {
      expect((await raw(`${url}/sign-in`, init)).status).toBe(400);
    }
    expect(await isSignedIn()).toBe(false);
  });

  it.each([
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['a sibling of ours', { 'sec-fetch-site': 'same-site' }],
    ['another origin', { origin: 'https://evil.example' }],
  ])('C51: refuses what %s made the browser send', async (_name, headers: Record<string, string>) => {
    const { url } = await browser.get(request());
    for (const action of ['sign-in', 'consent', 'abort']) {
      const response = await raw(`${url}/${action}`, { body: new URLSearchParams(credentials), headers });
      expect(response.status).toBe(403);
    }
    expect((await browser.get(url)).status).toBe(200);
    expect(await isSignedIn()).toBe(false);
  });

  it('C51: accepts what our own page sends under Referrer-Policy: no-referrer', async () => {
    const { url } = await browser.get(request());
    const headers = { origin: 'null', 'sec-fetch-site': 'same-origin' };
    const response = await raw(`${url}/sign-in`, { body: new URLSearchParams(credentials), headers });
    expect(response.status).toBe(303);
  });

  it('C51: changes nothing on GET', async () => {
    const { url } = await browser.get(request());
    const again = await browser.get(`${url}/sign-in?${new URLSearchParams(credentials)}`);
    expect([again.status, again.url]).toEqual([200, url]);
    for (const action of ['consent', 'abort']) {
      const visit = await browser.get(`${url}/${action}?${new URLSearchParams(credentials)}`);
      expect(visit.status).toBe(405);
      expect(visit.headers.get('allow')).toBe('POST');
    }
    expect((await browser.get(url)).status).toBe(200);
  });

  it('C51: belongs to the browser that began, and to the request on its screen', async () => {
    const first = await browser.get(request());
    const stranger = new UserAgent(server.issuer);
    expect((await stranger.signIn(first, ALICE)).status).toBe(400);
    const second = await stranger.get(request());
    const cookie = [...stranger.cookies.values()].map(({ pair }) => pair).join('; ');
    const crossed = await raw(`${first.url}/sign-in`, { body: new URLSearchParams(credentials), headers: { cookie } });
    expect(crossed.status).toBe(400);
    expect((await stranger.get(second.url)).status).toBe(200);
    expect(await isSignedIn()).toBe(false);
  });

  it('C52: shows a friendly page to a form that comes late and carries no request', async () => {
    const visit = await browser.get(request());
    await browser.signIn(visit, ALICE);
    for (const late of [await browser.get(visit.url), await browser.signIn(visit, ALICE), await browser.deny(visit)]) {
      expect(late.status).toBe(400);
      expect(text(late, 'error-title')).toBe('This sign-in has ended');
    }
  });
});
