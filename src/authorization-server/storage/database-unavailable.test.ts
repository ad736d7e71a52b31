import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import {
  createRelyingParty,
  DEMO_API,
  DEMO_MACHINE,
  DEMO_PASSWORD_CLIENT,
  DEMO_WEB,
  introspect,
  postForm,
  type RelyingParty,
  revoke,
  send,
  type TokenSet,
} from '../../testing/relying-party.ts';
import { actionOf, DEMO_PASSWORD, UserAgent, type Visit } from '../../testing/user-agent.ts';

let server: TestServer;
let web: RelyingParty;
let tokens: TokenSet;
let signedIn: UserAgent;
let signingIn: UserAgent;
let signInPage: Visit;

/** Cuts every connection to the server's database and lets none in, or lets them in again. */
async function allowConnections(allowed: boolean) {
  const name = new URL(server.databaseUrl).pathname.slice(1);
  const client = new pg.Client({ connectionString: inject('postgresUrl') });
  await client.connect();
  await client.query(`alter database "${name}" allow_connections ${allowed}`);
  if (!allowed) {
    await client.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
  }
  await client.end();
}

beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
  signedIn = new UserAgent(server.issuer);
  tokens = await web.obtainTokens({ scope: 'openid records:read' }, undefined, signedIn);
  signingIn = new UserAgent(server.issuer);
  signInPage = await signingIn.get(web.authorizationUrl({ scope: 'openid' }));
});
afterAll(() => server.stop());

describe('while the database is away', () => {
  beforeAll(() => allowConnections(false));
  afterAll(() => allowConnections(true));

  const asMachine = { grant_type: 'client_credentials' };
  const asPerson = { grant_type: 'password', username: 'alice@example.com', password: DEMO_PASSWORD };
  const bearer = () => ({ headers: { authorization: `Bearer ${tokens.access_token}` } });

  it.each([
    ['a token for a machine', () => postForm(server.url('/token'), asMachine, DEMO_MACHINE)],
    ['a password', () => postForm(server.url('/token'), asPerson, DEMO_PASSWORD_CLIENT)],
    ['a code', () => web.exchange({ code: 'x'.repeat(43), verifier: 'x'.repeat(43) })],
    ['a refresh', () => web.refresh(tokens.refresh_token)],
    ['an introspection', () => postForm(server.url('/token/introspection'), { token: tokens.access_token }, DEMO_API)],
    ['C43: a revocation', () => revoke(server.issuer, tokens.refresh_token, DEMO_WEB)],
    ['C43: a revocation of what is none', () => revoke(server.issuer, 'x'.repeat(43), DEMO_WEB)],
    ['userinfo', () => send(server.url('/me'), bearer())],
  ])('%s is answered 503 temporarily_unavailable with Retry-After', async (_, request) => {
    const { status, headers, body } = await request();
    expect(status).toBe(503);
    expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(body).toEqual({ error: 'temporarily_unavailable', error_description: expect.stringMatching(/again/) });
  });

  it.each<[string, () => Promise<Visit>]>([
    ['an authorization request', () => new UserAgent(server.issuer).get(web.authorizationUrl({ scope: 'openid' }))],
    ['one of a person who is signed in', () => signedIn.get(web.authorizationUrl({ scope: 'openid' }))],
    ['a sign-in page', () => signingIn.get(signInPage.url)],
    ['a sign-in', () => signingIn.signIn(signInPage, { email: 'alice@example.com' })],
    ['a refusal', () => signingIn.post(actionOf(signInPage, 'abort'), {})],
    ['signing out', () => signedIn.get('/session/end')],
  ])('%s gets a page that says to try again, with 503 and Retry-After', async (_, visit) => {
    const { status, headers, html } = await visit();
    expect(status).toBe(503);
    expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(headers.get('content-type')).toContain('text/html');
    expect(html).toMatch(/right back/);
    expect(html).not.toMatch(/ECONN|postgres|database|SELECT/i);
  });

  it.each(['/jwks', '/.well-known/openid-configuration', '/healthz', '/'])(
    'C106: %s is answered all the same',
    async (path) => {
      expect((await send(server.url(path))).status).toBe(200);
    },
  );

  it('C106: it is not ready, and says when to ask again', async () => {
    const { status, headers } = await send(server.url('/readyz'));
    expect(status).toBe(503);
    expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  });
});

describe('when the database is back', () => {
  it('C43: everything is as it was, and the revocation that was refused can be repeated', async () => {
    expect(await introspect(server.issuer, tokens.access_token)).toMatchObject({ active: true });
    const visit = await signedIn.get(web.authorizationUrl({ scope: 'openid', prompt: 'none' }));
    expect(new URL(visit.url).searchParams.get('code')).toEqual(expect.any(String));
    expect((await signingIn.signIn(signInPage, { email: 'alice@example.com' })).status).toBeLessThan(400);
    expect((await revoke(server.issuer, tokens.refresh_token, DEMO_WEB)).status).toBe(200);
    expect(await introspect(server.issuer, tokens.access_token)).toEqual({ active: false });
  });
});
