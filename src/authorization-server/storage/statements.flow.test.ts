import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import {
  createRelyingParty,
  DEMO_MACHINE,
  DEMO_PASSWORD_CLIENT,
  DEMO_WEB,
  introspect,
} from '../../testing/relying-party.ts';
import { DEMO_PASSWORD, UserAgent } from '../../testing/user-agent.ts';

/** What a request costs the database. These numbers may fall; whoever makes one rise should know why. */
let server: TestServer;
let statements = 0;
const query = pg.Client.prototype.query as (...args: unknown[]) => unknown;

beforeAll(async () => {
  server = await startTestServer();
  pg.Client.prototype.query = function count(this: unknown, ...args: unknown[]) {
    statements += 1;
    return query.apply(this, args);
  } as never;
});
afterAll(async () => {
  pg.Client.prototype.query = query as never;
  await server.stop();
});

async function statementsOf(work: () => Promise<unknown>): Promise<number> {
  await work();
  statements = 0;
  await work();
  return statements;
}

const web = () => createRelyingParty(server.issuer, DEMO_WEB);

it('client credentials', async () => {
  const machine = createRelyingParty(server.issuer, DEMO_MACHINE);
  const parameters = { grant_type: 'client_credentials', scope: 'records:read' };
  expect(await statementsOf(() => machine.requestToken(parameters))).toBeLessThanOrEqual(3);
});

it('password', async () => {
  const party = createRelyingParty(server.issuer, DEMO_PASSWORD_CLIENT);
  const parameters = { grant_type: 'password', username: 'alice@example.com', password: DEMO_PASSWORD };
  expect(await statementsOf(() => party.requestToken(parameters))).toBeLessThanOrEqual(8);
});

it('introspection of a token with a session', async () => {
  const { access_token } = await web().obtainTokens({ scope: 'openid records:read' });
  expect(await statementsOf(() => introspect(server.issuer, access_token))).toBeLessThanOrEqual(10);
});

it('a refresh', async () => {
  let { refresh_token } = await web().obtainTokens({ scope: 'openid records:read' });
  const refresh = async () => {
    refresh_token = JSON.parse((await web().refresh(String(refresh_token))).text).refresh_token;
  };
  expect(await statementsOf(refresh)).toBeLessThanOrEqual(10);
});

it('the whole journey: authorize, sign in, consent, exchange', async () => {
  const journey = () => web().obtainTokens({ scope: 'openid records:read' }, undefined, new UserAgent(server.issuer));
  expect(await statementsOf(journey)).toBeLessThanOrEqual(50);
});
