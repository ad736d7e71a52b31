import { hash } from 'node:crypto';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { createReceiver, type ReceivedEvent } from '../../testing/event-stream.ts';
import { createRegistering } from '../../testing/registering.ts';
import {
  createRelyingParty,
  DEMO_API,
  DEMO_MACHINE,
  DEMO_PASSWORD_CLIENT,
  DEMO_WEB,
  introspect,
  revoke,
  type TokenSet,
  tokensOf,
} from '../../testing/relying-party.ts';
import { DEMO_PASSWORD, UserAgent } from '../../testing/user-agent.ts';
import { PostgresAccountStore } from '../storage/accounts.ts';
import { keyOfArtifact } from '../storage/artifact-payload.ts';
import { createBrowserSessions } from '../storage/browser-sessions.ts';
import { createGrantStore } from '../storage/grants.ts';
import { createOwnAccountStore } from '../storage/own-account.ts';
import { endGrantsOfAccount, revokeByAccountId, revokeByClientId } from '../storage/revocation-statements.ts';

/**
 * Every way in which an answer of introspection that somebody remembers becomes wrong, and that an event tells of it. A new way
 * belongs here.
 */
const CAEP = 'https://schemas.openid.net/secevent/caep/event-type';
const RISC = 'https://schemas.openid.net/secevent/risc/event-type';
const OAUTH = 'https://schemas.openid.net/secevent/oauth/event-type';
const CHANGED = `${CAEP}/token-claims-change`;
const TOKENS = `${OAUTH}/tokens-revoked`;
const SESSION = `${CAEP}/session-revoked`;

const SCOPE = 'openid records:read';
const API = 'http://localhost:3001';

let server: TestServer;
let stream: Awaited<ReturnType<ReturnType<typeof createReceiver>['open']>>;
let used = 0;
let exchanged: Parameters<ReturnType<typeof web>['exchange']>[0];
beforeAll(async () => {
  server = await startTestServer();
  await server.apply({
    clients: ['doomed', 'changed', 'disabled'].map((client_id) => ({
      client_id,
      client_secret: `${client_id}-secret`,
      grant_types: ['password'],
      scope: SCOPE,
    })),
    // One for each way, and for each test after them.
    accounts: Array.from({ length: WAYS.length + 10 }, (_one, index) => ({
      email: `person-${index}@example.com`,
      name: `Person ${index}`,
      password: DEMO_PASSWORD,
      roles: ['user'],
    })),
  });
  stream = await createReceiver(server.issuer).open();
});
afterAll(() => server.stop());

interface Held extends TokenSet {
  /** What the resource server was told, and remembers. */
  readonly said: Readonly<Record<string, string>>;
  readonly email: string;
  readonly browser: UserAgent;
}

const web = () => createRelyingParty(server.issuer, DEMO_WEB);
const nextEmail = () => `person-${used++}@example.com`;
const grants = () => createGrantStore(server.pool);
const accounts = () => new PostgresAccountStore(server.pool);
const sessions = () =>
  createBrowserSessions({
    pool: server.pool,
    payload: { keyOf: keyOfArtifact },
    currentRequest: () => undefined,
  });
const selected = ({ said }: Held, key = said.grant_id) => ({
  accountId: said.sub ?? '',
  clientId: said.client_id ?? '',
  key,
});

async function remembered(tokens: TokenSet, email = '', browser = new UserAgent(server.issuer)): Promise<Held> {
  const said = (await introspect(server.issuer, tokens.access_token)) as Held['said'];
  expect(said).toMatchObject({ active: true, jti: expect.any(String) });
  return { ...tokens, said, email, browser };
}

/** Of a browser's session. */
async function signedIn(): Promise<Held> {
  const [email, browser] = [nextEmail(), new UserAgent(server.issuer)];
  return remembered(await web().obtainTokens({ scope: SCOPE }, { email }, browser), email, browser);
}

async function byPassword(client = DEMO_PASSWORD_CLIENT): Promise<Held> {
  const username = nextEmail();
  const parameters = { grant_type: 'password', scope: SCOPE, username, password: DEMO_PASSWORD };
  return remembered(tokensOf(await createRelyingParty(server.issuer, client).requestToken(parameters)), username);
}

async function byMachine(): Promise<Held> {
  const parameters = { grant_type: 'client_credentials', scope: 'records:read' };
  return remembered(tokensOf(await createRelyingParty(server.issuer, DEMO_MACHINE).requestToken(parameters)));
}

const of = (clientId: string) => () => byPassword({ clientId, secret: `${clientId}-secret` });
const sql = (text: string, ...values: unknown[]) => server.pool.query(text, values);

type Way = readonly [name: string, uri: string, obtain: () => Promise<Held>, end: (held: Held) => Promise<unknown>];

const WAYS: readonly Way[] = [
  [
    'a client revokes a token',
    `${OAUTH}/token-revoked`,
    signedIn,
    (held) => revoke(server.issuer, held.access_token, DEMO_WEB),
  ],
  [
    'a machine revokes its token',
    `${OAUTH}/token-revoked`,
    byMachine,
    (held) => revoke(server.issuer, held.access_token, DEMO_MACHINE),
  ],
  [
    'a client gives its grant back',
    TOKENS,
    byPassword,
    (held) => revoke(server.issuer, held.refresh_token, DEMO_PASSWORD_CLIENT),
  ],
  [
    'a refresh token is used a second time',
    TOKENS,
    signedIn,
    async ({ refresh_token }) => {
      const next = tokensOf(await web().refresh(refresh_token));
      await web().refresh(next.refresh_token);
      expect((await web().refresh(refresh_token)).status).toBe(400);
    },
  ],
  [
    'a code is used a second time',
    TOKENS,
    async () => {
      const authorization = await web().authorize({ scope: SCOPE }, { email: nextEmail() });
      exchanged = { code: authorization.code, verifier: authorization.verifier };
      return remembered(tokensOf(await web().exchange(exchanged)));
    },
    async () => expect((await web().exchange(exchanged)).status).toBe(400),
  ],
  [
    'the browser signs out',
    SESSION,
    signedIn,
    async ({ browser }) => browser.signOut(await browser.get(server.url('/session/end'))),
  ],
  [
    'a browser is signed out from another',
    SESSION,
    signedIn,
    async ({ said }) => {
      const [session] = await sessions().list(said.sub ?? '');
      await sessions().end(said.sub ?? '', [session?.uid ?? '']);
    },
  ],
  ['all browsers are signed out', SESSION, signedIn, ({ said }) => sessions().end(said.sub ?? '', 'all')],
  [
    'somebody else signs in with the browser',
    SESSION,
    signedIn,
    ({ browser }) =>
      web()
        .obtainTokens({ scope: SCOPE, prompt: 'login' }, { email: nextEmail() }, browser)
        .catch(() => undefined),
  ],
  [
    'a browser gets another grant for a client',
    CHANGED,
    signedIn,
    async (held) => {
      await grants().revoke(selected(held));
      await web().obtainTokens({ scope: SCOPE }, { email: held.email }, held.browser);
    },
  ],
  ['one grant is withdrawn', TOKENS, byPassword, (held) => grants().revoke(selected(held))],
  [
    'access is withdrawn from a client',
    TOKENS,
    byPassword,
    (held) => grants().revoke({ ...selected(held), key: undefined }),
  ],
  [
    'what came of grants ends, and they stay',
    TOKENS,
    byPassword,
    (held) => grants().endTokens({ ...selected(held), key: undefined }),
  ],
  [
    'a scope is taken away from a grant',
    CHANGED,
    byPassword,
    (held) => grants().change(selected(held), { withoutScope: { scope: 'records:read', at: API } }),
  ],
  [
    'a grant is cut short',
    CHANGED,
    byPassword,
    (held) => grants().change(selected(held), { end: { until: new Date(Date.now() + 5_000), lasts: undefined } }),
  ],
  [
    'everything of an account ends',
    SESSION,
    byPassword,
    ({ said }) => server.pool.query(revokeByAccountId(said.sub ?? '')),
  ],
  [
    'an account takes back all access',
    SESSION,
    byPassword,
    ({ said }) => server.pool.query(endGrantsOfAccount(said.sub ?? '', 'console')),
  ],
  [
    'an account is disabled',
    `${RISC}/account-disabled`,
    byPassword,
    ({ said }) => accounts().setDisabled(said.sub ?? '', true),
  ],
  [
    'an account is deleted',
    `${RISC}/account-purged`,
    byPassword,
    ({ said }) => accounts().deleteAccount(said.sub ?? ''),
  ],
  [
    'somebody deletes their account',
    `${RISC}/account-purged`,
    byPassword,
    ({ said }) => createOwnAccountStore(server.pool, 'admin').deleteOwn(said.sub ?? ''),
  ],
  [
    'a person has another name',
    CHANGED,
    byPassword,
    ({ said }) => sql('update accounts set name = $2 where account_id = $1', said.sub, 'Other'),
  ],
  [
    'a person has another address',
    CHANGED,
    byPassword,
    ({ said }) => sql(`update accounts set email = 'other@example.com' where account_id = $1`, said.sub),
  ],
  [
    'an account loses a role',
    CHANGED,
    byPassword,
    ({ said }) => sql('delete from account_roles where account_id = $1', said.sub),
  ],
  [
    'an account gets a role',
    CHANGED,
    byPassword,
    ({ said }) => sql(`insert into account_roles values ($1, 'admin')`, said.sub),
  ],
  [
    'the directory gives an account other roles',
    CHANGED,
    byPassword,
    ({ email }) => server.apply({ accounts: [{ email, name: 'X', roles: ['guest'] }] }),
  ],
  [
    'the directory takes a scope from a client',
    CHANGED,
    of('changed'),
    () =>
      server.apply({
        clients: [
          { client_id: 'changed', client_secret: 'changed-secret', grant_types: ['password'], scope: 'openid' },
        ],
      }),
  ],
  [
    'a client is disabled',
    CHANGED,
    of('disabled'),
    () => sql(`update clients set disabled_at = now() where client_id = 'disabled'`),
  ],
  [
    'everything of a client ends',
    `${OAUTH}/client-disabled`,
    of('doomed'),
    () => server.pool.query(revokeByClientId('doomed')),
  ],
  [
    'a client is deleted',
    `${OAUTH}/client-disabled`,
    of('doomed'),
    () => sql(`delete from clients where client_id = 'doomed'`),
  ],
  [
    'a role permits less',
    CHANGED,
    byPassword,
    () => server.apply({ roles: [{ name: 'user', scopes: ['records:write'] }] }),
  ],
  [
    'a resource server has other scopes',
    CHANGED,
    byMachine,
    () => sql(`update scopes set description = 'x' where name = 'records:read'`),
  ],
];

it.each(WAYS)('C87: tells resource servers when %s', async (_name, uri, obtain, end) => {
  const held = await obtain();
  await stream.events();
  await end(held);
  const events = await stream.events();
  expect(events.filter((event) => concerns(event, held.said)).map((event) => event.uri)).toContain(uri);
  expect(JSON.stringify(events)).not.toContain(held.access_token);
});

it('C87: names a JWT by the hash of its jti, and what it ends with as it says itself', async () => {
  await server.apply({
    resourceServers: [
      {
        identifier: 'https://jwt.example',
        name: 'JWT',
        accessTokenFormat: 'jwt',
        scopes: [{ name: 'jwt:read', description: 'x' }],
      },
    ],
    clients: [
      { client_id: 'jwt-machine', client_secret: 'jwt-secret', grant_types: ['client_credentials'], scope: 'jwt:read' },
    ],
  });
  const machine = { clientId: 'jwt-machine', secret: 'jwt-secret' };
  const parameters = { grant_type: 'client_credentials', scope: 'jwt:read', resource: 'https://jwt.example' };
  const { access_token } = tokensOf(await createRelyingParty(server.issuer, machine).requestToken(parameters));
  await stream.events();
  await revoke(server.issuer, access_token, machine);
  const jti = hash('sha256', `Token\0${decodeJwt(access_token).jti}`, 'hex').slice(0, 32);
  expect(await stream.events()).toMatchObject([{ subject: { format: 'jwt_id', iss: server.issuer, jti } }]);
});

it('C87: tells of a client that registered itself when it changes, and when it goes; not when it comes', async () => {
  const { registered, manage } = createRegistering(server);
  await stream.events();
  const client = await registered();
  expect(await stream.events()).toEqual([]);
  const { body } = await manage(client, 'PUT', {
    client_id: client.client_id,
    redirect_uris: ['https://other.example/'],
  });
  const application = { format: 'opaque', id: client.client_id };
  expect(await stream.events()).toMatchObject([{ uri: CHANGED, subject: { format: 'complex', application } }]);
  await manage({ ...client, ...body } as typeof client, 'DELETE');
  expect(await stream.events()).toMatchObject([{ uri: `${OAUTH}/client-disabled`, subject: { application } }]);
});

it('makes one event of many that change at once', async () => {
  await stream.events();
  await sql(`insert into account_roles select account_id, 'admin' from accounts on conflict do nothing`);
  const few = await stream.events();
  expect(few.length).toBeGreaterThan(10);
  await sql(
    `insert into accounts (account_id, email, email_canonical, name) select i::text, i::text, i::text, 'x' from generate_series(1, 101) i`,
  );
  await sql(`insert into account_roles select i::text, 'user' from generate_series(1, 101) i`);
  expect(await stream.events()).toMatchObject([{ uri: CHANGED, subject: { format: 'uri', uri: server.issuer } }]);
});

it('tells nothing of tokens that come, are used, replaced and run out', async () => {
  const { refresh_token, access_token } = await byPassword();
  await stream.events();
  const party = createRelyingParty(server.issuer, DEMO_PASSWORD_CLIENT);
  tokensOf(await party.refresh(refresh_token));
  await introspect(server.issuer, access_token, DEMO_API);
  expect(await stream.events()).toEqual([]);
});

type Member = 'grant' | 'session' | 'user' | 'application';
type Subject = Partial<Record<'format' | 'jti' | 'sub' | 'uri', string>> &
  Partial<Record<Member, { readonly id?: string; readonly sub?: string }>>;

/** As docs/shared-signals.md tells receivers to compare. */
function concerns({ subject }: ReceivedEvent, said: Held['said']): boolean {
  const { format, jti, sub, uri, grant, session, user, application } = subject as Subject;
  const members: [Subject[Member], string | undefined][] = [
    [grant, said.grant_id],
    [session, said.sid],
    [user, said.sub],
    [application, said.client_id],
  ];
  switch (format) {
    case 'jwt_id':
      return jti === said.jti;
    case 'iss_sub':
      return sub === said.sub;
    case 'uri':
      return uri === server.issuer;
    default:
      return members.every(([member, value]) => member === undefined || (member.id ?? member.sub) === value);
  }
}
