/** A used refresh token presented again, while its client may have lost the answer: storage/rotation.ts. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { isActive, letPass, REFRESH_AUTHENTICATION, refreshFiftyTimes } from '../../../testing/refreshing.ts';
import {
  createRelyingParty,
  DEMO_SPA,
  DEMO_WEB,
  introspect,
  postForm,
  type RelyingParty,
  revoke,
  type TokenSet,
  tokensOf,
} from '../../../testing/relying-party.ts';

let server: TestServer;
let web: RelyingParty;
let other: string;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
  other = await server.addNode();
});
afterAll(() => server.stop());

const SCOPE = { scope: 'openid offline_access records:read', prompt: 'consent' };
const REFUSED = { status: 400, body: { error: 'invalid_grant' } };

/** What a client keeps: the ID token may be signed anew. */
const kept = ({ access_token, refresh_token, scope }: TokenSet) => ({ access_token, refresh_token, scope });

async function expectDead(...all: readonly TokenSet[]) {
  for (const tokens of all) {
    expect(await isActive(server.issuer, tokens.access_token)).toBe(false);
    expect(await isActive(server.issuer, tokens.refresh_token)).toBe(false);
    expect(await web.refresh(tokens.refresh_token)).toMatchObject(REFUSED);
  }
}

const liveTokens = async (kind: string) => {
  const { rows } = await server.pool.query(
    'select count(*)::int as count from tokens where kind = $1 and consumed_at is null and revoked_at is null',
    [kind],
  );
  return rows[0].count;
};

describe('within the grace', () => {
  it('C26: all of 50 refreshes at once get one and the same token set', async () => {
    await server.pool.query('delete from tokens');
    const tokens = await web.obtainTokens(SCOPE);
    const answers = await refreshFiftyTimes([server.issuer, other], tokens.refresh_token);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const sets = answers.map((answer) => kept(tokensOf(answer)));
    expect(new Set(sets.map((set) => JSON.stringify(set))).size).toBe(1);
    expect(await liveTokens('RefreshToken')).toBe(1);
    expect(await liveTokens('AccessToken')).toBe(2);
    expect(await isActive(server.issuer, String(sets[0]?.access_token))).toBe(true);
    expect(await isActive(server.issuer, tokens.refresh_token)).toBe(false);
  });

  it.each([
    ['confidential', DEMO_WEB],
    ['public', DEMO_SPA],
  ])('C27: a %s client that lost the answer gets it again, from any node', async (_name, client) => {
    const party = createRelyingParty(server.issuer, client);
    const first = await party.obtainTokens(SCOPE);
    const lost = tokensOf(await party.refresh(first.refresh_token));
    const again = tokensOf(await party.refresh(first.refresh_token, {}, other));
    expect(kept(again)).toEqual(kept(lost));
    const next = tokensOf(await party.refresh(again.refresh_token));
    expect(await isActive(server.issuer, next.access_token)).toBe(true);
  });

  it('C30: a client gets its tokens although the server died between using up the old one and saving the new ones', async () => {
    const first = await web.obtainTokens(SCOPE);
    const lost = tokensOf(await web.refresh(first.refresh_token));
    await server.pool.query(`delete from tokens where payload::json->>'iat' is not null and consumed_at is null
      and grant_id = (select grant_id from tokens where consumed_at is not null and kind = 'RefreshToken' order by consumed_at desc limit 1)`);
    const again = tokensOf(await web.refresh(first.refresh_token, {}, other));
    expect(kept(again)).toEqual(kept(lost));
    expect(await isActive(server.issuer, again.access_token)).toBe(true);
    expect((await web.refresh(again.refresh_token)).status).toBe(200);
  });

  it('a used token is introspected as what it is: inactive', async () => {
    const first = await web.obtainTokens(SCOPE);
    await web.refresh(first.refresh_token);
    expect(await introspect(server.issuer, first.refresh_token, DEMO_WEB)).toEqual({ active: false });
    expect((await web.refresh(first.refresh_token)).status).toBe(200);
  });

  it('another request with the same token is no retry: it gets nothing, and takes nothing away', async () => {
    const first = await web.obtainTokens(SCOPE);
    const second = tokensOf(await web.refresh(first.refresh_token));
    expect(await web.refresh(first.refresh_token, { scope: 'records:read' })).toMatchObject(REFUSED);
    expect(await isActive(server.issuer, second.access_token)).toBe(true);
    expect((await web.refresh(second.refresh_token)).status).toBe(200);
  });

  it('C29: another client gets nothing, and nobody does without authentication', async () => {
    const first = await web.obtainTokens(SCOPE);
    const second = tokensOf(await web.refresh(first.refresh_token));
    const stolen = createRelyingParty(server.issuer, DEMO_SPA);
    expect(await stolen.refresh(first.refresh_token)).toMatchObject(REFUSED);
    const form = { grant_type: 'refresh_token', refresh_token: first.refresh_token, client_id: DEMO_WEB.clientId };
    expect((await postForm(server.url('/token'), form)).status).toBe(401);
    expect(await isActive(server.issuer, second.access_token)).toBe(true);
  });

  it('does not bring back an access token that was revoked meanwhile', async () => {
    const first = await web.obtainTokens(SCOPE);
    const second = tokensOf(await web.refresh(first.refresh_token));
    expect((await revoke(server.issuer, second.access_token, DEMO_WEB)).status).toBe(200);
    expect(tokensOf(await web.refresh(first.refresh_token)).access_token).toBe(second.access_token);
    expect(await isActive(server.issuer, second.access_token)).toBe(false);
  });

  it('does not bring back a family that was revoked meanwhile', async () => {
    const first = await web.obtainTokens(SCOPE);
    const second = tokensOf(await web.refresh(first.refresh_token));
    expect((await revoke(server.issuer, second.refresh_token, DEMO_WEB)).status).toBe(200);
    expect(await web.refresh(first.refresh_token, {}, other)).toMatchObject(REFUSED);
    await expectDead(first, second);
  });
});

describe('a request that was begun before the token was used, and is finished afterwards', () => {
  /** Sends the head of a refresh and a part of its body; the rest when it is told to. */
  async function holdRefresh(refreshToken: string) {
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken }).toString();
    const held = request(server.url('/token'), {
      method: 'POST',
      agent: false,
      headers: {
        ...REFRESH_AUTHENTICATION,
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': body.length,
        expect: '100-continue',
      },
    });
    held.flushHeaders();
    await once(held, 'continue');
    held.write(body.slice(0, 10));
    return async () => {
      held.end(body.slice(10));
      const [response] = (await once(held, 'response')) as [IncomingMessage];
      return { status: response.statusCode, body: JSON.parse(await text(response)) };
    };
  }

  it('C27: gets nothing once the successor was used, and ends nothing: it may have come at the same time', async () => {
    const first = await web.obtainTokens(SCOPE);
    const finish = await holdRefresh(first.refresh_token);
    const second = tokensOf(await web.refresh(first.refresh_token));
    const third = tokensOf(await web.refresh(second.refresh_token));
    expect(await finish()).toMatchObject(REFUSED);
    expect(await isActive(server.issuer, third.access_token)).toBe(true);
  });

  it('C28: is a replay when it took longer than any honest request', async () => {
    const first = await web.obtainTokens(SCOPE);
    const finish = await holdRefresh(first.refresh_token);
    const second = tokensOf(await web.refresh(first.refresh_token));
    await letPass(server.pool, 11);
    expect(await finish()).toMatchObject(REFUSED);
    await expectDead(first, second);
  });
});

describe('beyond the grace', () => {
  it('C28: the predecessor of a token that was used ends the family, within the grace as well', async () => {
    const first = await web.obtainTokens(SCOPE);
    const second = tokensOf(await web.refresh(first.refresh_token));
    const third = tokensOf(await web.refresh(second.refresh_token));
    await letPass(server.pool);
    expect(await web.refresh(first.refresh_token, {}, other)).toMatchObject(REFUSED);
    await expectDead(first, second, third);
  });

  it('C27: so does one whose time has passed, and not a moment before', async () => {
    const first = await web.obtainTokens(SCOPE);
    const second = tokensOf(await web.refresh(first.refresh_token));
    await letPass(server.pool, 5);
    expect(tokensOf(await web.refresh(first.refresh_token)).refresh_token).toBe(second.refresh_token);
    await letPass(server.pool, 5);
    expect(await web.refresh(first.refresh_token)).toMatchObject(REFUSED);
    await expectDead(first, second);
  });

  it('C28: and the person is asked again, while others keep what they have', async () => {
    const bystander = await web.obtainTokens(SCOPE, { email: 'admin@example.com' });
    const first = await web.obtainTokens(SCOPE);
    await web.refresh(first.refresh_token);
    await letPass(server.pool, 11);
    expect(await web.refresh(first.refresh_token)).toMatchObject(REFUSED);
    expect(await isActive(server.issuer, bystander.access_token)).toBe(true);
  });
});

it('C26: one token set is left of any mixture of retries of a token and uses of its successor', async () => {
  for (let round = 0; round < 10; round += 1) {
    await server.pool.query('delete from tokens');
    const first = await web.obtainTokens(SCOPE);
    const second = tokensOf(await web.refresh(first.refresh_token));
    const answers = await Promise.all(
      [first, second, first, second, first, second].map(({ refresh_token }, index) =>
        web.refresh(refresh_token, {}, index % 2 ? other : server.issuer),
      ),
    );
    expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
    expect(await liveTokens('RefreshToken')).toBeLessThanOrEqual(1);
  }
});

it('C97: what a retry is answered from opens for nobody without the token, and is in no clear text anywhere', async () => {
  const first = await web.obtainTokens(SCOPE);
  const second = tokensOf(await web.refresh(first.refresh_token));
  const { rows } = await server.pool.query('select to_jsonb(tokens)::text as row from tokens');
  const written = rows.map(({ row }) => row).join('\n');
  for (const token of [first.refresh_token, second.refresh_token, second.access_token]) {
    expect(written).not.toContain(token);
  }
});
