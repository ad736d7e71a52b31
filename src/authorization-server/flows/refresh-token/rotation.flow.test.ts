/** Without any grace a refresh token is used once, and a second use ends its family: RFC 9700 §4.14.2, storage/rotation.ts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { isActive, letPass, refreshFiftyTimes } from '../../../testing/refreshing.ts';
import {
  createRelyingParty,
  DEMO_SPA,
  DEMO_WEB,
  type RelyingParty,
  revoke,
  type TokenSet,
  tokensOf,
} from '../../../testing/relying-party.ts';
import { UserAgent } from '../../../testing/user-agent.ts';

let server: TestServer;
let web: RelyingParty;
let other: string;
beforeAll(async () => {
  server = await startTestServer({
    config: (config) => ({ ...config, lifetimes: { ...config.lifetimes, refreshGrace: 0 } }),
  });
  web = createRelyingParty(server.issuer, DEMO_WEB);
  other = await server.addNode();
});
afterAll(() => server.stop());

const SCOPE = { scope: 'openid offline_access records:read', prompt: 'consent' };
const REFUSED = { status: 400, body: { error: 'invalid_grant' } };

/** Neither token is worth anything anywhere any more. */
async function expectDead(tokens: TokenSet, node?: string) {
  expect(await isActive(server.issuer, tokens.access_token)).toBe(false);
  expect(await isActive(server.issuer, tokens.refresh_token)).toBe(false);
  expect(await web.refresh(tokens.refresh_token, {}, node)).toMatchObject(REFUSED);
}

describe('one refresh token, used many times at once', () => {
  it('C26: exactly one of 50 gets tokens, and these are the only ones alive afterwards', async () => {
    await server.pool.query(`delete from tokens where kind = 'RefreshToken'`);
    const tokens = await web.obtainTokens(SCOPE);
    const answers = await refreshFiftyTimes([server.issuer, other], tokens.refresh_token);
    const winners = answers.filter(({ status }) => status === 200);
    expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
    expect(winners).toHaveLength(1);
    for (const loser of answers.filter((answer) => !winners.includes(answer))) {
      expect(loser).toMatchObject(REFUSED);
      expect(loser.body.error_description).toBe('the refresh token was used already, and works only once');
    }
    const won = tokensOf(winners[0] as (typeof answers)[0]);
    expect(await isActive(server.issuer, won.access_token)).toBe(true);
    expect(await isActive(server.issuer, won.refresh_token)).toBe(true);
    expect(await isActive(server.issuer, tokens.refresh_token)).toBe(false);
    expect(await unusedRefreshTokens()).toBe(1);
  });

  it('C27: the losers of such a race do not end the family', async () => {
    const tokens = await web.obtainTokens(SCOPE);
    const answers = await refreshFiftyTimes([server.issuer, other], tokens.refresh_token);
    const won = tokensOf(answers.find(({ status }) => status === 200) as (typeof answers)[0]);
    const next = tokensOf(await web.refresh(won.refresh_token, {}, other));
    expect(await isActive(server.issuer, next.access_token)).toBe(true);
  });

  it('C27: one that comes after the answer does, however many there were', async () => {
    const tokens = await web.obtainTokens(SCOPE);
    const answers = await refreshFiftyTimes([server.issuer, other], tokens.refresh_token);
    const won = tokensOf(answers.find(({ status }) => status === 200) as (typeof answers)[0]);
    await letPass(server.pool);
    expect(await web.refresh(tokens.refresh_token)).toMatchObject(REFUSED);
    await expectDead(won);
  });

  async function unusedRefreshTokens() {
    const { rows } = await server.pool.query(
      `select count(*)::int as count from tokens where kind = 'RefreshToken' and consumed_at is null`,
    );
    return rows[0].count;
  }
});

describe('a refresh token that was replaced', () => {
  it.each([
    ['web', DEMO_WEB],
    ['single-page', DEMO_SPA],
  ])('C28: ends the whole family of a %s client when it comes again', async (_name, client) => {
    const party = createRelyingParty(server.issuer, client);
    const first = await party.obtainTokens(SCOPE);
    const second = tokensOf(await party.refresh(first.refresh_token));
    const third = tokensOf(await party.refresh(second.refresh_token));
    await letPass(server.pool);
    const replay = await party.refresh(first.refresh_token, {}, other);
    expect(replay).toMatchObject(REFUSED);
    expect(replay.body.error_description).toBe('the refresh token was used already, and works only once');
    for (const tokens of [first, second, third]) {
      expect(await isActive(server.issuer, tokens.access_token)).toBe(false);
      expect(await party.refresh(tokens.refresh_token)).toMatchObject(REFUSED);
    }
  });

  it('C28: ends the grant, so that the person is asked again', async () => {
    const browser = new UserAgent(server.issuer);
    const first = await web.obtainTokens(SCOPE, undefined, browser);
    await web.refresh(first.refresh_token);
    await letPass(server.pool);
    await web.refresh(first.refresh_token);
    const visit = await browser.get(web.authorizationUrl({ scope: 'records:read' }));
    expect(visit.html).toContain('/consent"');
  });

  it('C28: does not end the tokens of another account or client', async () => {
    const bystanders = [
      await web.obtainTokens(SCOPE, { email: 'admin@example.com' }),
      await createRelyingParty(server.issuer, DEMO_SPA).obtainTokens(SCOPE),
    ];
    const first = await web.obtainTokens(SCOPE);
    await web.refresh(first.refresh_token);
    await letPass(server.pool);
    await web.refresh(first.refresh_token);
    for (const { access_token } of bystanders) {
      expect(await isActive(server.issuer, access_token)).toBe(true);
    }
  });

  it('is a replay also when it is sent for a narrower scope', async () => {
    const first = await web.obtainTokens(SCOPE);
    const second = tokensOf(await web.refresh(first.refresh_token));
    await letPass(server.pool);
    expect(await web.refresh(first.refresh_token, { scope: 'records:read' })).toMatchObject(REFUSED);
    await expectDead(second);
  });
});

describe('a revocation at the same moment (RFC 7009)', () => {
  it('leaves nothing alive, whichever comes first', async () => {
    for (let round = 0; round < 10; round += 1) {
      const tokens = await web.obtainTokens(SCOPE);
      const [refreshed, revoked] = await Promise.all([
        web.refresh(tokens.refresh_token, {}, round % 2 ? other : server.issuer),
        revoke(server.issuer, tokens.refresh_token, DEMO_WEB),
      ]);
      expect(revoked.status).toBe(200);
      expect([200, 400]).toContain(refreshed.status);
      for (const each of [tokens, ...(refreshed.status === 200 ? [tokensOf(refreshed)] : [])]) {
        await expectDead(each);
      }
    }
  });

  it('of a refresh token that was replaced ends its successors', async () => {
    const first = await web.obtainTokens(SCOPE);
    const second = tokensOf(await web.refresh(first.refresh_token));
    expect((await revoke(server.issuer, first.refresh_token, DEMO_WEB)).status).toBe(200);
    await expectDead(second);
  });
});

describe('C30: a node that starts knows everything', () => {
  it('a consumed refresh token is consumed, and its use a replay', async () => {
    const first = await web.obtainTokens(SCOPE);
    const second = tokensOf(await web.refresh(first.refresh_token));
    const restarted = await server.addNode();
    await letPass(server.pool);
    expect(await web.refresh(first.refresh_token, {}, restarted)).toMatchObject(REFUSED);
    await expectDead(second, restarted);
  });

  it('a revoked family is revoked, and a live one lives', async () => {
    const browser = new UserAgent(server.issuer);
    const dead = await web.obtainTokens(SCOPE, undefined, browser);
    const alive = await web.obtainTokens(SCOPE, { email: 'admin@example.com' });
    expect((await revoke(server.issuer, dead.refresh_token, DEMO_WEB)).status).toBe(200);
    const restarted = await server.addNode();
    await expectDead(dead, restarted);
    expect((await web.refresh(alive.refresh_token, {}, restarted)).status).toBe(200);
  });

  it('a response that was lost costs the sign-in: two families never live', async () => {
    const first = await web.obtainTokens(SCOPE);
    const lost = tokensOf(await web.refresh(first.refresh_token));
    await letPass(server.pool);
    expect(await web.refresh(first.refresh_token, {}, other)).toMatchObject(REFUSED);
    await expectDead(lost);
    expect(await web.obtainTokens(SCOPE)).toHaveProperty('refresh_token');
  });
});
