import * as openidClient from 'openid-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { postAtOnce } from '../../../testing/at-once.ts';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import {
  actionsOf,
  answerRequest,
  BANK,
  BANK_REGISTRATION,
  type Bank,
  CIBA_GRANT,
  createBank,
  openRequests,
  saidAt,
} from '../../../testing/bank.ts';
import { mailsTo, readMailbox } from '../../../testing/mailbox.ts';
import {
  ALICE,
  type Answer,
  basicAuth,
  DEMO_WEB,
  GUEST,
  introspect,
  type Parameters,
  tokensOf,
} from '../../../testing/relying-party.ts';
import { UserAgent } from '../../../testing/user-agent.ts';

const SHOP = { ...BANK, clientId: 'shop' };

let server: TestServer;
let bank: Bank;
let browser: UserAgent;
beforeAll(async () => {
  server = await startTestServer();
  await server.apply({
    clients: [BANK_REGISTRATION, { ...BANK_REGISTRATION, client_id: 'shop', client_name: 'Shop' }],
  });
  bank = createBank(server);
});
afterAll(() => server.stop());
beforeEach(async () => {
  browser = new UserAgent(server.issuer);
  await server.pool.query('delete from rate_limits');
  await server.pool.query(`delete from artifacts where kind = 'BackchannelAuthenticationRequest'`);
});

describe('the backchannel authentication request', () => {
  it('is answered with what CIBA §7.3 names', async () => {
    const { status, headers, body } = await bank.request();
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(body).toEqual({ auth_req_id: expect.stringMatching(/^[\w-]{43,}$/), expires_in: 600, interval: 5 });
  });

  it.each([
    ['for as long as the client wants', '120', 120],
    ['for an hour at most', '86400', 3600],
  ])('is kept %s', async (_, requested_expiry, expires_in) => {
    expect((await bank.request({ requested_expiry })).body.expires_in).toBe(expires_in);
  });

  it('is told to the person by mail, so often and no more, where their address is known to be theirs', async () => {
    await server.pool.query('delete from outbox');
    await Promise.all(Array.from({ length: 5 }, () => bank.ask()));
    const mails = await mailsTo(server.issuer, ALICE.email, 3);
    expect(mails).toHaveLength(3);
    expect(mails[0]).toMatchObject({ subject: 'Bank waits for your answer', links: [`${server.issuer}/requests`] });
    await server.pool.query('update accounts set email_verified = false where email = $1', [GUEST.email]);
    await bank.ask({ login_hint: GUEST.email });
    await server.pool.query('update accounts set email_verified = true where email = $1', [GUEST.email]);
    expect((await readMailbox(server.issuer)).filter(({ to }) => to === GUEST.email)).toEqual([]);
  });

  it('names a person by email, however it is written, or by an ID token', async () => {
    await bank.ask({ login_hint: ' Alice@EXAMPLE.com ' });
    const auth_req_id = await bank.ask();
    await answerRequest(browser, 'allow');
    await answerRequest(browser, 'allow');
    const { id_token } = tokensOf(await bank.poll(auth_req_id));
    expect((await bank.request({ login_hint: undefined, id_token_hint: id_token })).status).toBe(200);
  });

  it('of nobody, of somebody disabled and of nonsense are all refused in the same words', async () => {
    await server.pool.query('update accounts set disabled_at = now() where email = $1', [GUEST.email]);
    const hints = ['nobody@example.com', GUEST.email, 'nonsense', '\u00e9@'];
    const answers = await Promise.all(hints.map((login_hint) => bank.request({ login_hint })));
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
    const { status, body } = await bank.request(parameters as Parameters);
    expect([status, body.error]).toEqual([400, error]);
  });

  it('comes from a client that is registered for it and proves who it is', async () => {
    expect((await createBank(server, DEMO_WEB).request()).body.error).toBe('unauthorized_client');
    expect((await createBank(server, { ...BANK, secret: 'wrong' }).request()).body.error).toBe('invalid_client');
  });

  it('cannot be repeated until somebody gives in, and others may still ask', async () => {
    for (let n = 0; n < 10; n += 1) {
      await bank.ask();
    }
    const { status, body } = await bank.request();
    expect([status, body.error]).toEqual([403, 'access_denied']);
    expect((await bank.request({ login_hint: GUEST.email })).status).toBe(200);
    expect((await createBank(server, SHOP).request()).status).toBe(200);
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
    const clients = [JSON.parse(JSON.stringify({ ...BANK_REGISTRATION, client_id: 'broken', ...metadata }))];
    await expect(server.apply({ clients })).rejects.toThrow(words);
  });
});

describe('a request that was allowed', () => {
  it('gives tokens, through openid-client', async () => {
    const configuration = await bank.rp.discover();
    const parameters = { scope: 'openid records:read', login_hint: ALICE.email, binding_message: 'W4SCT' };
    const asked = await openidClient.initiateBackchannelAuthentication(configuration, parameters);
    await answerRequest(browser, 'allow');
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
    const auth_req_id = await bank.ask();
    await answerRequest(browser, 'allow');
    const nodes = [server.issuer, await server.addNode()];
    const urls = Array.from({ length: 20 }, (_, n) => new URL('/token', nodes[n % 2]).href);
    const headers = { authorization: basicAuth(BANK.clientId, BANK.secret) };
    const answers = await postAtOnce(urls, { grant_type: CIBA_GRANT, auth_req_id }, headers);
    const won = answers.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    expect(answers.filter(({ body }) => body.error === 'invalid_grant')).toHaveLength(19);
    expect((await introspect(server.issuer, tokensOf(won[0] as Answer).access_token)).active).toBe(true);
  });

  it('gives no more than the roles of the account permit', async () => {
    const auth_req_id = await bank.ask({ login_hint: GUEST.email, scope: 'openid records:read records:write' });
    const page = await openRequests(browser, GUEST);
    expect([...page.html.matchAll(/data-scope="([^"]*)"/g)].map(([, scope]) => scope)).toEqual([
      'openid',
      'records:read',
    ]);
    await answerRequest(browser, 'allow', GUEST);
    expect(tokensOf(await bank.poll(auth_req_id)).scope).toBe('openid records:read');
  });

  it('is over with that: no other answer counts', async () => {
    const auth_req_id = await bank.ask();
    const page = await openRequests(browser);
    await browser.post(actionsOf(page, 'allow')[0] ?? '', {});
    const after = await browser.post(actionsOf(page, 'deny')[0] ?? '', {});
    expect(saidAt(after, 'requests-said')).toEqual([expect.stringContaining('answered already')]);
    expect((await bank.poll(auth_req_id)).status).toBe(200);
  });

  it('and denied, ten times at once at two nodes, gets one answer', async () => {
    const auth_req_id = await bank.ask();
    const page = await openRequests(browser);
    const nodes = [server.issuer, await server.addNode()];
    const both = [...actionsOf(page, 'allow'), ...actionsOf(page, 'deny')];
    const answers = Array.from({ length: 10 }, (_, n) => {
      const visitor = browser.clone();
      visitor.node = nodes[n % 2] ?? server.issuer;
      return visitor.post(both[Math.floor(n / 2) % 2] ?? '', {});
    });
    const outcomes = (await Promise.all(answers)).flatMap((one) => saidAt(one, 'requests-said'));
    expect(outcomes.filter((one) => one?.includes('answered already'))).toHaveLength(9);
    const denied = outcomes.some((one) => one?.startsWith('Denied'));
    expect((await bank.poll(auth_req_id)).body.error).toBe(denied ? 'access_denied' : undefined);
  });
});

describe('polling', () => {
  it('is told to wait, and to slow down when it does not', async () => {
    const auth_req_id = await bank.ask();
    expect((await bank.poll(auth_req_id)).body.error).toBe('authorization_pending');
    expect((await bank.poll(auth_req_id)).body.error).toBe('slow_down');
    await answerRequest(browser, 'deny');
    expect((await bank.poll(auth_req_id)).body).toEqual({
      error: 'access_denied',
      error_description: 'the account holder denied the request',
    });
  });

  it('is of no use to another client', async () => {
    const auth_req_id = await bank.ask();
    await answerRequest(browser, 'allow');
    expect((await createBank(server, SHOP).poll(auth_req_id)).body.error).toBe('invalid_grant');
    expect((await bank.poll('nonsense')).body.error).toBe('invalid_grant');
    expect((await bank.poll(auth_req_id)).status).toBe(200);
  });

  it('learns that the request is over', async () => {
    const auth_req_id = await bank.ask();
    const { rows } = await server.pool.query(`select key, payload from artifacts where kind like 'Backchannel%'`);
    const over = JSON.stringify({ ...JSON.parse(rows[0].payload), exp: 1 });
    await server.pool.query('update artifacts set payload = $2 where key = $1', [rows[0].key, over]);
    expect((await bank.poll(auth_req_id)).body.error).toBe('expired_token');
    expect(actionsOf(await openRequests(browser), 'allow')).toEqual([]);
  });
});
