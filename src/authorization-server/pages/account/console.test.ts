import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openConsole, visitorOf } from '../../../testing/account-console.ts';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { UserAgent } from '../../../testing/user-agent.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const ADMIN = { email: 'admin@example.com' };
const GUEST = { email: 'guest@example.com' };

const query = (text: string, values: unknown[] = []) => server.pool.query(text, values);

/** Goes as far as the browser is sent to the console with a code, and no further. */
async function comingBack(browser: UserAgent, path = '/sessions'): Promise<URL> {
  let visit = await browser.send(server.url(`/account${path}`));
  for (let at = visit.headers.get('location'); at !== null; at = visit.headers.get('location')) {
    const address = new URL(at, server.issuer);
    if (address.pathname === '/account/callback') {
      return address;
    }
    visit = await browser.send(address.href);
  }
  throw new Error(`no code: ${visit.status} ${visit.html}`);
}

const withoutConsole = (browser: UserAgent) => {
  browser.cookies.delete('/account account');
  return browser;
};

describe('coming in', () => {
  it('lets somebody in who signs in, and asks for no consent', async () => {
    const browser = new UserAgent(server.issuer);
    const visit = await openConsole(browser);
    expect([visit.url, visit.status]).toEqual([server.url('/account'), 200]);
    expect(visit.html).toContain('Hello, Alice');
  });

  it('leads to the page that was asked for', async () => {
    const visit = await openConsole(new UserAgent(server.issuer), '/sessions?x=1');
    expect(visit.url).toBe(server.url('/account/sessions?x=1'));
  });

  it('lets two tabs finish that began at the same time', async () => {
    const browser = withoutConsole(await visitorOf(server));
    const [one, other] = await Promise.all([browser.get('/account/sessions'), browser.get('/account/activity')]);
    expect([one.url, other.url]).toEqual([server.url('/account/sessions'), server.url('/account/activity')]);
  });

  it('asks as any client does: code, PKCE, state and nonce', async () => {
    const visit = await new UserAgent(server.issuer).send(server.url('/account'));
    const request = Object.fromEntries(new URL(visit.headers.get('location') ?? '').searchParams);
    expect(request).toEqual({
      client_id: 'concierge-account',
      redirect_uri: server.url('/account/callback'),
      response_type: 'code',
      scope: 'openid',
      state: expect.stringMatching(/^[\w-]{100,}$/),
      nonce: expect.stringMatching(/^[\w-]{32}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    });
  });

  it('takes a code from the browser only that asked for it, so that nobody is signed in as somebody else', async () => {
    const thief = withoutConsole(await visitorOf(server, GUEST));
    const stolen = await comingBack(thief);
    const victim = new UserAgent(server.issuer);
    const visit = await victim.get(stolen.href);
    expect([visit.status, victim.cookies.has('/account account')]).toEqual([400, false]);
  });

  it('takes no code that was made for another sign-in of the same browser', async () => {
    const browser = withoutConsole(await visitorOf(server));
    const [one, other] = [await comingBack(browser), await comingBack(browser)];
    one.searchParams.set('code', other.searchParams.get('code') ?? '');
    expect((await browser.get(one.href)).status).toBe(400);
    expect(browser.cookies.has('/account account')).toBe(false);
  });

  it('takes a code once, also of two that come at the same time', async () => {
    const browser = withoutConsole(await visitorOf(server));
    const address = await comingBack(browser);
    const tabs = [browser.clone(), browser.clone()];
    const answers = await Promise.all(tabs.map((tab) => tab.send(address.href)));
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 400]);
  });

  it('takes no answer of another issuer (RFC 9207)', async () => {
    const browser = withoutConsole(await visitorOf(server));
    const address = await comingBack(browser);
    address.searchParams.set('iss', 'https://attacker.example');
    expect((await browser.get(address.href)).status).toBe(400);
  });

  it('leads whoever uses the Back button to where they are signed in already', async () => {
    const browser = withoutConsole(await visitorOf(server));
    const address = await comingBack(browser);
    expect((await browser.get(address.href)).url).toBe(server.url('/account/sessions'));
    expect((await browser.get(address.href)).url).toBe(server.url('/account/sessions'));
    expect((await browser.get('/account/callback?state=old&code=x')).url).toBe(server.url('/account'));
  });

  it('leads whoever cancels to the first page', async () => {
    const browser = new UserAgent(server.issuer);
    const visit = await browser.deny(await browser.get('/account'));
    expect([visit.url, visit.status]).toEqual([server.url('/'), 200]);
  });

  it('gives nobody a token for its client id', async () => {
    const browser = withoutConsole(await visitorOf(server));
    const address = await comingBack(browser);
    const body = new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: 'concierge-account',
      code: address.searchParams.get('code') ?? '',
      redirect_uri: server.url('/account/callback'),
      code_verifier: 'x'.repeat(43),
    });
    const answer = await fetch(server.url('/token'), { method: 'POST', body });
    expect(answer.status).toBe(400);
  });

  it('cannot be replaced by a client that somebody registers under its id', async () => {
    await query(
      `insert into clients (client_id, metadata) values ('concierge-account',
        '{"redirect_uris": ["https://attacker.example/callback"], "grant_types": ["authorization_code"], "response_types": ["code"], "token_endpoint_auth_method": "none"}')`,
    );
    const request = `/auth?client_id=concierge-account&response_type=code&scope=openid&redirect_uri=${encodeURIComponent('https://attacker.example/callback')}`;
    expect((await new UserAgent(server.issuer).get(request)).status).toBe(400);
    expect((await openConsole(new UserAgent(server.issuer))).status).toBe(200);
  });
});

describe('the console’s own session', () => {
  const asksToSignIn = (html: string) => /action="[^"]*\/sign-in"/.test(html);

  it('C50: ends with the session of the server, though its cookie is still there', async () => {
    const browser = await visitorOf(server);
    await query(`delete from artifacts where kind = 'Session' and account_id is not null`);
    expect(asksToSignIn((await browser.get('/account')).html)).toBe(true);
  });

  it('ends with its grant', async () => {
    const browser = await visitorOf(server);
    await query(`update artifacts set consumed_at = now() where kind = 'Grant' and client_id = 'concierge-account'`);
    const cookie = browser.cookies.get('/account account')?.pair;
    expect((await browser.get('/account')).status).toBe(200);
    expect(browser.cookies.get('/account account')?.pair).not.toBe(cookie); // By a code of its own, and unseen.
  });

  it('C50: ends with the account, at once', async () => {
    const browser = await visitorOf(server, GUEST);
    await query(`update accounts set disabled_at = now() where email = $1`, [GUEST.email]);
    expect(asksToSignIn((await browser.get('/account')).html)).toBe(true);
    await query(`update accounts set disabled_at = null where email = $1`, [GUEST.email]);
    expect((await browser.get('/account')).status).toBe(200);
  });

  it('is worth nothing in another browser', async () => {
    const browser = await visitorOf(server, ADMIN);
    const other = new UserAgent(server.issuer);
    await other.get('/account');
    const cookie = browser.cookies.get('/account account');
    other.cookies.set('/account account', { path: '/account', pair: cookie?.pair ?? '' });
    expect(asksToSignIn((await other.get('/account')).html)).toBe(true);
  });

  it('is good at every node', async () => {
    const browser = await visitorOf(server);
    browser.node = await server.addNode();
    expect((await browser.get('/account')).html).toContain('Hello, Alice');
  });
});

describe('forms', () => {
  it('C51: are refused from another site, whatever cookies come with them', async () => {
    const browser = await visitorOf(server);
    const headers = { origin: 'https://attacker.example', 'sec-fetch-site': 'cross-site' };
    const paths = ['/profile', '/sessions/end', '/sessions/end-others', '/data/export', '/data/delete'];
    const visits = await Promise.all(paths.map((path) => browser.post(`/account${path}`, {}, headers)));
    expect(visits.map(({ status }) => status)).toEqual(paths.map(() => 403));
  });

  it('C51: has no page at another spelling of its address, where nothing would stand before it', async () => {
    const browser = await visitorOf(server);
    for (const [key, cookie] of browser.cookies) {
      browser.cookies.set(key, { ...cookie, path: '/' }); // As those of an issuer that has a host to itself.
    }
    for (const path of ['/Account', '/ACCOUNT/sessions', '/account/Data', '/Requests', '/Interaction/x']) {
      expect([path, (await browser.get(path)).status]).toEqual([path, 404]);
    }
    const headers = { origin: 'https://shop.example.com', 'sec-fetch-site': 'same-site' };
    for (const path of ['/Account/sessions/end-others', '/Requests/x/allow', '/Interaction/x/abort']) {
      expect([path, (await browser.post(path, {}, headers)).status]).toEqual([path, 404]);
    }
  });

  it('are taken so many times a minute', async () => {
    const browser = await visitorOf(server, ADMIN);
    const visits = [];
    for (let forms = 0; forms < 61; forms += 1) {
      visits.push(await browser.post('/account/sessions/end', { session: 'none' }));
    }
    expect(visits.slice(0, 60).map(({ status }) => status)).toEqual(Array(60).fill(200));
    expect([visits[60]?.status, visits[60]?.headers.get('retry-after')]).toEqual([429, '60']);
  });

  it('are not answered by GET, and pages not by POST', async () => {
    const browser = await visitorOf(server);
    const [get, post] = [await browser.send('/account/sessions/end'), await browser.post('/account/activity', {})];
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET']);
  });

  it('keep what was typed while somebody has to sign in again', async () => {
    const browser = await visitorOf(server);
    const page = await browser.get('/account/profile');
    const version = page.html.match(/name="version" value="([^"]*)"/)?.[1] ?? '';
    await query(`delete from artifacts where kind = 'Session' and account_id is not null`);
    const lost = await browser.post('/account/profile', { name: 'Alice Typed', postal_code: '12345', version });
    const back = await browser.signIn(lost, { email: 'alice@example.com' });
    expect(back.url).toBe(server.url('/account/profile'));
    expect(back.html).toContain('value="Alice Typed"');
    expect(back.html).toContain('value="12345"');
    expect((await browser.get('/account/profile')).html).not.toContain('Alice Typed');
  });
});
