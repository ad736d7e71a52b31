/** A code becomes tokens once: RFC 6749 §4.1.2 and §4.1.3, RFC 7636 §4.6, RFC 9700 §2.1.1 and §4.8. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postAtOnce } from '../../../testing/at-once.ts';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import {
  type Answer,
  basicAuth,
  createPkce,
  createRelyingParty,
  DEMO_SPA,
  DEMO_WEB,
  introspect,
  type RelyingParty,
  revoke,
  tokensOf,
} from '../../../testing/relying-party.ts';
import { UserAgent } from '../../../testing/user-agent.ts';

const SEVERAL = { clientId: 'several', redirectUri: 'http://localhost:3002/a', secret: 'the-secret-of-several' };

let server: TestServer;
let web: RelyingParty;
let spa: RelyingParty;
let several: RelyingParty;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
  spa = createRelyingParty(server.issuer, DEMO_SPA);
  several = createRelyingParty(server.issuer, SEVERAL);
  await server.apply({
    clients: [
      {
        client_id: SEVERAL.clientId,
        client_secret: SEVERAL.secret,
        redirect_uris: [SEVERAL.redirectUri, 'http://localhost:3002/b'],
        scope: 'openid',
        default_scope: 'openid',
      },
    ],
  });
});
afterAll(() => server.stop());

function expectRefusal(answer: Answer, error: string, words: RegExp | string) {
  expect(answer.body, answer.text).toMatchObject({ error, error_description: expect.stringMatching(words) });
  expect(answer.status).toBe(400);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.headers.get('pragma')).toBe('no-cache');
  expect(Object.keys(answer.body).sort()).toEqual(['error', 'error_description']);
}

async function expectDead(tokens: { access_token: string; refresh_token: string }) {
  expect(await introspect(server.issuer, tokens.access_token)).toEqual({ active: false });
  expect(await introspect(server.issuer, tokens.refresh_token, DEMO_WEB)).toEqual({ active: false });
  expectRefusal(await web.refresh(tokens.refresh_token), 'invalid_grant', /revoked|withdrawn/);
}

describe('a code is used once', () => {
  it('C20: exactly one of 50 parallel redemptions over two nodes wins, and what it got is revoked', async () => {
    const other = await server.addNode();
    const { code, verifier } = await web.authorize();
    const answers = await postAtOnce(
      Array.from({ length: 50 }, (_, index) => new URL('/token', index % 2 ? other : server.issuer).href),
      { grant_type: 'authorization_code', code, redirect_uri: DEMO_WEB.redirectUri, code_verifier: verifier },
      { authorization: basicAuth(DEMO_WEB.clientId, DEMO_WEB.secret) },
    );
    const [winner, ...more] = answers.filter(({ status }) => status === 200);
    expect(more).toEqual([]);
    for (const loser of answers.filter((answer) => answer !== winner)) {
      expectRefusal(loser, 'invalid_grant', /used already|not known|withdrawn/);
    }
    await expectDead(tokensOf(winner as Answer));
  });

  it('C23: a second use is refused, and ends the tokens of the first (RFC 6749 §4.1.2)', async () => {
    const authorization = await web.authorize();
    const tokens = tokensOf(await web.exchange(authorization));
    const rotated = tokensOf(await web.refresh(tokens.refresh_token));
    expect(await introspect(server.issuer, rotated.access_token)).toMatchObject({ active: true });
    expectRefusal(await web.exchange(authorization), 'invalid_grant', 'used already');
    await expectDead(tokens);
    await expectDead(rotated);
  });

  it('C23: after that the person is asked for consent again, and everything works', async () => {
    const browser = new UserAgent(server.issuer);
    const authorization = await web.authorize({}, undefined, browser);
    await web.exchange(authorization);
    await web.exchange(authorization);
    const again = await browser.get(web.authorizationUrl());
    expect(again.html).toContain('/consent"');
    expect(await web.obtainTokens({}, undefined, browser)).toHaveProperty('access_token');
  });

  it('C24: a code has 256 random bits and lives for 60 seconds at most', async () => {
    const codes = [await web.authorize(), await web.authorize()].map(({ code }) => code);
    expect(codes.map((code) => Buffer.from(code, 'base64url').length)).toEqual([32, 32]);
    expect(new Set(codes).size).toBe(2);
    const { rows } = await server.pool.query(
      `select max((payload::json->>'exp')::int - (payload::json->>'iat')::int) as seconds from tokens where kind = 'AuthorizationCode'`,
    );
    expect(rows[0].seconds).toBeGreaterThan(0);
    expect(rows[0].seconds).toBeLessThanOrEqual(60);
  });

  it('C24: an expired code is refused', async () => {
    const authorization = await web.authorize();
    await age('AuthorizationCode', 61);
    expectRefusal(await web.exchange(authorization), 'invalid_grant', 'the authorization code has expired');
  });
});

describe('a code is bound to its request', () => {
  it('C21: another client gets nothing for it, and its own client still does', async () => {
    const authorization = await web.authorize();
    expectRefusal(
      await several.exchange(authorization, { redirect_uri: DEMO_WEB.redirectUri }),
      'invalid_grant',
      'belongs to another client',
    );
    expectRefusal(
      await spa.exchange(authorization, { redirect_uri: DEMO_WEB.redirectUri }),
      'invalid_grant',
      'belongs to another client',
    );
    expect((await web.exchange(authorization)).status).toBe(200);
  });

  it.each([
    ['C22: another redirect_uri', { redirect_uri: 'http://localhost:3002/b' }, 'invalid_grant', 'redirect_uri'],
    ['C22: a redirect_uri of nobody', { redirect_uri: 'https://evil.example' }, 'invalid_grant', 'redirect_uri'],
    ['C22: no redirect_uri', { redirect_uri: undefined }, 'invalid_request', 'redirect_uri'],
    ['C17: no code_verifier', { code_verifier: undefined }, 'invalid_grant', 'code_verifier is missing'],
    ['C17: an empty code_verifier', { code_verifier: '' }, 'invalid_grant', 'code_verifier is missing'],
    ['C17: another code_verifier', { code_verifier: createPkce().verifier }, 'invalid_grant', 'does not match'],
    ['C17: the start of a code_verifier', { code_verifier: 'short' }, 'invalid_request', 'minimum length of 43'],
    ['C17: a code_verifier of 129 characters', { code_verifier: 'x'.repeat(129) }, 'invalid_request', 'maximum length'],
    ['C17: a code_verifier of 40 kB', { code_verifier: 'x'.repeat(40_000) }, 'invalid_request', 'is longer than'],
    ['C17: a code_verifier with NUL', { code_verifier: `${'x'.repeat(43)}\0` }, 'invalid_request', 'characters'],
  ])('%s is refused, and the code still works', async (_name, parameters, error, words) => {
    const authorization = await several.authorize();
    expectRefusal(await several.exchange(authorization, parameters), error, words);
    expect((await several.exchange(authorization)).status).toBe(200);
  });

  it('C17: the challenge itself is not the verifier (no method plain)', async () => {
    const { code, verifier } = await web.authorize();
    const { challenge } = createPkce(verifier);
    expectRefusal(await web.exchange({ code, verifier: challenge }), 'invalid_grant', 'does not match');
  });

  it('C18: a code_verifier without a code_challenge is refused: PKCE was taken out of the request', async () => {
    const without = { code_challenge: undefined, code_challenge_method: undefined };
    const authorization = await web.authorize(without);
    expectRefusal(await web.exchange(authorization), 'invalid_grant', 'no code_challenge');
    expect((await web.exchange(authorization, { code_verifier: undefined })).status).toBe(200);
  });

  it('brings no refresh token for a client without that grant', async () => {
    expect(await several.obtainTokens()).not.toHaveProperty('refresh_token');
  });

  it('may leave redirect_uri out in both requests when one is registered (RFC 6749 §3.1.2.3)', async () => {
    const omitted = { redirect_uri: undefined };
    expect((await web.exchange(await web.authorize(omitted), omitted)).status).toBe(200);
  });
});

describe('a code of somebody who is gone', () => {
  it('is refused when the account was disabled', async () => {
    const email = 'leaver@example.com';
    await server.apply({
      accounts: [{ email, name: 'Leaver', password: 'correct-horse-battery-staple', roles: ['user'] }],
    });
    const authorization = await web.authorize({}, { email });
    await server.pool.query('update accounts set disabled_at = now() where email = $1', [email]);
    expectRefusal(await web.exchange(authorization), 'invalid_grant', 'account .* can no longer be used');
  });

  it('is refused when the session ended: nobody asked for offline access', async () => {
    const authorization = await web.authorize();
    await server.pool.query(`delete from artifacts where kind = 'Session'`);
    expectRefusal(await web.exchange(authorization), 'invalid_grant', 'has ended');
  });

  it('is refused when the consent was withdrawn', async () => {
    const authorization = await web.authorize();
    await server.pool.query(`delete from artifacts where kind = 'Grant'`);
    expectRefusal(await web.exchange(authorization), 'invalid_grant', 'withdrawn');
  });

  it('is refused when the refresh token of an earlier code was revoked: one grant, one family', async () => {
    const browser = new UserAgent(server.issuer);
    const earlier = await web.obtainTokens({}, undefined, browser);
    const authorization = await web.authorize({}, undefined, browser);
    expect((await revoke(server.issuer, earlier.refresh_token, DEMO_WEB)).status).toBe(200);
    expect((await web.exchange(authorization)).body).toMatchObject({ error: 'invalid_grant' });
  });
});

/** Lets time pass for every token of this kind. */
async function age(kind: string, seconds: number) {
  await server.pool.query(
    `update tokens set payload = jsonb_set(payload::jsonb, '{exp}', to_jsonb((payload::jsonb->>'exp')::bigint - $2::bigint))::text
      where kind = $1`,
    [kind, seconds],
  );
}
