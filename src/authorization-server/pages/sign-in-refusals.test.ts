import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { createRelyingParty, DEMO_WEB, type RelyingParty } from '../../testing/relying-party.ts';
import { UserAgent, type Visit } from '../../testing/user-agent.ts';

const RIGHT = 'correct-horse-battery-staple';
const ATTEMPTS = 3;

let server: TestServer;
let web: RelyingParty;
beforeAll(async () => {
  server = await startTestServer({
    config: (config) => ({ ...config, lockout: { attempts: ATTEMPTS, seconds: 900 } }),
  });
  web = createRelyingParty(server.issuer, DEMO_WEB);
  const account = { name: 'Somebody', roles: ['user'], password: RIGHT };
  const names = ['known', 'returning', 'throttled', 'disabled', 'passwordless'];
  await server.apply({ accounts: names.map((name) => ({ ...account, email: `${name}@example.com` })) });
  await server.pool.query("update accounts set disabled_at = now() where email = 'disabled@example.com'");
  await server.pool.query("update accounts set password_hash = null where email = 'passwordless@example.com'");
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    await submit('throttled@example.com', 'wrong');
  }
});
afterAll(() => server.stop());

async function submit(email: string, password: string, browser = new UserAgent(server.issuer)): Promise<Visit> {
  const { url } = await browser.get(web.authorizationUrl({ scope: 'openid' }));
  const body = new URLSearchParams({ email, password });
  return browser.send(`${url}/sign-in`, { method: 'POST', body });
}

/** All that a stranger sees, without what differs from one request to the next anyway. */
function seen({ status, headers, html, url }: Visit, email: string) {
  const varying = new Set(['date', 'x-request-id', 'connection', 'keep-alive', 'content-length']);
  const uid = url.split('/').at(-2) ?? '';
  return {
    status,
    headers: [...headers]
      .filter(([name]) => !varying.has(name))
      .map(([name, value]) => [name, name === 'content-length' ? Number(value) - email.length : value]),
    cookies: headers.getSetCookie(),
    html: html
      .replaceAll(email, '<email>')
      .replaceAll(uid, '<uid>')
      .replaceAll(/(name="request" value=")[^"]+/g, '$1<sealed>')
      .replace(/(challenge&#34;:&#34;)[\w-]+/, '$1<challenge>')
      .replaceAll(/\?request=[\w-]+/g, '?request=<sealed>'),
  };
}

describe('a sign-in that fails', () => {
  it('C57: looks the same for whatever reason', async () => {
    const email = 'known@example.com';
    const wrong = seen(await submit(email, 'wrong'), email);
    expect(wrong.status).toBe(401);
    expect(wrong.cookies).toEqual([]);
    for (const [other, password] of [
      ['unknown@example.com', 'wrong'],
      ['unknown@example.com', RIGHT],
      ['throttled@example.com', 'wrong'],
      ['throttled@example.com', RIGHT],
      ['disabled@example.com', 'wrong'],
      ['disabled@example.com', RIGHT],
      ['passwordless@example.com', 'wrong'],
      ['passwordless@example.com', RIGHT],
      ['known@example.com', 'x'.repeat(5000)],
      ['no-address', 'wrong'],
      ['or 1=1 --', 'wrong'],
    ] as const) {
      expect(seen(await submit(other, password), other), `${other} ${password.slice(0, 9)}`).toEqual(wrong);
    }
  });

  it('C57: leaves the person where they were, and the right password then works', async () => {
    const browser = new UserAgent(server.issuer);
    const visit = await browser.get(web.authorizationUrl({ scope: 'openid' }));
    const again = await browser.signIn(visit, { email: 'returning@example.com', password: 'wrong' });
    const consent = await browser.signIn(again, { email: 'returning@example.com', password: RIGHT });
    expect(consent.html).toContain('data-testid="consent-form"');
  });

  it('C56: never signs anybody in, whatever is in the fields', async () => {
    const bodies = [
      '',
      '&&&',
      '=',
      'email=known@example.com',
      `password=${RIGHT}`,
      `email=&password=${RIGHT}`,
      `email[$ne]=x&password[$ne]=x`,
      `email=known@example.com&email=known@example.com&password=${RIGHT}`,
      `__proto__[email]=known@example.com&password=${RIGHT}`,
      `constructor=x&email=known@example.com&password=`,
      '%',
      '%zz=%zz',
      `email=%ff%fe&password=${RIGHT}`,
      `email=known@example.com%00&password=${RIGHT}`,
      new URLSearchParams([...Array(60).keys()].map((n) => [`f${n}`, 'x'])).toString(),
      `{"email":"known@example.com","password":"${RIGHT}"}`,
    ];
    for (const body of bodies) {
      const browser = new UserAgent(server.issuer);
      const { url } = await browser.get(web.authorizationUrl({ scope: 'openid' }));
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const { status } = await browser.send(`${url}/sign-in`, { method: 'POST', body, headers });
      expect([400, 401], body).toContain(status);
      const after = await browser.get(web.authorizationUrl({ scope: 'openid', prompt: 'none' }));
      expect(new URL(after.url).searchParams.get('error')).toBe('login_required');
    }
  });

  it('C101: is over before a large body is', async () => {
    const browser = new UserAgent(server.issuer);
    const { url } = await browser.get(web.authorizationUrl({ scope: 'openid' }));
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const body = `email=known@example.com&password=${'x'.repeat(20_000)}`;
    const visit = await browser.send(`${url}/sign-in`, { method: 'POST', body, headers });
    expect(visit.status).toBe(413);
    expect(visit.html).toContain('data-testid="error-title"');
  });
});
