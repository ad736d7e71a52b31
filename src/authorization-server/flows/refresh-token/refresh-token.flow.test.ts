/** The refresh token grant: RFC 6749 §6, RFC 9700 §2.2.2 and §4.14, OpenID Connect Core §11 and §12. */
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import {
  type Answer,
  createRelyingParty,
  DEMO_SPA,
  DEMO_WEB,
  introspect,
  postForm,
  type RelyingParty,
  tokensOf,
} from '../../../testing/relying-party.ts';

let server: TestServer;
let web: RelyingParty;
let spa: RelyingParty;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
  spa = createRelyingParty(server.issuer, DEMO_SPA);
});
afterAll(() => server.stop());

const SCOPE = { scope: 'openid records:read records:write' };

function expectRefusal(answer: Answer, error: string, words: RegExp | string, status = 400) {
  expect(answer.body, answer.text).toMatchObject({ error, error_description: expect.stringMatching(words) });
  expect(answer.status).toBe(status);
  expect(answer.headers.get('cache-control')).toBe('no-store');
}

describe('refresh token grant', () => {
  it.each(['web', 'spa'] as const)('gives %s a new access token and a new refresh token', async (name) => {
    const client = { web, spa }[name];
    const tokens = await client.obtainTokens(SCOPE);
    const answer = await client.refresh(tokens.refresh_token);
    const refreshed = tokensOf(answer);
    expect(refreshed).toMatchObject({ scope: SCOPE.scope, token_type: 'Bearer', expires_in: 3600 });
    expect(refreshed.access_token).not.toBe(tokens.access_token);
    expect(refreshed.refresh_token).not.toBe(tokens.refresh_token);
    expect(await introspect(server.issuer, refreshed.access_token)).toMatchObject({ active: true, scope: SCOPE.scope });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('pragma')).toBe('no-cache');
  });

  it('gives an ID token of the same person and client (OpenID Connect Core §12.2)', async () => {
    const tokens = await web.obtainTokens({ ...SCOPE, max_age: '3600', nonce: 'a-nonce' });
    const refreshed = tokensOf(await web.refresh(tokens.refresh_token));
    const [before, after] = [tokens, refreshed].map(({ id_token }) => decodeJwt(id_token));
    for (const claim of ['iss', 'sub', 'aud', 'auth_time']) {
      expect(after?.[claim]).toEqual(before?.[claim]);
      expect(after?.[claim]).toBeDefined();
    }
  });

  it('keeps the earlier access token alive', async () => {
    const tokens = await web.obtainTokens(SCOPE);
    await web.refresh(tokens.refresh_token);
    expect(await introspect(server.issuer, tokens.access_token)).toMatchObject({ active: true });
  });
});

describe('C25: scope (RFC 6749 §6)', () => {
  it('may be narrowed for the access token, and the refresh token keeps its own', async () => {
    const tokens = await web.obtainTokens(SCOPE);
    const narrowed = tokensOf(await web.refresh(tokens.refresh_token, { scope: 'records:read' }));
    expect(narrowed.scope).toBe('records:read');
    expect(await introspect(server.issuer, narrowed.access_token)).toMatchObject({ scope: 'records:read' });
    expect(tokensOf(await web.refresh(narrowed.refresh_token)).scope).toBe(SCOPE.scope);
  });

  it.each([
    ['one that was not granted', 'records:read blobs:read', 'invalid_scope'],
    ['one that nobody knows', 'admin', 'invalid_scope'],
    ['offline_access', 'openid offline_access', 'invalid_scope'],
    ['rubbish', '"', 'invalid_scope'],
  ])('may not be widened by %s, and the refresh token still works', async (_name, scope, error) => {
    const tokens = await web.obtainTokens(SCOPE);
    expectRefusal(await web.refresh(tokens.refresh_token, { scope }), error, /scope/);
    expect((await web.refresh(tokens.refresh_token)).status).toBe(200);
  });
});

describe('resource (RFC 8707 §2.2)', () => {
  const API = 'http://localhost:3001';

  it('may be the one that was granted', async () => {
    const tokens = await web.obtainTokens({ scope: 'records:read', resource: API });
    const refreshed = tokensOf(await web.refresh(tokens.refresh_token, { resource: API }));
    expect(await introspect(server.issuer, refreshed.access_token)).toMatchObject({ active: true, aud: API });
  });

  it.each(['https://api.example', 'rubbish', ['x', 'y']])('may not be %j', async (resource) => {
    const tokens = await web.obtainTokens({ scope: 'records:read', resource: API });
    expectRefusal(await web.refresh(tokens.refresh_token, { resource }), 'invalid_target', /resource/);
  });
});

describe('C29: a refresh token is bound to its client', () => {
  it('is worth nothing to another client, and keeps working for its own', async () => {
    const tokens = await web.obtainTokens(SCOPE);
    expectRefusal(await spa.refresh(tokens.refresh_token), 'invalid_grant', 'belongs to another client');
    const foreign = await spa.obtainTokens(SCOPE);
    expectRefusal(await web.refresh(foreign.refresh_token), 'invalid_grant', 'belongs to another client');
    expect((await web.refresh(tokens.refresh_token)).status).toBe(200);
    expect((await spa.refresh(foreign.refresh_token)).status).toBe(200);
  });

  it.each([
    ['without its secret', { clientId: 'demo-web' }],
    ['with a wrong secret', { clientId: 'demo-web', secret: 'wrong' }],
    ['as nobody', { clientId: 'nobody', secret: 'wrong' }],
  ])('is refused to a confidential client %s', async (_name, client) => {
    const { refresh_token } = await web.obtainTokens(SCOPE);
    const answer = await postForm(server.url('/token'), { grant_type: 'refresh_token', refresh_token }, client);
    expectRefusal(answer, 'invalid_client', /client/, 401);
    expect((await web.refresh(refresh_token)).status).toBe(200);
  });
});

describe('what is no refresh token', () => {
  it.each([
    ['nothing', undefined, 'invalid_request'],
    ['the empty string', '', 'invalid_request'],
    ['rubbish', 'rubbish', 'invalid_grant'],
    ['NUL', 'a\0b', 'invalid_grant'],
    ['every script', 'žluťoučký 漢字 🛎', 'invalid_grant'],
    ['2 kB', 'x'.repeat(2_000), 'invalid_grant'],
    ['40 kB', 'x'.repeat(40_000), 'invalid_request'],
    ['SQL', `' or '1'='1`, 'invalid_grant'],
    ['two at once', ['x', 'y'], 'invalid_request'],
  ])('%s', async (_name, refresh_token, error) => {
    expectRefusal(await web.requestToken({ grant_type: 'refresh_token', refresh_token }), error, /refresh.token/);
  });

  it('an access token, an ID token, a code, or a refresh token that lost a letter', async () => {
    const { code } = await web.authorize(SCOPE);
    const { access_token, id_token, refresh_token } = await web.obtainTokens(SCOPE);
    for (const token of [access_token, id_token, code, refresh_token.slice(1), refresh_token.toUpperCase()]) {
      expectRefusal(await web.refresh(token), 'invalid_grant', 'not known');
    }
  });
});

describe('how long a refresh token lives', () => {
  it('an expired one is refused', async () => {
    const tokens = await web.obtainTokens(SCOPE);
    await age('RefreshToken', 1_209_601);
    expectRefusal(await web.refresh(tokens.refresh_token), 'invalid_grant', 'the refresh token has expired');
  });

  it('that of a confidential client lives on from each use', async () => {
    expect(await lifetimeAfterRotation(web)).toBeCloseTo(1_209_600, -2);
  });

  it('that of a public client does not: rotation never moves the end', async () => {
    expect(await lifetimeAfterRotation(spa)).toBeCloseTo(1_209_600 - 100_000, -2);
  });

  it('C30: none outlives the grant, however often it is rotated', async () => {
    const tokens = await web.obtainTokens(SCOPE);
    await age('Grant', 15_552_001, 'artifacts');
    expectRefusal(await web.refresh(tokens.refresh_token), 'invalid_grant', 'ended|expired|withdrawn');
  });

  it('ends with the session, unless offline access was granted (OpenID Connect Core §11)', async () => {
    const online = await web.obtainTokens(SCOPE);
    const offline = await web.obtainTokens({ scope: 'openid offline_access records:read', prompt: 'consent' });
    await server.pool.query(`delete from artifacts where kind = 'Session'`);
    expectRefusal(await web.refresh(online.refresh_token), 'invalid_grant', 'has ended');
    expect((await web.refresh(offline.refresh_token)).status).toBe(200);
  });

  /** Seconds that are left after a rotation that comes 100,000 seconds after the issue. */
  async function lifetimeAfterRotation(client: RelyingParty): Promise<number> {
    await server.pool.query(`delete from tokens where kind = 'RefreshToken'`);
    const tokens = await client.obtainTokens(SCOPE);
    await age('RefreshToken', 100_000);
    tokensOf(await client.refresh(tokens.refresh_token));
    const { rows } = await server.pool.query(
      `select (payload::json->>'exp')::int - extract(epoch from now())::int as seconds from tokens
        where kind = 'RefreshToken' and consumed_at is null`,
    );
    expect(rows).toHaveLength(1);
    return rows[0].seconds;
  }
});

/** Lets time pass for everything of this kind. */
async function age(kind: string, seconds: number, table = 'tokens') {
  await server.pool.query(
    `update ${table} set payload = jsonb_set(payload::jsonb, '{exp}', to_jsonb((payload::jsonb->>'exp')::bigint - $2::bigint))::text
      where kind = $1`,
    [kind, seconds],
  );
}
