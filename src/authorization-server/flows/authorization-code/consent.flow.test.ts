/** When a person is asked, and what happens when nobody can be: OpenID Connect Core §3.1.2.1 to §3.1.2.6. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { ALICE, createRelyingParty, DEMO_WEB, GUEST, type RelyingParty, send } from '../../../testing/relying-party.ts';
import { UserAgent, type Visit } from '../../../testing/user-agent.ts';

const NATIVE = { clientId: 'native', redirectUri: 'com.example.app:/cb' };

let server: TestServer;
let web: RelyingParty;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
  await server.apply({
    clients: [
      {
        client_id: 'native',
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        redirect_uris: [NATIVE.redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        scope: 'openid records:read',
      },
    ],
  });
});
afterAll(() => server.stop());

const SCOPE = { scope: 'openid records:read' };

/** A browser in which this person is signed in and has consented to demo-web. */
async function signedIn(person = ALICE) {
  const browser = new UserAgent(server.issuer);
  await browser.authorize(web.authorizationUrl(SCOPE), person);
  return browser;
}

function screenOf(visit: Visit): 'sign-in' | 'consent' | 'client' {
  return visit.html.includes('/sign-in"') ? 'sign-in' : visit.html.includes('/consent"') ? 'consent' : 'client';
}

function answerOf(visit: Visit) {
  return Object.fromEntries(new URL(visit.url).searchParams);
}

describe('who has signed in and consented', () => {
  it('is not asked again (single sign-on)', async () => {
    const browser = await signedIn();
    const visit = await browser.get(web.authorizationUrl(SCOPE));
    expect(answerOf(visit)).toMatchObject({ code: expect.stringMatching(/^[\w-]{43}$/), iss: server.issuer });
  });

  it('is asked for a scope that is new', async () => {
    const browser = await signedIn();
    expect(screenOf(await browser.get(web.authorizationUrl({ scope: 'openid blobs:read' })))).toBe('consent');
  });

  it('C9: is asked for consent again when the client wants it', async () => {
    const browser = await signedIn();
    expect(screenOf(await browser.get(web.authorizationUrl({ ...SCOPE, prompt: 'consent' })))).toBe('consent');
  });

  it('C9: is asked every time by a native client, which anyone can pretend to be (RFC 8252 §8.6)', async () => {
    const native = createRelyingParty(server.issuer, NATIVE);
    const browser = await signedIn();
    await native.obtainTokens(SCOPE, ALICE, browser);
    expect(screenOf(await browser.get(native.authorizationUrl(SCOPE)))).toBe('consent');
    const silently = await browser.get(native.authorizationUrl({ ...SCOPE, prompt: 'none' }));
    expect(answerOf(silently)).toMatchObject({ error: 'interaction_required', iss: server.issuer });
  });

  it.each([{ prompt: 'login' }, { max_age: '0' }])('C14: signs in again for %j', async (parameters) => {
    const browser = await signedIn();
    const visit = await browser.get(web.authorizationUrl({ ...SCOPE, ...parameters }));
    expect(screenOf(visit)).toBe('sign-in');
    const callback = await browser.signIn(visit, ALICE);
    expect(answerOf(callback)).toHaveProperty('code');
  });

  it('C14: signs in again when the sign-in is older than max_age', async () => {
    const browser = await signedIn();
    await ageSessions(120);
    expect(screenOf(await browser.get(web.authorizationUrl({ ...SCOPE, max_age: '60' })))).toBe('sign-in');
    expect(screenOf(await browser.get(web.authorizationUrl({ ...SCOPE, max_age: '600' })))).toBe('client');
  });

  it('C14: signs in again when id_token_hint names somebody else', async () => {
    const { id_token } = await web.obtainTokens(SCOPE, GUEST);
    const browser = await signedIn(ALICE);
    const hinted = { ...SCOPE, id_token_hint: id_token };
    expect(screenOf(await browser.get(web.authorizationUrl(hinted)))).toBe('sign-in');
    const silently = await browser.get(web.authorizationUrl({ ...hinted, prompt: 'none' }));
    expect(answerOf(silently)).toMatchObject({ error: 'login_required' });
  });
});

describe('prompt=none (OpenID Connect Core §3.1.2.6)', () => {
  const silently = { ...SCOPE, prompt: 'none' };

  it('C14: is login_required without a session', async () => {
    const visit = await new UserAgent(server.issuer).get(web.authorizationUrl(silently));
    expect(answerOf(visit)).toMatchObject({ error: 'login_required', state: 'a-state', iss: server.issuer });
    expect(answerOf(visit).error_description).toBe('End-User authentication is required');
  });

  it('is consent_required for what was not consented to', async () => {
    const browser = await signedIn();
    const visit = await browser.get(web.authorizationUrl({ scope: 'openid blobs:write', prompt: 'none' }));
    expect(answerOf(visit)).toMatchObject({ error: 'consent_required', state: 'a-state' });
  });

  it('is a code with session and consent', async () => {
    const browser = await signedIn();
    expect(answerOf(await browser.get(web.authorizationUrl(silently)))).toHaveProperty('code');
  });

  it('is login_required when the account was disabled since', async () => {
    await server.apply({
      accounts: [
        { email: 'gone@example.com', name: 'Gone', password: 'correct-horse-battery-staple', roles: ['user'] },
      ],
    });
    const browser = await signedIn({ email: 'gone@example.com' });
    await server.pool.query(`update accounts set disabled_at = now() where email = 'gone@example.com'`);
    expect(answerOf(await browser.get(web.authorizationUrl(silently)))).toMatchObject({ error: 'login_required' });
    expect(screenOf(await browser.get(web.authorizationUrl(SCOPE)))).toBe('sign-in');
  });
});

describe('who says no', () => {
  it('at the consent page is access_denied for the client', async () => {
    const browser = new UserAgent(server.issuer);
    const consent = await browser.signIn(await browser.get(web.authorizationUrl(SCOPE)), ALICE);
    expect(answerOf(await browser.deny(consent))).toMatchObject({
      error: 'access_denied',
      error_description: 'the account holder denied the request',
      state: 'a-state',
      iss: server.issuer,
    });
  });

  it('at the sign-in page is access_denied for the client', async () => {
    const browser = new UserAgent(server.issuer);
    const signIn = await browser.get(web.authorizationUrl(SCOPE));
    expect(answerOf(await browser.deny(signIn))).toMatchObject({ error: 'access_denied', state: 'a-state' });
  });

  it('has granted nothing: the next request asks again', async () => {
    const browser = new UserAgent(server.issuer);
    await browser.deny(await browser.signIn(await browser.get(web.authorizationUrl(SCOPE)), ALICE));
    expect(screenOf(await browser.get(web.authorizationUrl(SCOPE)))).toBe('consent');
  });
});

describe('a client that disappears on the way', () => {
  it('ends in a page, before and after the sign-in', async () => {
    await server.apply({
      clients: [
        {
          client_id: 'brief',
          client_secret: 's3cret-of-brief',
          redirect_uris: ['http://localhost:3002/brief'],
          scope: 'openid',
        },
      ],
    });
    const brief = createRelyingParty(server.issuer, { clientId: 'brief', redirectUri: 'http://localhost:3002/brief' });
    const browser = new UserAgent(server.issuer);
    const signIn = await browser.get(brief.authorizationUrl({ scope: 'openid' }));
    const consent = await browser.signIn(signIn, ALICE);
    expect(screenOf(consent)).toBe('consent');
    await server.pool.query(`delete from clients where client_id = 'brief'`);
    const lost = await browser.approve(consent);
    expect(lost.status).toBe(400);
    expect(browser.isOurs(lost.url)).toBe(true);
    expect((await send(brief.authorizationUrl())).status).toBe(400);
  });
});

/** Moves the time of every sign-in into the past. */
async function ageSessions(seconds: number) {
  await server.pool.query(
    `update artifacts set payload = jsonb_set(payload::jsonb, '{loginTs}',
      to_jsonb((payload::jsonb->>'loginTs')::bigint - $1::bigint))::text where kind = 'Session'`,
    [seconds],
  );
}
