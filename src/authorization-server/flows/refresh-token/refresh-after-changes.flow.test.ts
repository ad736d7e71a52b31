/** What a refresh token stands for may change or go: client, account, roles, registration. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import {
  type Answer,
  createRelyingParty,
  DEMO_WEB,
  introspect,
  type RelyingParty,
  type TokenSet,
  tokensOf,
} from '../../../testing/relying-party.ts';

let server: TestServer;
let web: RelyingParty;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
});
afterAll(() => server.stop());

const SCOPE = { scope: 'openid records:read records:write' };

function expectRefusal(answer: Answer, error: string, words: RegExp | string, status = 400) {
  expect(answer.body, answer.text).toMatchObject({ error, error_description: expect.stringMatching(words) });
  expect(answer.status).toBe(status);
  expect(answer.headers.get('cache-control')).toBe('no-store');
}

describe('what a refresh token stands for may be gone', () => {
  const brief = { clientId: 'brief', secret: 'the-secret-of-brief', redirectUri: 'http://localhost:3002/brief' };

  async function tokensOfBrief(): Promise<TokenSet> {
    await server.apply({
      clients: [
        {
          client_id: brief.clientId,
          client_secret: brief.secret,
          grant_types: ['authorization_code', 'refresh_token'],
          redirect_uris: [brief.redirectUri],
          scope: 'openid',
        },
      ],
    });
    return createRelyingParty(server.issuer, brief).obtainTokens({ scope: 'openid' });
  }

  it('the client was deleted or disabled: invalid_client', async () => {
    for (const statement of [`update clients set disabled_at = now()`, `delete from clients`]) {
      const { refresh_token } = await tokensOfBrief();
      await server.pool.query(`${statement} where client_id = 'brief'`);
      const answer = await createRelyingParty(server.issuer, brief).refresh(refresh_token);
      expectRefusal(answer, 'invalid_client', /client/, 401);
      await server.pool.query(`update clients set disabled_at = null where client_id = 'brief'`);
    }
  });

  it('the client may no longer refresh: unauthorized_client', async () => {
    const { refresh_token } = await tokensOfBrief();
    await server.pool.query(
      `update clients set metadata = jsonb_set(metadata::jsonb, '{grant_types}', '["authorization_code"]') where client_id = 'brief'`,
    );
    const answer = await createRelyingParty(server.issuer, brief).refresh(refresh_token);
    expectRefusal(answer, 'unauthorized_client', 'grant type refresh_token');
  });

  it('the account was disabled: invalid_grant, and the access token is dead as well', async () => {
    const email = 'leaver@example.com';
    await server.apply({
      accounts: [{ email, name: 'Leaver', password: 'correct-horse-battery-staple', roles: ['user'] }],
    });
    const tokens = await web.obtainTokens(SCOPE, { email });
    await server.pool.query('update accounts set disabled_at = now() where email = $1', [email]);
    expectRefusal(await web.refresh(tokens.refresh_token), 'invalid_grant', 'account');
    expect(await introspect(server.issuer, tokens.access_token)).toEqual({ active: false });
  });

  it('a role was taken away: the new access token has no scope that the account may not have', async () => {
    const tokens = await tokensOfMover(SCOPE.scope);
    const refreshed = tokensOf(await web.refresh(tokens.refresh_token));
    expect(refreshed.scope).toBe('openid records:read');
    expect(await introspect(server.issuer, refreshed.access_token)).toMatchObject({ scope: 'openid records:read' });
  });

  it('a role was taken away and nothing is left: invalid_scope that says so', async () => {
    const { refresh_token } = await tokensOfMover('records:write');
    const words = 'refused scopes: not permitted to this account by its roles: records:write';
    expectRefusal(await web.refresh(refresh_token), 'invalid_scope', words);
  });

  it('the client was registered for less: the new access token has no more than that', async () => {
    const { refresh_token } = await web.obtainTokens(SCOPE);
    await server.pool.query(
      `update clients set metadata = jsonb_set(metadata::jsonb, '{scope}', '"openid records:read"') where client_id = 'demo-web'`,
    );
    const refreshed = tokensOf(await web.refresh(refresh_token));
    expect(refreshed.scope).toBe('openid records:read');
    expect(tokensOf(await web.refresh(refreshed.refresh_token, { scope: 'records:read records:write' })).scope).toBe(
      'records:read',
    );
  });

  /** Tokens of an account that was a user, and became a guest right after. */
  async function tokensOfMover(scope: string): Promise<TokenSet> {
    const mover = { email: 'mover@example.com', name: 'Mover', password: 'correct-horse-battery-staple' };
    await server.apply({ accounts: [{ ...mover, roles: ['user'] }] });
    const tokens = await web.obtainTokens({ scope }, mover);
    await server.apply({ accounts: [{ ...mover, roles: ['guest'] }] });
    return tokens;
  }
});
