import * as openidClient from 'openid-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { postAtOnce } from '../../../testing/at-once.ts';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import {
  ALICE,
  type Answer,
  basicAuth,
  createRelyingParty,
  DEMO_WEB,
  GUEST,
  introspect,
  type Parameters,
  postForm,
  type RelyingParty,
  tokensOf,
} from '../../../testing/relying-party.ts';
import { UserAgent, type Visit } from '../../../testing/user-agent.ts';

const GRANT = 'urn:openid:params:grant-type:ciba';
const BANK = { clientId: 'bank', secret: 'a-secret-of-the-bank-that-is-long' };
const REGISTRATION = {
  client_id: BANK.clientId,
  client_secret: BANK.secret,
  client_name: 'Bank',
  grant_types: [GRANT, 'refresh_token'],
  backchannel_token_delivery_mode: 'poll',
  scope: 'openid profile offline_access records:read records:write',
};

let server: TestServer;
let bank: RelyingParty;
let browser: UserAgent;
beforeAll(async () => {
  server = await startTestServer();
  await server.apply({ clients: [REGISTRATION, { ...REGISTRATION, client_id: 'shop', client_name: 'Shop' }] });
  bank = createRelyingParty(server.issuer, BANK);
});
afterAll(() => server.stop());
beforeEach(async () => {
  browser = new UserAgent(server.issuer);
  await server.pool.query('delete from rate_limits');
  await server.pool.query(`delete from artifacts where kind = 'BackchannelAuthenticationRequest'`);
});

function request(parameters: Parameters = {}, client: typeof BANK = BANK): Promise<Answer> {
  const defaults = { scope: 'openid records:read', login_hint: ALICE.email };
  return postForm(server.url('/backchannel'), { ...defaults, ...parameters }, client);
}

async function ask(parameters: Parameters = {}): Promise<string> {
  const { status, body } = await request(parameters);
  expect([status, body.error]).toEqual([200, undefined]);
  return String(body.auth_req_id);
}

const poll = (auth_req_id: string, rp = bank) => rp.requestToken({ grant_type: GRANT, auth_req_id });

/** Signs in where that is asked, and shows what waits. */
async function open(person = ALICE, visitor = browser): Promise<Visit> {
  const page = await visitor.get('/requests');
  const request = page.html.match(/name="request" value="([^"]*)"/)?.[1];
  const password = 'correct-horse-battery-staple';
  return request === undefined ? page : visitor.post('/requests/sign-in', { email: person.email, password, request });
}

const actions = ({ html }: Visit, answer: 'allow' | 'deny') =>
  [...html.matchAll(new RegExp(`action="([^"]*/requests/[^"]*/${answer})"`, 'g'))].map(([, action]) => String(action));

const said = ({ html }: Visit, testId: string) =>
  [...html.matchAll(new RegExp(`data-testid="${testId}"[^>]*>([^<]*)`, 'g'))].map(([, text]) => text?.trim());

async function answer(what: 'allow' | 'deny', person = ALICE, visitor = browser): Promise<Visit> {
  const [action] = actions(await open(person, visitor), what);
  return visitor.post(action ?? 'there is nothing to answer', {});
}

describe('the backchannel authentication request', () => {
  it('is answered with what CIBA §7.3 names', async () => {
    const { status, headers, body } = await request();
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(body).toEqual({ auth_req_id: expect.stringMatching(/^[\w-]{43,}$/), expires_in: 600, interval: 5 });
  });

  it.each([
    ['for as long as the client wants', '120', 120],
    ['for an hour at most', '86400', 3600],
  ])('is kept %s', async (_, requested_expiry, expires_in) => {
    expect((await request({ requested_expiry })).body.expires_in).toBe(expires_in);
  });

  it('names a person by email, however it is written, or by an ID token', async () => {
    await ask({ login_hint: ' Alice@EXAMPLE.com ' });
    const auth_req_id = await ask();
    await answer('allow');
    await answer('allow');
    const { id_token } = tokensOf(await poll(auth_req_id));
    expect((await request({ login_hint: undefined, id_token_hint: id_token })).status).toBe(200);
  });

  it('of nobody, of somebody disabled and of nonsense are all refused in the same words', async () => {
    await server.pool.query('update accounts set disabled_at = now() where email = $1', [GUEST.email]);
    const hints = ['nobody@example.com', GUEST.email, 'nonsense', '\u00e9@'];
    const answers = await Promise.all(hints.map((login_hint) => request({ login_hint })));
    await server.pool.query('update accounts set disabled_at = null where email = $1', [GUEST.email]);
    const bodies = new Set(answers.map(({ status, text }) => `${status} ${text}`));
    expect([...bodies]).toEqual([expect.stringMatching(/^400 .*unknown_user_id/)]);
  });

  it.each([
    ['no person', { login_hint: undefined }, 'invalid_request'],
    ['two persons', { id_token_hint: 'a.b.c' }, 'invalid_request'],
    ['a login_hint_token', { login_hint: undefined, login_hint_token: 'a.b.c' }, 'invalid_request'],
    ['an ID token of nobody', { login_hint: undefined, id_token_hint: 'a.b.c' }, 'invalid_request'],
    ['no scope', { scope: undefined }, 'invalid_request'],
    ['a scope without openid', { scope: 'records:read' }, 'invalid_request'],
    ['a scope that it may not have', { scope: 'blobs:write' }, 'invalid_request'],
    ['a message that is too long', { binding_message: 'x'.repeat(65) }, 'invalid_binding_message'],
    ['a message with a link', { binding_message: 'https://example.com' }, 'invalid_binding_message'],
    ['a message of nothing', { binding_message: '   ' }, 'invalid_binding_message'],
    ['a message with markup', { binding_message: '<b>hello</b>' }, 'invalid_binding_message'],
    ['an expiry of nothing', { requested_expiry: '0' }, 'invalid_request'],
    ['an expiry of words', { requested_expiry: 'soon' }, 'invalid_request'],
  ])('with %s is refused', async (_, parameters, error) => {
    const { status, body } = await request(parameters as Parameters);
    expect([status, body.error]).toEqual([400, error]);
  });

  it('comes from a client that is registered for it and proves who it is', async () => {
    expect((await request({}, DEMO_WEB)).body.error).toBe('unauthorized_client');
    expect((await request({}, { ...BANK, secret: 'wrong' })).body.error).toBe('invalid_client');
  });

  it('cannot be repeated until somebody gives in, and others may still ask', async () => {
    for (let n = 0; n < 10; n += 1) {
      await ask();
    }
    const { status, body } = await request();
    expect([status, body.error]).toEqual([403, 'access_denied']);
    expect((await request({ login_hint: GUEST.email })).status).toBe(200);
    expect((await request({}, { ...BANK, clientId: 'shop' })).status).toBe(200);
  });
});

describe('a registration', () => {
  it.each([
    ['of a public client', { token_endpoint_auth_method: 'none', client_secret: undefined }, 'public client'],
    ['without a delivery mode', { backchannel_token_delivery_mode: undefined }, 'backchannel_token_delivery_mode'],
    ['for pings to nowhere', { backchannel_token_delivery_mode: 'ping' }, 'backchannel_client_notification_endpoint'],
    ['without openid', { scope: 'records:read' }, 'openid'],
    ['with user codes', { backchannel_user_code_parameter: true }, 'user codes'],
  ])('%s is refused', async (_, metadata, words) => {
    const clients = [JSON.parse(JSON.stringify({ ...REGISTRATION, client_id: 'broken', ...metadata }))];
    await expect(server.apply({ clients })).rejects.toThrow(words);
  });
});

describe('a request that was allowed', () => {
  it('gives tokens, through openid-client', async () => {
    const configuration = await bank.discover();
    const parameters = { scope: 'openid records:read', login_hint: ALICE.email, binding_message: 'W4SCT' };
    const asked = await openidClient.initiateBackchannelAuthentication(configuration, parameters);
    await answer('allow');
    const tokens = await openidClient.pollBackchannelAuthenticationGrant(configuration, { ...asked, interval: 0 });
    expect(tokens.claims()).toMatchObject({ aud: 'bank', sub: expect.any(String) });
    expect(await introspect(server.issuer, tokens.access_token)).toMatchObject({
      active: true,
      username: ALICE.email,
      scope: 'openid records:read',
    });
    expect((await openidClient.refreshTokenGrant(configuration, tokens.refresh_token ?? '')).access_token).toBeTruthy();
  });

  it('C20: gives them once, of 20 polls at once at two nodes, and they stay good', async () => {
    const auth_req_id = await ask();
    await answer('allow');
    const nodes = [server.issuer, await server.addNode()];
    const urls = Array.from({ length: 20 }, (_, n) => new URL('/token', nodes[n % 2]).href);
    const headers = { authorization: basicAuth(BANK.clientId, BANK.secret) };
    const answers = await postAtOnce(urls, { grant_type: GRANT, auth_req_id }, headers);
    const won = answers.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    expect(answers.filter(({ body }) => body.error === 'invalid_grant')).toHaveLength(19);
    expect((await introspect(server.issuer, tokensOf(won[0] as Answer).access_token)).active).toBe(true);
  });

  it('gives no more than the roles of the account permit', async () => {
    const auth_req_id = await ask({ login_hint: GUEST.email, scope: 'openid records:read records:write' });
    const page = await open(GUEST);
    expect([...page.html.matchAll(/data-scope="([^"]*)"/g)].map(([, scope]) => scope)).toEqual([
      'openid',
      'records:read',
    ]);
    await answer('allow', GUEST);
    expect(tokensOf(await poll(auth_req_id)).scope).toBe('openid records:read');
  });

  it('is over with that: no other answer counts', async () => {
    const auth_req_id = await ask();
    const page = await open();
    await browser.post(actions(page, 'allow')[0] ?? '', {});
    const after = await browser.post(actions(page, 'deny')[0] ?? '', {});
    expect(said(after, 'requests-said')).toEqual([expect.stringContaining('answered already')]);
    expect((await poll(auth_req_id)).status).toBe(200);
  });

  it('and denied, ten times at once at two nodes, gets one answer', async () => {
    const auth_req_id = await ask();
    const page = await open();
    const nodes = [server.issuer, await server.addNode()];
    const both = [...actions(page, 'allow'), ...actions(page, 'deny')];
    const answers = Array.from({ length: 10 }, (_, n) => {
      const visitor = browser.clone();
      visitor.node = nodes[n % 2] ?? server.issuer;
      return visitor.post(both[Math.floor(n / 2) % 2] ?? '', {});
    });
    const outcomes = (await Promise.all(answers)).flatMap((one) => said(one, 'requests-said'));
    expect(outcomes.filter((one) => one?.includes('answered already'))).toHaveLength(9);
    const denied = outcomes.some((one) => one?.startsWith('Denied'));
    expect((await poll(auth_req_id)).body.error).toBe(denied ? 'access_denied' : undefined);
  });
});

describe('polling', () => {
  it('is told to wait, and to slow down when it does not', async () => {
    const auth_req_id = await ask();
    expect((await poll(auth_req_id)).body.error).toBe('authorization_pending');
    expect((await poll(auth_req_id)).body.error).toBe('slow_down');
    await answer('deny');
    expect((await poll(auth_req_id)).body).toEqual({
      error: 'access_denied',
      error_description: 'the account holder denied the request',
    });
  });

  it('is of no use to another client', async () => {
    const auth_req_id = await ask();
    await answer('allow');
    const shop = createRelyingParty(server.issuer, { ...BANK, clientId: 'shop' });
    expect((await poll(auth_req_id, shop)).body.error).toBe('invalid_grant');
    expect((await poll('nonsense')).body.error).toBe('invalid_grant');
    expect((await poll(auth_req_id)).status).toBe(200);
  });

  it('learns that the request is over', async () => {
    const auth_req_id = await ask();
    const { rows } = await server.pool.query(`select key, payload from artifacts where kind like 'Backchannel%'`);
    const over = JSON.stringify({ ...JSON.parse(rows[0].payload), exp: 1 });
    await server.pool.query('update artifacts set payload = $2 where key = $1', [rows[0].key, over]);
    expect((await poll(auth_req_id)).body.error).toBe('expired_token');
    expect(actions(await open(), 'allow')).toEqual([]);
  });
});

describe('the page of requests', () => {
  it('shows who asks for what, and the message to compare', async () => {
    await ask({ binding_message: 'Paiement № 7' }).catch(() => undefined);
    await ask({ binding_message: 'Überweisung 1234' });
    const page = await open();
    expect(said(page, 'request-client')).toEqual(['Bank']);
    expect(said(page, 'request-message')).toEqual(['Überweisung 1234']);
    expect(page.html).toContain('See your records');
  });

  it('shows nobody what others are asked, and lets nobody answer it', async () => {
    const auth_req_id = await ask();
    const [allow = ''] = actions(await open(), 'allow');
    const guest = new UserAgent(server.issuer);
    expect(actions(await open(GUEST, guest), 'allow')).toEqual([]);
    expect(said(await guest.post(allow, {}), 'requests-said')).toEqual([expect.stringContaining('is over')]);
    const stranger = await new UserAgent(server.issuer).post(allow, {});
    expect(stranger.html).toContain('data-testid="sign-in-form"');
    expect((await poll(auth_req_id)).body.error).toBe('authorization_pending');
  });

  it('takes no answer that another site lets the browser send', async () => {
    const auth_req_id = await ask();
    const [allow = ''] = actions(await open(), 'allow');
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }]) {
      expect((await browser.post(allow, {}, headers)).status).toBe(403);
    }
    expect((await poll(auth_req_id)).body.error).toBe('authorization_pending');
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
    expect([refused.status, said(refused, 'sign-in-problem')]).toEqual([401, [expect.stringContaining('don’t match')]]);
    expect(said(await open(), 'requests-account')).toHaveLength(1);
    const cookies = [...browser.cookies.keys()];
    expect(cookies).toContain('/ session');
    // The same session serves a client.
    const web = createRelyingParty(server.issuer, DEMO_WEB);
    expect((await browser.get(web.authorizationUrl({ scope: 'openid' }))).html).not.toContain('sign-in-form');
  });

  it('ends with a sign-out, and with the account', async () => {
    await ask();
    await open();
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
    const { headers } = await open();
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('cache-control')).toBe('no-store');
    const wrong = await browser.get('/requests/abc/allow');
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST']);
  });
});
