import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import {
  createRelyingParty,
  DEMO_MACHINE,
  DEMO_PASSWORD_CLIENT,
  DEMO_WEB,
  introspect,
  type RelyingParty,
  revoke,
  send,
  tokensOf,
} from '../../testing/relying-party.ts';
import { DEMO_PASSWORD, UserAgent } from '../../testing/user-agent.ts';

/** What a request costs the database. This may become less; whoever makes it more should know why. */
type Authorization = Parameters<RelyingParty['exchange']>[0];

let server: TestServer;
let statements: string[] = [];
const query = pg.Client.prototype.query as (...args: unknown[]) => unknown;

beforeAll(async () => {
  server = await startTestServer();
  pg.Client.prototype.query = function note(this: unknown, ...args: unknown[]) {
    const { name, text } = args[0] as { readonly name?: string; readonly text?: string };
    // What keeps the directory up to date, looks into the outbox and notes what is in use comes by the clock and not with a request.
    if (!/directory_version|for update skip locked|grant_usage/.test(text ?? String(args[0]))) {
      statements.push(name ?? text ?? String(args[0]));
    }
    return query.apply(this, args);
  } as never;
});
afterAll(async () => {
  pg.Client.prototype.query = query as never;
  await server.stop();
});

async function statementsOf(work: () => Promise<unknown>): Promise<readonly string[]> {
  await work();
  statements = [];
  await work();
  return statements;
}

const web = () => createRelyingParty(server.issuer, DEMO_WEB);

it('client credentials: one write', async () => {
  const machine = createRelyingParty(server.issuer, DEMO_MACHINE);
  const parameters = { grant_type: 'client_credentials', scope: 'records:read' };
  expect(await statementsOf(() => machine.requestToken(parameters))).toEqual(['token-insert']);
});

it('password: the attempt, its success and its row in the audit log, and what is granted', async () => {
  const party = createRelyingParty(server.issuer, DEMO_PASSWORD_CLIENT);
  const parameters = { grant_type: 'password', username: 'alice@example.com', password: DEMO_PASSWORD };
  expect(await statementsOf(() => party.requestToken(parameters))).toEqual([
    'reserve-sign-in-attempt',
    'record-sign-in',
    'audit-insert',
    'artifact-upsert',
    'token-insert',
    'token-insert',
  ]);
});

it.each([
  ['openid records:read', DEMO_WEB],
  ['openid offline_access records:read', DEMO_WEB],
])('introspection of a token for %s: one read, with grant, session, account and roles', async (scope) => {
  const { access_token } = await web().obtainTokens({ scope, prompt: 'consent' });
  expect(await statementsOf(() => introspect(server.issuer, access_token))).toEqual(['token-find']);
});

it('introspection of a token that nobody knows, or a client has for itself: one read', async () => {
  const machine = createRelyingParty(server.issuer, DEMO_MACHINE);
  const { access_token } = (await machine.requestToken({ grant_type: 'client_credentials' })).body;
  expect(await statementsOf(() => introspect(server.issuer, String(access_token)))).toEqual(['token-find']);
  expect(await statementsOf(() => introspect(server.issuer, 'unknown'))).toEqual(['token-find']);
});

it('a JWT access token: one write to issue, one read to introspect, one of each to revoke', async () => {
  const resource = 'https://jwt.example/api';
  const machine = { clientId: 'jwt-machine', secret: 'jwt-machine-secret' };
  await server.apply({
    resourceServers: [
      {
        identifier: resource,
        name: 'Reports',
        accessTokenFormat: 'jwt',
        scopes: [{ name: 'reports:read', description: 'read your reports' }],
      },
    ],
    clients: [
      {
        client_id: machine.clientId,
        client_secret: machine.secret,
        grant_types: ['client_credentials'],
        scope: 'reports:read',
      },
    ],
  });
  const party = createRelyingParty(server.issuer, machine);
  const parameters = { grant_type: 'client_credentials', scope: 'reports:read', resource };
  const issued: string[] = [];
  const issue = async () => issued.push(tokensOf(await party.requestToken(parameters)).access_token);
  expect(await statementsOf(issue)).toEqual(['token-insert']);
  expect(await statementsOf(() => introspect(server.issuer, issued[0] ?? '', machine))).toEqual(['token-find']);
  const end = () => revoke(server.issuer, issued.pop() ?? '', machine);
  expect(await statementsOf(end)).toEqual(['token-find', 'token-revoke']);
});

it('userinfo: one read', async () => {
  const { access_token } = await web().obtainTokens({ scope: 'openid profile' });
  const userinfo = () => send(server.url('/me'), { headers: { authorization: `Bearer ${access_token}` } });
  expect(await statementsOf(userinfo)).toEqual(['token-find']);
});

it('a refresh: one read, one write', async () => {
  let { refresh_token } = await web().obtainTokens({ scope: 'openid records:read' });
  const refresh = async () => {
    refresh_token = tokensOf(await web().refresh(refresh_token)).refresh_token;
  };
  expect(await statementsOf(refresh)).toEqual(['token-find', 'token-redeem']);
});

it('the exchange of a code: one read, one write', async () => {
  const authorizations = [await web().authorize(), await web().authorize()];
  const exchange = async () => tokensOf(await web().exchange(authorizations.pop() as Authorization));
  expect(await statementsOf(exchange)).toEqual(['token-find', 'token-redeem']);
});

it('the revocation of an access token: one read, one write', async () => {
  const sets = [await web().obtainTokens(), await web().obtainTokens()];
  const end = async () => revoke(server.issuer, String(sets.pop()?.access_token), DEMO_WEB);
  expect(await statementsOf(end)).toEqual(['token-find', 'token-revoke']);
});

// Two rows of the audit log among them: the sign-in, and the consent.
it('the whole journey: authorize, sign in, consent, exchange', async () => {
  const journey = () => web().obtainTokens({ scope: 'openid records:read' }, undefined, new UserAgent(server.issuer));
  expect((await statementsOf(journey)).length).toBeLessThanOrEqual(24);
});

it('single sign-on: authorize and exchange', async () => {
  const browser = new UserAgent(server.issuer);
  const journey = () => web().obtainTokens({ scope: 'openid records:read' }, undefined, browser);
  expect((await statementsOf(journey)).length).toBeLessThanOrEqual(6);
});
