import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { type DocumentHost, startDocumentHost } from '../../testing/document-host.ts';
import { keepTables } from '../../testing/kept-tables.ts';
import { DEMO_API, introspect, type TestClient } from '../../testing/relying-party.ts';
import { API, issueTokens, LEDGER, LEDGER_API, prepareDirectory } from '../../testing/tokens-of-every-kind.ts';
import { CannotVerify, UnusableToken, type Verify } from './access-token.ts';
import { discovery } from './discovery.ts';
import type { TokenDatabase } from './repository.ts';
import { Revocations } from './revocations.ts';
import { SigningKeys } from './signing-keys.ts';
import { createVerify, type Strategy } from './strategy.ts';
import { placeOf } from './token-place.ts';

const QUIET = { warn: () => undefined };

let server: TestServer;
let host: DocumentHost;
let restore: () => Promise<void>;
let tokens: Readonly<Record<string, string>>;
let untouched: Awaited<ReturnType<typeof expectTheSame>>;
type Pair = readonly [token: string, audience: string];
const asking: Record<string, { readonly introspection: Verify; readonly repository: Verify }> = {};

beforeAll(async () => {
  [server, host] = await Promise.all([startTestServer(), startDocumentHost()]);
  await prepareDirectory(server, host);
  tokens = await issueTokens(server, host);
  asking[API] = strategiesOf(API, DEMO_API);
  asking[LEDGER] = strategiesOf(LEDGER, LEDGER_API);
  restore = await keepTables(server.pool, TABLES);
});
afterAll(() => Promise.all([server.stop(), host.stop()]));

const TABLES = [
  ...['accounts', 'account_roles', 'roles', 'clients', 'resource_servers', 'scopes', 'authorization_details_types'],
  ...['artifacts', 'tokens'],
];

function strategyOf(audience: string, client: TestClient | undefined, strategy: Strategy): Verify {
  const { issuer } = server;
  const found = discovery(issuer, 30_000);
  return createVerify(strategy, {
    issuer,
    audience,
    discovery: found,
    keys: new SigningKeys({ discovery: found, timeoutMs: 30_000, now: Date.now }),
    client: client && { clientId: client.clientId, clientSecret: client.secret ?? '' },
    timeoutMs: 30_000,
    logger: QUIET,
    revocations: new Revocations(),
    live: () => false,
  });
}

function strategiesOf(audience: string, client: TestClient) {
  return {
    introspection: strategyOf(audience, client, 'introspection'),
    repository: strategyOf(audience, client, { repository: server.pool }),
  };
}

/** What both strategies say of tokens, each to a resource server. */
async function answersOf(pairs: readonly Pair[]) {
  const answers = pairs.map(async ([name, audience]) => {
    const { introspection, repository } = asking[audience] ?? {};
    const [introspected, lookedUp] = await Promise.all(
      [introspection, repository].map((verify) => said(verify as Verify, tokens[name] ?? '')),
    );
    return [`${name} at ${audience}`, { introspected, lookedUp }] as const;
  });
  return Promise.all(answers);
}

/** That something is no JWT access token is one of them in more words than the other. */
const said = async (verify: Verify, token: string) =>
  Promise.resolve(verify(token, { scopes: undefined })).catch((error: unknown) => {
    expect(error).toBeInstanceOf(UnusableToken);
  });

async function expectTheSame(pairs: readonly Pair[]) {
  const all = await answersOf(pairs);
  const by = (which: 'introspected' | 'lookedUp') => Object.fromEntries(all.map(([name, told]) => [name, told[which]]));
  expect(by('lookedUp')).toEqual(by('introspected'));
  return by('lookedUp');
}

const ALICE = `(select account_id from accounts where email = 'alice@example.com')`;
const GRANTS = `artifacts where kind = 'Grant' and account_id = ${ALICE}`;
const editGrants = (edited: string) =>
  `update artifacts set payload = (${edited})::text where kind = 'Grant' and account_id = ${ALICE}`;
const editTokens = (members: string) =>
  `update tokens set payload = (payload::jsonb || jsonb_build_object(${members}))::text`;
/** Rounded down, as by whoever compares: to the nearest second, a token would be good for a moment yet, and maybe for one of them only. */
const PAST = 'floor(extract(epoch from now()))::bigint - 1';

describe('the repository says what introspection says', () => {
  const everywhere = (audience: string) => Object.keys(tokens).map((name): Pair => [name, audience]);
  const all = (names: readonly string[], audience: string) => names.map((name): Pair => [name, audience]);
  const known: readonly Pair[] = [
    ...all(['person', 'machine', 'of a password', 'for the API alone', 'bound to a key', 'made by a person'], API),
    ...all(['exchanged for the API', 'exchanged for an actor', 'of a machine, exchanged'], API),
    ...all(['as a JWT', 'exchanged for a JWT'], LEDGER),
  ];
  const byDocument = ['of a described client', 'of one with a long name', 'of a described client, exchanged'];
  const described = all(byDocument, API);
  const good = [...known, ...described];
  /** Which may be for another resource server tomorrow. */
  const watched: readonly Pair[] = [...good, ['person', LEDGER]];

  it('of tokens that are good, and of what is none', async () => {
    const told = await expectTheSame([...everywhere(API), ...everywhere(LEDGER)]);
    const names = Object.keys(told).filter((name) => told[name] !== undefined);
    expect(names.sort()).toEqual(good.map((pair) => pair.join(' at ')).sort());
    untouched = await expectTheSame(watched);
  });

  it('word by word, but for who says it', async () => {
    const statement = 'select introspect_token($1, $2, $3, $4) as told';
    for (const [name, audience] of known) {
      const token = tokens[name] ?? '';
      const isJwt = token.includes('.');
      const { slot, key } = placeOf(isJwt ? String(decodeJwt(token).jti) : token);
      const { rows } = await server.pool.query(statement, [slot, key, isJwt, audience]);
      const introspected = await introspect(server.issuer, token, audience === API ? DEMO_API : LEDGER_API);
      expect({ name, ...rows[0].told, iss: server.issuer }).toEqual({ name, ...introspected });
    }
  });

  it('and knows no token of a client that describes itself, where it has nothing to ask with', async () => {
    const alone = strategyOf(API, undefined, { repository: server.pool });
    const told = await Promise.all(described.map(([name]) => said(alone, tokens[name] ?? '')));
    expect(told).toEqual(described.map(() => undefined));
  });

  it('C86: and holds up no other token for one of which nobody understands what is said', async () => {
    const [token = '', another = ''] = [tokens.machine, tokens.person];
    const { key } = placeOf(token);
    const odd = { rows: [{ answer: { active: true } }] };
    const query: TokenDatabase['query'] = async (asked) => (asked.values[1] === key ? odd : server.pool.query(asked));
    const verify = strategyOf(API, undefined, { repository: { query } });
    for (let attempt = 0; attempt < 5; attempt += 1) {
      await expect(verify(token, { scopes: undefined })).rejects.toBeInstanceOf(CannotVerify);
    }
    expect(await verify(another, { scopes: undefined })).toBeDefined();
  });

  // Each is undone, and so counts for itself.
  it.each([
    ['a role is taken away', `update account_roles set role = 'guest' where account_id = ${ALICE}`],
    ['a role permits less', `update roles set scopes = array_remove(scopes, 'records:write')`],
    ['a role is gone', `delete from roles where name = 'user'`],
    ['an account is gone', `delete from accounts where account_id = ${ALICE}`],
    ['an account is disabled', `update accounts set disabled_at = now() where account_id = ${ALICE}`],
    [
      'an account has another name and address',
      `update accounts set name = 'A', email = 'a@b.example' where account_id = ${ALICE}`,
    ],
    ['clients are gone', `delete from clients where client_id in ('demo-web', 'gateway')`],
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
    [
      'a session is of somebody else',
      `update artifacts set account_id = 'x', payload = (payload::jsonb || '{"accountId": "x"}')::text where kind = 'Session'`,
    ],
    ['a token has expired', editTokens(`'exp', ${PAST}`)],
    ['a token expires at this moment', editTokens(`'exp', ${PAST} + 1`)],
    ['tokens are bound to a certificate', editTokens(`'x5t#S256', 'x'`)],
    ['tokens are bound to two keys', editTokens(`'x5t#S256', 'x', 'jkt', 'y'`)],
    ['all tokens are revoked', `update tokens set revoked_at = now()`],
    ['a resource server is gone', `delete from resource_servers where identifier = '${LEDGER}'`],
    ['the default one is gone', `delete from resource_servers where is_default`],
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
      await restore();
    }
  });
});
