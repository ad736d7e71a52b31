import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import {
  ALICE,
  createRelyingParty,
  DEMO_SPA,
  DEMO_WEB,
  GUEST,
  introspect,
  type Parameters,
  type RelyingParty,
} from '../../../testing/relying-party.ts';
import { UserAgent, type Visit } from '../../../testing/user-agent.ts';

let server: TestServer;
let web: RelyingParty;
let spa: RelyingParty;
let browser: UserAgent;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
  spa = createRelyingParty(server.issuer, DEMO_SPA);
});
afterAll(() => server.stop());
beforeEach(() => {
  browser = new UserAgent(server.issuer);
});

const open = (parameters: Parameters, rp = web) => browser.get(rp.authorizationUrl({ scope: 'openid', ...parameters }));

type Screen = 'sign-in' | 'consent' | 'client' | 'error';

/** Where the person is now. */
function screenOf(visit: Visit): Screen {
  if (!browser.isOurs(visit.url)) {
    return 'client';
  }
  return (['sign-in', 'consent'] as const).find((form) => visit.html.includes(`data-testid="${form}-form"`)) ?? 'error';
}

function answerOf(visit: Visit): Record<string, string> {
  return Object.fromEntries(new URL(visit.url).searchParams);
}

const signedIn = (person = ALICE) => web.authorize({ scope: 'openid' }, person, browser);

describe('single sign-on', () => {
  it('lets a second client have its code without a password, after its own consent', async () => {
    await signedIn();
    const consent = await open({}, spa);
    expect(screenOf(consent)).toBe('consent');
    const { code, iss } = answerOf(await browser.approve(consent));
    expect(code).toBeTruthy();
    expect(iss).toBe(server.issuer);
  });

  it('asks a client’s consent once, and for what is new later; the tokens of the first consent stay active', async () => {
    const first = await web.obtainTokens({ scope: 'openid records:read' }, ALICE, browser);
    expect(screenOf(await open({ scope: 'openid records:read' }))).toBe('client');
    expect(screenOf(await open({ scope: 'openid records:read records:write' }))).toBe('consent');
    const second = await web.obtainTokens({ scope: 'openid records:read records:write' }, ALICE, browser);
    for (const { access_token, scope } of [first, second]) {
      expect(await introspect(server.issuer, access_token)).toMatchObject({ active: true, scope });
    }
    expect((await web.refresh(first.refresh_token)).status).toBe(200);
  });

  it('gives the same subject and the time of the one sign-in to both clients', async () => {
    const [one, two] = [
      decodeJwt((await web.obtainTokens({ scope: 'openid', max_age: '1000' }, ALICE, browser)).id_token),
      decodeJwt((await spa.obtainTokens({ scope: 'openid', max_age: '1000' }, ALICE, browser)).id_token),
    ];
    expect(two.sub).toBe(one.sub);
    expect(two.auth_time).toBe(one.auth_time);
    expect(two.auth_time).toBeTypeOf('number');
  });

  it('C54: two requests in two tabs, answered one after the other, both reach their client', async () => {
    const tabs = [await open({ state: 'one' }), await open({ state: 'two' }, spa)];
    expect(tabs.map(screenOf)).toEqual(['sign-in', 'sign-in']);
    const consents = [await browser.signIn(tabs[0] as Visit, ALICE), await browser.signIn(tabs[1] as Visit, ALICE)];
    expect(consents.map(screenOf)).toEqual(['consent', 'consent']);
    const ends = [await browser.approve(consents[0] as Visit), await browser.approve(consents[1] as Visit)];
    expect(ends.map((end) => answerOf(end).state)).toEqual(['one', 'two']);
    expect(ends.every((end) => answerOf(end).code)).toBe(true);
  });

  it('C54: two accounts in two tabs: the one who stands on the consent page is the one whose tokens are issued', async () => {
    const alices = await browser.signIn(await open({}), ALICE);
    const [tokens] = [await spa.obtainTokens({ scope: 'openid email', prompt: 'login' }, ALICE, browser)];
    expect(decodeJwt(tokens.id_token).sub).toBeTruthy();
    expect(alices.html).toContain('alice@example.com');
    const end = await browser.approve(alices);
    expect(screenOf(end)).toBe('client');
  });
});

describe('prompt', () => {
  it('C14: none without a session is login_required, with state and iss', async () => {
    expect(answerOf(await open({ prompt: 'none' }))).toEqual({
      error: 'login_required',
      error_description: expect.stringMatching(/\w+ \w+/),
      state: 'a-state',
      iss: server.issuer,
    });
  });

  it('C14: none without consent is consent_required, and the code once there is both', async () => {
    await signedIn();
    expect(answerOf(await open({ prompt: 'none' }, spa)).error).toBe('consent_required');
    expect(answerOf(await open({ prompt: 'none', scope: 'openid email' })).error).toBe('consent_required');
    expect(answerOf(await open({ prompt: 'none' })).code).toBeTruthy();
  });

  it.each(['none login', 'none consent', 'nonsense', 'create', 'LOGIN'])(
    'C14: %j is invalid_request',
    async (prompt) => {
      expect(answerOf(await open({ prompt })).error).toBe('invalid_request');
    },
  );

  it('C14: login asks for the password again, once', async () => {
    await signedIn();
    const visit = await open({ prompt: 'login' });
    expect(screenOf(visit)).toBe('sign-in');
    expect(screenOf(await browser.signIn(visit, ALICE))).toBe('client');
  });

  it('C9: consent asks again for what was granted', async () => {
    await signedIn();
    const visit = await open({ prompt: 'consent' });
    expect(screenOf(visit)).toBe('consent');
    expect(screenOf(await browser.approve(visit))).toBe('client');
  });

  it('C14: login and consent together ask for both', async () => {
    await signedIn();
    const visit = await open({ prompt: 'login consent' });
    expect(screenOf(visit)).toBe('sign-in');
    const consent = await browser.signIn(visit, ALICE);
    expect(screenOf(consent)).toBe('consent');
    expect(screenOf(await browser.approve(consent))).toBe('client');
  });
});

describe('max_age', () => {
  it('C14: 0 asks for the password, a generous one does not', async () => {
    await signedIn();
    await backdateSignIns(5);
    expect(screenOf(await open({ max_age: '3600' }))).toBe('client');
    expect(screenOf(await open({ max_age: '0' }))).toBe('sign-in');
    for (const max_age of ['0', '1']) {
      expect(answerOf(await open({ max_age, prompt: 'none' })).error).toBe('login_required');
    }
  });

  it.each(['3600', '1', '0'])('C14: %s is answered with auth_time in the ID token', async (max_age) => {
    const { id_token } = await web.obtainTokens({ scope: 'openid', max_age }, ALICE, browser);
    expect(decodeJwt(id_token).auth_time).toBeTypeOf('number');
  });

  it.each(['-1', '1e400', 'soon', '1.5', '9'.repeat(100), 'NaN', 'Infinity', '[]'])(
    'C103: %s is invalid_request',
    async (max_age) => {
      expect(answerOf(await open({ max_age })).error).toBe('invalid_request');
    },
  );
});

describe('id_token_hint', () => {
  it('C14: of the person who is signed in changes nothing, of another one asks to sign in', async () => {
    const guests = await web.obtainTokens({ scope: 'openid' }, GUEST);
    const { id_token } = await web.obtainTokens({ scope: 'openid' }, ALICE, browser);
    expect(screenOf(await open({ id_token_hint: id_token, prompt: 'none' }))).toBe('client');
    expect(answerOf(await open({ id_token_hint: guests.id_token, prompt: 'none' })).error).toBe('login_required');
    expect(screenOf(await open({ id_token_hint: guests.id_token }))).toBe('sign-in');
  });

  it('C70: that is forged is invalid_request', async () => {
    const { id_token } = await web.obtainTokens({ scope: 'openid' }, ALICE, browser);
    const [header, payload, signature] = id_token.split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const forgeries = [`${header}.${payload}.AAAA${signature?.slice(4)}`, `${none}.${payload}.`, 'x', '..', 'a.b.c'];
    for (const id_token_hint of forgeries) {
      expect(answerOf(await open({ id_token_hint })).error).toBe('invalid_request');
    }
  });
});

describe('denying', () => {
  it('C55: sends access_denied with state and iss, and grants nothing', async () => {
    const consent = await browser.signIn(await open({}), ALICE);
    expect(answerOf(await browser.deny(consent))).toEqual({
      error: 'access_denied',
      error_description: 'the account holder denied the request',
      state: 'a-state',
      iss: server.issuer,
    });
    expect(screenOf(await open({}))).toBe('consent');
    expect(answerOf(await open({ prompt: 'none' })).error).toBe('consent_required');
  });

  it('C55: what is new leaves what was granted before', async () => {
    const { access_token } = await web.obtainTokens({ scope: 'openid' }, ALICE, browser);
    await browser.deny(await open({ scope: 'openid records:write' }));
    expect(answerOf(await open({ prompt: 'none' })).code).toBeTruthy();
    expect(await introspect(server.issuer, access_token, DEMO_WEB)).toMatchObject({ active: true });
  });
});

/** As if everybody had signed in some seconds ago. */
async function backdateSignIns(seconds: number): Promise<void> {
  await server.pool.query(
    `update artifacts set payload = jsonb_set(payload::jsonb, '{loginTs}', to_jsonb((payload::jsonb->>'loginTs')::int - $1::int))::text
     where kind = 'Session'`,
    [seconds],
  );
}
