/** Rows outlive what they stand for until somebody removes them; what is expired opens nothing all the same. */
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { ALICE, createRelyingParty, DEMO_WEB, introspect, send } from '../../testing/relying-party.ts';
import { UserAgent } from '../../testing/user-agent.ts';

const SCOPE = 'openid offline_access records:read';
const YEAR_MS = 365 * 24 * 3600 * 1000;

let server: TestServer;
let web: ReturnType<typeof createRelyingParty>;

beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
});
afterAll(() => server.stop());
afterEach(() => {
  vi.useRealTimers();
});

/** The clock of the server, which runs in this process; nothing else is stopped. */
function inAYear(): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + YEAR_MS });
}

const rowsOf = async (kind: string) => {
  const { rows } = await server.pool.query(
    `select count(*)::int as count from (select kind from artifacts union all select kind from tokens) as rows where kind = $1`,
    [kind],
  );
  return rows[0].count;
};

it('C98: honours no token that is expired and still there', async () => {
  const tokens = await web.obtainTokens({ scope: SCOPE, prompt: 'consent' });
  expect(await introspect(server.issuer, tokens.access_token)).toMatchObject({ active: true });
  inAYear();
  expect(await rowsOf('AccessToken')).toBeGreaterThan(0);
  expect(await introspect(server.issuer, tokens.access_token)).toEqual({ active: false });
  expect(await introspect(server.issuer, tokens.refresh_token, DEMO_WEB)).toEqual({ active: false });
  const userinfo = await send(server.url('/me'), { headers: { authorization: `Bearer ${tokens.access_token}` } });
  expect(userinfo.status).toBe(401);
  expect(await web.refresh(tokens.refresh_token)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
});

it('C24 C98: honours no authorization code that is expired and still there', async () => {
  const authorization = await web.authorize({ scope: SCOPE });
  inAYear();
  expect(await rowsOf('AuthorizationCode')).toBeGreaterThan(0);
  expect(await web.exchange(authorization)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
});

it('C98: honours no session and no consent that is expired and still there', async () => {
  const browser = new UserAgent(server.issuer);
  await web.authorize({ scope: SCOPE }, ALICE, browser);
  const silent = () => browser.get(web.authorizationUrl({ scope: SCOPE, prompt: 'none' }));
  expect((await silent()).url).toContain('code=');
  inAYear();
  expect(await rowsOf('Session')).toBeGreaterThan(0);
  expect((await silent()).url).toContain('error=login_required');
  const visit = await browser.get(web.authorizationUrl({ scope: SCOPE }));
  expect((await browser.signIn(visit, ALICE)).html).toContain('/consent"');
});

it('C98: honours no page that was left open too long, and says what to do', async () => {
  const browser = new UserAgent(server.issuer);
  const visit = await browser.get(web.authorizationUrl({ scope: SCOPE }));
  inAYear();
  expect(await rowsOf('Interaction')).toBeGreaterThan(0);
  const late = await browser.signIn(visit, ALICE);
  expect(late.status).toBe(400);
  expect(late.html).toContain('data-testid="error');
});
