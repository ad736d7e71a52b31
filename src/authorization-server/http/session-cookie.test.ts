import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Config } from '../../config/schema.ts';
import { SECRET, startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import {
  ALICE,
  createRelyingParty,
  DEMO_SPA,
  DEMO_WEB,
  GUEST,
  introspect,
  type RelyingParty,
} from '../../testing/relying-party.ts';
import { UserAgent } from '../../testing/user-agent.ts';
import { createArtifactStore } from '../storage/artifacts.ts';
import { createSealing } from '../storage/sealing.ts';

let server: TestServer;
let web: RelyingParty;
let spa: RelyingParty;
let otherNode: string;
let browser: UserAgent;

beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
  spa = createRelyingParty(server.issuer, DEMO_SPA);
  otherNode = await server.addNode();
});
afterAll(() => server.stop());
beforeEach(() => {
  browser = new UserAgent(server.issuer);
});

/** Is the person signed in, as far as a client can tell? Asks for consent to nothing, so it changes nothing. */
async function isSignedIn(agent: UserAgent, rp = web): Promise<boolean> {
  const visit = await agent.get(rp.authorizationUrl({ scope: 'openid', prompt: 'none' }));
  const error = new URL(visit.url).searchParams.get('error');
  return error !== 'login_required';
}

const sessionId = (agent: UserAgent) => agent.cookies.get('/ session')?.pair.slice('session='.length) ?? '';

function setCookie(agent: UserAgent, name: string, value: string): void {
  agent.cookies.set(`/ ${name}`, { path: '/', pair: `${name}=${value}` });
}

async function signedIn(person = ALICE): Promise<UserAgent> {
  const agent = new UserAgent(server.issuer);
  await web.authorize({ scope: 'openid' }, person, agent);
  return agent;
}

const NEW_SECRET = 'another-secret-for-tests-that-is-long-enough-to-be-accepted';
const withSecrets = (...secrets: Config['secrets']) => ({ config: (config: Config) => ({ ...config, secrets }) });

describe('the id of a session', () => {
  it('C47: changes when the person signs in, and again at the next time', async () => {
    await browser.get('/session/end');
    const anonymous = sessionId(browser);
    expect(anonymous).toMatch(/^[\w-]{21,}$/);
    await web.authorize({ scope: 'openid' }, ALICE, browser);
    const first = sessionId(browser);
    const before = browser.clone();
    await web.authorize({ scope: 'openid', prompt: 'login' }, ALICE, browser);
    const second = sessionId(browser);
    expect(new Set([anonymous, first, second]).size).toBe(3);
    expect(await isSignedIn(browser)).toBe(true);
    expect(await isSignedIn(before)).toBe(false);
  });

  it('C47: is never the one that somebody else chose', async () => {
    setCookie(browser, 'session', 'chosen-by-an-attacker-1234567890');
    setCookie(browser, 'session.sig', 'AAAAAAAAAAAAAAAAAAAAAAAAAAA');
    await web.authorize({ scope: 'openid' }, ALICE, browser);
    expect(sessionId(browser)).not.toContain('attacker');
    expect(await isSignedIn(browser)).toBe(true);
  });

  it('C47: planted in another browser is worth nothing once that person has signed in', async () => {
    const attacker = new UserAgent(server.issuer);
    await attacker.get('/session/end');
    const victim = attacker.clone();
    await web.authorize({ scope: 'openid' }, ALICE, victim);
    expect(await isSignedIn(victim)).toBe(true);
    expect(await isSignedIn(attacker)).toBe(false);
  });
});

describe('a cookie', () => {
  it('C48: is HttpOnly, SameSite=Lax and bound to its path', async () => {
    const start = await browser.send(web.authorizationUrl({ scope: 'openid' }));
    const cookies = start.headers.getSetCookie();
    expect(cookies).toHaveLength(4);
    const uid = new URL(start.headers.get('location') ?? '', server.issuer).pathname.split('/').at(-1);
    for (const cookie of cookies) {
      expect(cookie).toMatch(/; httponly/i);
      expect(cookie).toMatch(/; samesite=lax/i);
      expect(cookie).toMatch(new RegExp(`; path=/(interaction|auth)/${uid};`));
    }
  });

  it('C48: of an https issuer is Secure, and the session’s is __Host-', async () => {
    const https = await server.addNode({ config: (config) => ({ ...config, issuer: 'https://sso.example' }) });
    const url = web.authorizationUrl({ scope: 'openid' }).replace(server.issuer, https);
    const responses = [await fetch(url, { redirect: 'manual' }), await fetch(`${https}/session/end`)];
    const cookies = responses.flatMap((response) => response.headers.getSetCookie());
    expect(cookies).toHaveLength(6);
    expect(cookies.every((cookie) => /; secure/i.test(cookie) && /; httponly/i.test(cookie))).toBe(true);
    const sessions = cookies.filter((cookie) => cookie.startsWith('__Host-session'));
    expect(sessions).toHaveLength(2);
    for (const cookie of sessions) {
      expect(cookie).toMatch(/; path=\/;/);
      expect(cookie).not.toMatch(/domain=/i);
    }
  });

  it('C49: holds a random id and nothing else', async () => {
    const agent = await signedIn();
    for (const { pair } of agent.cookies.values()) {
      expect(pair).toMatch(/^[\w.]+=[\w-]+$/);
      expect(pair).not.toMatch(/alice|demo-web/);
    }
  });

  it.each(['session', 'session.sig'])('C49: with one character of %s changed is as good as none', async (name) => {
    const agent = await signedIn();
    const pair = agent.cookies.get(`/ ${name}`)?.pair ?? '';
    const value = pair.slice(name.length + 1);
    for (const at of [0, 5, value.length - 2]) {
      const forged = agent.clone();
      const other = value[at] === 'A' ? 'B' : 'A';
      setCookie(forged, name, value.slice(0, at) + other + value.slice(at + 1));
      expect(await isSignedIn(forged)).toBe(false);
    }
    expect(await isSignedIn(agent)).toBe(true);
  });

  it('C49: without its signature is as good as none', async () => {
    const agent = await signedIn();
    agent.cookies.delete('/ session.sig');
    expect(await isSignedIn(agent)).toBe(false);
  });

  it('C49: signed with a secret that was replaced is accepted while that one is listed, and no longer', async () => {
    const own = await startTestServer();
    try {
      const rp = createRelyingParty(own.issuer, DEMO_WEB);
      const [returning, absent] = [new UserAgent(own.issuer), new UserAgent(own.issuer)];
      await rp.authorize({ scope: 'openid' }, ALICE, returning);
      await rp.authorize({ scope: 'openid' }, ALICE, absent);
      const pending = await returning.get(rp.authorizationUrl({ scope: 'openid', prompt: 'login' }));
      returning.node = await own.addNode(withSecrets(NEW_SECRET, SECRET));
      for (const url of [pending.url, rp.authorizationUrl({ scope: 'openid', prompt: 'none' })]) {
        const cookies = (await returning.send(url)).headers.getSetCookie();
        expect(cookies.every((cookie) => /; samesite=lax/i.test(cookie))).toBe(true);
      }
      const answer = await returning.signIn(pending, ALICE);
      expect(new URL(answer.url).searchParams.has('code')).toBe(true);
      // Whoever came by meanwhile has cookies of the new secret; the others sign in again.
      returning.node = absent.node = await own.addNode(withSecrets(NEW_SECRET));
      expect(await isSignedIn(returning, rp)).toBe(true);
      expect(await isSignedIn(absent, rp)).toBe(false);
    } finally {
      await own.stop();
    }
  });
});

describe('a session', () => {
  it('C110: is the same on every node', async () => {
    const agent = await signedIn();
    agent.node = otherNode;
    expect(await isSignedIn(agent)).toBe(true);
    const { code } = await web.authorize({ scope: 'openid' }, ALICE, agent);
    expect(code).not.toBe('');
  });

  it('C50: that the server ended is over on every node, together with all that was granted', async () => {
    const agent = await signedIn();
    const copy = agent.clone();
    copy.node = otherNode;
    const { access_token, refresh_token } = await web.obtainTokens({ scope: 'openid' }, ALICE, agent);
    const { rows } = await server.pool.query("select account_id from accounts where email = 'alice@example.com'");
    await artifactStore().revokeByAccountId(rows[0].account_id);
    expect(await isSignedIn(agent)).toBe(false);
    expect(await isSignedIn(copy)).toBe(false);
    expect(await introspect(server.issuer, access_token, DEMO_WEB)).toEqual({ active: false });
    expect((await web.refresh(refresh_token, {}, otherNode)).body).toMatchObject({ error: 'invalid_grant' });
  });

  it('C50: a pending page of a session that the server ended leads back to the start', async () => {
    const agent = await signedIn(GUEST);
    const consent = await agent.get(spa.authorizationUrl({ scope: 'openid profile' }));
    await server.pool.query("delete from artifacts where kind = 'Session'");
    const late = await agent.approve(consent);
    expect(late.status).toBe(400);
    expect(late.html).toContain('data-testid="error-title"');
  });

  it('C39: of an account that was disabled asks to sign in, which is refused', async () => {
    const agent = await signedIn(GUEST);
    await server.pool.query("update accounts set disabled_at = now() where email = 'guest@example.com'");
    try {
      const visit = await agent.get(web.authorizationUrl({ scope: 'openid' }));
      expect(visit.status).toBe(200);
      expect((await agent.signIn(visit, GUEST)).status).toBe(401);
      expect(await isSignedIn(agent)).toBe(false);
    } finally {
      await server.pool.query('update accounts set disabled_at = null');
    }
  });
});

function artifactStore() {
  return createArtifactStore({
    pool: server.pool,
    sealing: createSealing([SECRET]),
    currentRequest: () => undefined,
    refreshGrace: { seconds: 0, longest: async () => ({ refreshToken: 60, accessToken: 60 }) },
  });
}
