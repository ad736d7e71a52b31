import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { createProver } from '../../testing/dpop.ts';
import {
  createRelyingParty,
  DEMO_API,
  DEMO_MACHINE,
  DEMO_PASSWORD_CLIENT,
  DEMO_WEB,
  type Parameters,
  revoke,
  type TestClient,
  tokensOf,
} from '../../testing/relying-party.ts';
import { createClientKey } from '../../testing/request-object.ts';
import { DEMO_PASSWORD, UserAgent } from '../../testing/user-agent.ts';
import { UnusableToken, type Verify } from './access-token.ts';
import { discovery } from './discovery.ts';
import { Revocations } from './revocations.ts';
import { SigningKeys } from './signing-keys.ts';
import { createVerify, type Strategy } from './strategy.ts';

const API = 'http://localhost:3001';
const LEDGER = 'https://ledger.example/api';
const LEDGER_API = { clientId: 'ledger-api', secret: 'ledger-api-secret' };
const GATEWAY = { clientId: 'gateway', secret: 'gateway-secret' };
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const QUIET = { warn: () => undefined };

let server: TestServer;
const tokens: Record<string, string> = {};
let untouched: Awaited<ReturnType<typeof expectTheSame>>;
type Pair = readonly [token: string, audience: string];
const asking: Record<string, { readonly introspection: Verify; readonly repository: Verify }> = {};

beforeAll(async () => {
  server = await startTestServer();
  await server.apply({
    resourceServers: [
      {
        identifier: LEDGER,
        name: 'Ledger',
        accessTokenFormat: 'jwt',
        scopes: ['records:read', 'ledger:post'].map((name) => ({ name, description: `use ${name}` })),
        claims: ['roles'],
      },
    ],
    clients: [
      { client_id: LEDGER_API.clientId, client_secret: LEDGER_API.secret, grant_types: [], resource_server: LEDGER },
      {
        client_id: GATEWAY.clientId,
        client_secret: GATEWAY.secret,
        grant_types: [EXCHANGE],
        scope: 'records:read records:write',
        resource_server: API,
        token_exchange: {
          subject_clients: ['demo-web', 'demo-machine'],
          audiences: [API, LEDGER],
          delegation: 'optional',
        },
      },
    ],
  });
  await issueTokens();
  asking[API] = strategiesOf(API, DEMO_API);
  asking[LEDGER] = strategiesOf(LEDGER, LEDGER_API);
  await keepTables();
});
afterAll(() => server.stop());

function strategiesOf(audience: string, { clientId, secret }: TestClient & { secret: string }) {
  const { issuer, pool } = server;
  const found = discovery(issuer, 5000);
  const keys = new SigningKeys({ discovery: found, timeoutMs: 5000, now: Date.now });
  const create = (strategy: Strategy) =>
    createVerify(strategy, {
      issuer,
      audience,
      discovery: found,
      keys,
      client: { clientId, clientSecret: secret },
      timeoutMs: 5000,
      logger: QUIET,
      revocations: new Revocations(),
      live: () => false,
    });
  return { introspection: create('introspection'), repository: create({ repository: pool }) };
}

async function issueTokens() {
  const web = createRelyingParty(server.issuer, DEMO_WEB);
  const ask = (client: TestClient, parameters: Parameters) =>
    createRelyingParty(server.issuer, client).requestToken(parameters).then(tokensOf);
  const browser = new UserAgent(server.issuer);
  const ofPerson = (parameters: Parameters) => web.obtainTokens(parameters, undefined, browser);
  const exchange = async (subject_token: string, more: Parameters = {}) => {
    const subject = { subject_token, subject_token_type: 'urn:ietf:params:oauth:token-type:access_token' };
    return (await ask(GATEWAY, { grant_type: EXCHANGE, ...subject, ...more })).access_token;
  };
  const password = { grant_type: 'password', username: 'alice@example.com', password: DEMO_PASSWORD };
  const person = await ofPerson({ scope: 'openid profile records:read records:write' });
  const machine = (await ask(DEMO_MACHINE, { grant_type: 'client_credentials' })).access_token;
  const key = await createClientKey();
  const bound = await createProver(server).requestToken(
    { grant_type: 'client_credentials' },
    { client: DEMO_MACHINE, proof: key },
  );
  Object.assign(tokens, {
    person: person.access_token,
    machine,
    'of a password': (await ask(DEMO_PASSWORD_CLIENT, { ...password, scope: 'records:read email' })).access_token,
    'for userinfo alone': (await ofPerson({ scope: 'openid email' })).access_token,
    'for the API alone': (await ofPerson({ scope: 'records:read', resource: API })).access_token,
    'as a JWT': (await ofPerson({ scope: 'records:read', resource: LEDGER })).access_token,
    'bound to a key': tokensOf(bound).access_token,
    'exchanged for the API': await exchange(person.access_token, { scope: 'records:read' }),
    'exchanged for a JWT': await exchange(person.access_token, { resource: LEDGER }),
    'of a machine, exchanged': await exchange(machine, { scope: 'records:read' }),
    revoked: (await ofPerson({ scope: 'records:read' })).access_token,
    'a refresh token': person.refresh_token,
    'an ID token': person.id_token,
    nonsense: 'nonsense',
    'nonsense with dots': 'a.b.c',
  });
  await revoke(server.issuer, String(tokens.revoked), DEMO_WEB);
}

/** What both strategies say of tokens, each to a resource server. */
async function answersOf(pairs: readonly Pair[]) {
  const all: Record<string, Record<'introspected' | 'lookedUp', unknown>> = {};
  for (const [name, audience] of pairs) {
    const { introspection, repository } = asking[audience] ?? {};
    const [introspected, lookedUp] = await Promise.all(
      [introspection, repository].map((verify) => said(verify as Verify, tokens[name] ?? '')),
    );
    all[`${name} at ${audience}`] = { introspected, lookedUp };
  }
  return all;
}

/** That something is no JWT access token is one of them in more words than the other. */
const said = async (verify: Verify, token: string) =>
  Promise.resolve(verify(token, { scopes: undefined })).catch((error: unknown) => {
    expect(error).toBeInstanceOf(UnusableToken);
  });

async function expectTheSame(pairs: readonly Pair[]) {
  const all = Object.entries(await answersOf(pairs));
  const by = (which: 'introspected' | 'lookedUp') => Object.fromEntries(all.map(([name, told]) => [name, told[which]]));
  expect(by('lookedUp')).toEqual(by('introspected'));
  return by('lookedUp');
}

const ALICE = `(select account_id from accounts where email = 'alice@example.com')`;
const GRANTS = `artifacts where kind = 'Grant' and account_id = ${ALICE}`;
const editGrants = (edited: string) =>
  `update artifacts set payload = (${edited})::text where kind = 'Grant' and account_id = ${ALICE}`;
const PAST = 'extract(epoch from now())::bigint - 1';

describe('the repository says what introspection says', () => {
  const everywhere = (audience: string) => Object.keys(tokens).map((name): Pair => [name, audience]);
  const good: readonly Pair[] = [
    ...['person', 'machine', 'of a password', 'for the API alone', 'bound to a key'].map((name): Pair => [name, API]),
    ...['exchanged for the API', 'of a machine, exchanged'].map((name): Pair => [name, API]),
    ...['as a JWT', 'exchanged for a JWT'].map((name): Pair => [name, LEDGER]),
  ];
  /** Which may be for another resource server tomorrow. */
  const watched: readonly Pair[] = [...good, ['person', LEDGER]];

  it('of tokens that are good, and of what is none', async () => {
    const told = await expectTheSame([...everywhere(API), ...everywhere(LEDGER)]);
    const names = Object.keys(told).filter((name) => told[name] !== undefined);
    expect(names.sort()).toEqual(good.map((pair) => pair.join(' at ')).sort());
    untouched = await expectTheSame(watched);
  });

  // Each is undone, and so counts for itself.
  it.each([
    ['a role is taken away', `update account_roles set role = 'guest' where account_id = ${ALICE}`],
    ['a role permits less', `update roles set scopes = array_remove(scopes, 'records:write')`],
    ['an account is disabled', `update accounts set disabled_at = now() where account_id = ${ALICE}`],
    [
      'an account has another name and address',
      `update accounts set name = 'A', email = 'a@b.example' where account_id = ${ALICE}`,
    ],
    ['a client is disabled', `update clients set disabled_at = now() where client_id in ('demo-web', 'demo-machine')`],
    ['the client that exchanged is disabled', `update clients set disabled_at = now() where client_id = 'gateway'`],
    ['a client may ask for less', `update clients set metadata = metadata || '{"scope": "openid records:read"}'`],
    ['a client has no scope', `update clients set metadata = metadata - 'scope'`],
    [
      'a client is not what the engine takes',
      `update clients set metadata = metadata || '{"grant_types": "x"}' where client_id = 'gateway'`,
    ],
    ['a grant has ended', `update ${GRANTS.replace(' where', ' set consumed_at = now() where')}`],
    ['a grant is over', editGrants(`payload::jsonb || jsonb_build_object('exp', ${PAST})`)],
    ['a grant ends sooner', editGrants(`payload::jsonb || jsonb_build_object('exp', ${PAST} + 60)`)],
    [
      'a grant permits less',
      editGrants(`payload::jsonb || '{"openid": {"scope": "openid"}, "resources": {"${API}": "records:read"}}'`),
    ],
    ['a grant permits nothing', editGrants(`payload::jsonb - 'openid' - 'resources'`)],
    [
      'something was refused',
      editGrants(
        `payload::jsonb || '{"rejected": {"openid": {"scope": "profile openid"}, "resources": {"${API}": "records:write"}}}'`,
      ),
    ],
    [
      'a grant is of another client',
      `update artifacts set payload = replace(payload, '"clientId":"demo-web"', '"clientId":"x"'), client_id = 'x'
         where kind = 'Grant' and client_id = 'demo-web'`,
    ],
    ['a session has ended', `update artifacts set uid = null where kind = 'Session'`],
    [
      'a session is over',
      `update artifacts set payload = (payload::jsonb || jsonb_build_object('exp', ${PAST}))::text where kind = 'Session'`,
    ],
    [
      'a session knows of another grant',
      `update artifacts set payload = (payload::jsonb || '{"authorizations": {}}')::text where kind = 'Session'`,
    ],
    ['a token has expired', `update tokens set payload = (payload::jsonb || jsonb_build_object('exp', ${PAST}))::text`],
    ['all tokens are revoked', `update tokens set revoked_at = now()`],
    ['a resource server is shown less', `update resource_servers set claims = '{username}'`],
    ['a resource server is shown more', `update resource_servers set claims = '{username,name,email,roles}'`],
    [
      'another resource server is the default',
      `update resource_servers set is_default = false; update resource_servers set is_default = true where identifier = '${LEDGER}'`,
    ],
    ['the default one has other scopes', `update scopes set name = 'x:' || name where resource_server = '${API}'`],
  ])('when %s', async (_when, change) => {
    await server.pool.query(change);
    try {
      expect(await expectTheSame(watched)).not.toEqual(untouched);
    } finally {
      await restoreTables();
    }
  });
});

const TABLES = ['accounts', 'account_roles', 'roles', 'clients', 'resource_servers', 'scopes', 'artifacts', 'tokens'];

const keepTables = () =>
  server.pool.query(TABLES.map((table) => `create table kept_${table} as select * from ${table};`).join(''));

/** Past all triggers but those that tell the server of a new directory. */
async function restoreTables() {
  const restored = TABLES.map((table) => `delete from ${table}; insert into ${table} select * from kept_${table};`);
  await server.pool.query(`begin; set local session_replication_role = replica; ${restored.join('')} commit`);
  await server.pool.query('update roles set description = description');
}
