/**
 * Every flow once, then everything the database was ever told and everything the server logged: neither may hold what
 * opens a door. (RFC 9700 and RFC 6749 §10 speak of leaked tokens; a backup and a log are where most of them leak.)
 */
import { createHash, randomBytes } from 'node:crypto';
import type pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECRET, startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import {
  ALICE,
  createRelyingParty,
  DEMO_API,
  DEMO_IMPLICIT,
  DEMO_MACHINE,
  DEMO_PASSWORD_CLIENT,
  DEMO_SPA,
  DEMO_WEB,
  encode,
  introspect,
  postForm,
  revoke,
  tokensOf,
} from '../../testing/relying-party.ts';
import { DEMO_PASSWORD, UserAgent } from '../../testing/user-agent.ts';
import { findSecrets, startWiretap } from '../../testing/wiretap.ts';

const HYBRID = { clientId: 'hybrid', secret: 'hybrid-secret', redirectUri: 'http://localhost:3002/callback' };
const WRONG_PASSWORD = 'a-wrong-password-is-often-another-right-one';
const SCOPE = 'openid profile offline_access records:read';

let server: TestServer;
let wiretap: ReturnType<typeof startWiretap>;
const log: string[] = [];

beforeAll(async () => {
  const logger = pino({ level: 'trace' }, { write: (line: string) => void log.push(line) });
  server = await startTestServer({ logger, config: (config) => ({ ...config, log: { level: 'trace' } }) });
  await server.apply({
    clients: [
      {
        client_id: HYBRID.clientId,
        client_secret: HYBRID.secret,
        grant_types: ['authorization_code', 'implicit', 'refresh_token'],
        response_types: ['code id_token token'],
        redirect_uris: [HYBRID.redirectUri],
        scope: SCOPE,
      },
    ],
  });
  await keepEverythingWritten(server.pool);
  wiretap = startWiretap();
  await everyFlow();
  await everyMistake();
  wiretap.stop();
}, 60_000);

afterAll(() => server.stop());

const state = () => `state-${randomBytes(12).toString('base64url')}`;
const rp = (client: Parameters<typeof createRelyingParty>[1]) => createRelyingParty(server.issuer, client);

async function everyFlow() {
  await codeAndLogout();
  await pendingPages();
  await frontChannel();
  await withoutBrowser();
}

/** A code grant to its end, another that never comes back, and a sign-out of which the person only saw the question. */
async function codeAndLogout() {
  const browser = new UserAgent(server.issuer);
  const web = rp(DEMO_WEB);
  const authorization = await web.authorize({ scope: SCOPE, prompt: 'consent', state: state() }, ALICE, browser);
  const tokens = tokensOf(await web.exchange(authorization));
  const rotated = tokensOf(await web.refresh(tokens.refresh_token));
  await fetch(server.url('/me'), { headers: { authorization: `Bearer ${rotated.access_token}` } });
  expect(await introspect(server.issuer, rotated.access_token)).toMatchObject({ active: true });
  await revoke(server.issuer, rotated.access_token, DEMO_WEB);
  await web.authorize({ scope: SCOPE, state: state() }, ALICE, browser);
  await rp(DEMO_SPA).obtainTokens({ scope: SCOPE, prompt: 'consent', state: state() }, ALICE, browser);
  const goodbye = {
    id_token_hint: tokens.id_token,
    post_logout_redirect_uri: 'http://localhost:3002/',
    state: state(),
  };
  const question = await browser.get(`/session/end?${encode(goodbye)}`);
  expect(question.html).toContain('name="xsrf"');
  await signOutForGood(web);
}

async function signOutForGood(web: ReturnType<typeof rp>) {
  const browser = new UserAgent(server.issuer);
  const tokens = await web.obtainTokens({ state: state() }, ALICE, browser);
  const question = await browser.get(`/session/end?${encode({ id_token_hint: tokens.id_token, state: state() })}`);
  const xsrf = question.html.match(/name="xsrf" value="([^"]+)"/)?.[1] ?? '';
  await browser.post('/session/end/confirm', { xsrf, logout: 'yes' });
  expect(await introspect(server.issuer, tokens.access_token)).toEqual({ active: false });
}

/** People who left in the middle: at the sign-in page, after a wrong password, and at the consent page. */
async function pendingPages() {
  const request = () => rp(DEMO_WEB).authorizationUrl({ scope: SCOPE, prompt: 'consent', state: state() });
  await new UserAgent(server.issuer).get(request());
  const browser = new UserAgent(server.issuer);
  const refused = await browser.signIn(await browser.get(request()), { ...ALICE, password: WRONG_PASSWORD });
  expect(refused.html).toContain('/sign-in"');
  const consent = await browser.signIn(refused, ALICE);
  expect(consent.html).toContain('/consent"');
}

async function frontChannel() {
  const browser = new UserAgent(server.issuer);
  for (const response_type of ['token', 'id_token', 'id_token token']) {
    const url = rp(DEMO_IMPLICIT).authorizationUrl({
      response_type,
      scope: 'openid records:read',
      nonce: state(),
      state: state(),
      code_challenge: undefined,
      code_challenge_method: undefined,
    });
    expect((await browser.authorize(url)).hash).toContain('token=');
  }
  const url = rp(HYBRID).authorizationUrl({
    response_type: 'code id_token token',
    scope: SCOPE,
    nonce: state(),
    state: state(),
  });
  expect((await browser.authorize(url)).hash).toMatch(/code=.*token=|token=.*code=/);
}

async function withoutBrowser() {
  const { body } = await rp(DEMO_MACHINE).requestToken({ grant_type: 'client_credentials' });
  expect(await introspect(server.issuer, String(body.access_token), DEMO_MACHINE)).toMatchObject({ active: true });
  const password = rp(DEMO_PASSWORD_CLIENT);
  const grant = { grant_type: 'password', username: ALICE.email, password: DEMO_PASSWORD, scope: SCOPE };
  const first = tokensOf(await password.requestToken(grant));
  await password.refresh(first.refresh_token);
  const second = tokensOf(await password.requestToken(grant));
  await revoke(server.issuer, second.refresh_token, DEMO_PASSWORD_CLIENT);
  tokensOf(await password.requestToken(grant));
}

/** What goes wrong is what gets logged. */
async function everyMistake() {
  const web = rp(DEMO_WEB);
  const authorization = await web.authorize({ scope: SCOPE, state: state() });
  const tokens = tokensOf(await web.exchange(authorization));
  await web.exchange(authorization);
  await web.refresh(tokens.refresh_token);
  await rp({ ...DEMO_WEB, secret: 'not-the-secret-of-anybody' }).exchange(authorization);
  await rp(DEMO_PASSWORD_CLIENT).requestToken({
    grant_type: 'password',
    username: ALICE.email,
    password: WRONG_PASSWORD,
  });
  await postForm(server.url('/token'), {
    client_id: 'demo-web',
    client_secret: DEMO_WEB.secret,
    grant_type: 'nothing',
    code: state(),
  });
  await postForm(server.url('/token'), { grant_type: 'password', password: [DEMO_PASSWORD, WRONG_PASSWORD] });
  await fetch(server.url(`/auth?${encode({ client_id: 'nobody', state: state() })}`));
  await fetch(server.url(`/me?${encode({ access_token: tokens.access_token })}`));
  await introspect(server.issuer, state());
  await withBrokenDatabase(async () => {
    expect((await web.exchange(authorization)).status).toBe(500);
    expect((await fetch(web.authorizationUrl({ state: state() }))).status).toBe(500);
    await introspect(server.issuer, tokens.access_token);
    await revoke(server.issuer, tokens.refresh_token, DEMO_WEB);
  });
}

async function withBrokenDatabase(work: () => Promise<void>) {
  await server.pool.query('alter table artifacts rename to elsewhere');
  await work();
  await server.pool.query('alter table elsewhere rename to artifacts');
}

/** What is overwritten or deleted later was at rest too. */
async function keepEverythingWritten(pool: pg.Pool) {
  await pool.query(`
    create schema witness;
    create table witness.written (written text);
    create function witness.keep() returns trigger language plpgsql as
      $$ begin insert into witness.written values (to_jsonb(new)::text); return new; end $$;`);
  for (const table of await tablesOf(pool)) {
    await pool.query(
      `create trigger witness after insert or update on ${table} for each row execute function witness.keep()`,
    );
  }
}

/** Every table that is not PostgreSQL's own, quoted. */
async function tablesOf(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query(`
    select format('%I.%I', nspname, relname) as name from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    where relkind in ('r', 'p', 'm') and nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and nspname <> 'witness'`);
  return rows.map(({ name }) => name);
}

/** Every value of every column, as PostgreSQL writes it. */
async function everythingIn(pool: pg.Pool): Promise<string> {
  const tables = [...(await tablesOf(pool)), 'witness.written'];
  const results = await Promise.all(
    tables.map((table) =>
      pool.query({
        text: `select * from ${table}`,
        rowMode: 'array',
        types: { getTypeParser: () => String },
      } as pg.QueryArrayConfig),
    ),
  );
  return results.flatMap(({ rows }) => rows.flat()).join('\n');
}

describe('what a copy of the database tells', () => {
  it('is read whole: all tables, and what was overwritten or deleted since', async () => {
    expect(await tablesOf(server.pool)).toEqual(
      expect.arrayContaining(['public.artifacts', 'public.clients', 'public.accounts', 'public.knex_migrations']),
    );
    const text = await everythingIn(server.pool);
    for (const kind of [
      'Session',
      'Interaction',
      'Grant',
      'AuthorizationCode',
      'AccessToken',
      'RefreshToken',
      'ClientCredentials',
    ]) {
      expect(text).toContain(`"kind": "${kind}"`);
    }
  });

  it('C97: opens nothing: no token, code, cookie, interaction, state, secret, password or verifier is in it', async () => {
    expect(findSecrets(await everythingIn(server.pool), wiretap.secrets)).toEqual([]);
  });

  it('C97: nor is what everything is sealed with', async () => {
    expect(await everythingIn(server.pool)).not.toContain(SECRET);
  });
});

describe('what the log tells', () => {
  it('is one line of JSON for each request, at every level, mistakes of ours included', () => {
    const lines = log.flatMap((line) => line.trimEnd().split('\n')).map((line) => JSON.parse(line));
    expect(lines.filter(({ msg }) => msg === 'request').length).toBeGreaterThan(50);
    expect(lines.some(({ level }) => level === 50)).toBe(true);
  });

  it('C92: opens nothing either', () => {
    expect(findSecrets(log.join(''), wiretap.secrets)).toEqual([]);
  });

  it('C92: stays one line for a request that holds line breaks', async () => {
    const before = log.length;
    const forged = `x\r\n{"level":30,"msg":"forged"}`;
    await postForm(server.url('/token'), { client_id: forged, grant_type: forged, username: forged, scope: forged });
    await fetch(server.url(`/${encodeURIComponent(forged)}`));
    const lines = log.slice(before).flatMap((line) => line.trimEnd().split('\n'));
    expect(lines.map((line) => JSON.parse(line).msg)).not.toContain('forged');
  });
});

describe('the search itself', () => {
  it('knows a secret of every sort, of each flow', () => {
    const sorts = [
      'access_token',
      'authorization',
      'client_secret',
      'code',
      'code_verifier',
      'id_token',
      'interaction',
    ];
    const more = [
      'password',
      'refresh_token',
      'state',
      'token',
      'xsrf',
      'cookie session',
      'cookie session.sig',
      'cookie interaction',
    ];
    expect([...wiretap.secrets.keys()]).toEqual(expect.arrayContaining([...sorts, ...more]));
    expect(wiretap.secrets.get('client_secret')).toEqual(
      new Set(
        [DEMO_WEB, DEMO_API, DEMO_MACHINE, DEMO_PASSWORD_CLIENT]
          .map(({ secret }) => secret)
          .concat('not-the-secret-of-anybody'),
      ),
    );
    expect(wiretap.secrets.get('password')).toEqual(new Set([DEMO_PASSWORD, WRONG_PASSWORD]));
  });

  it('finds what is there, in any spelling', () => {
    const secret = randomBytes(24).toString('base64url');
    const secrets = new Map([['token', new Set([secret])]]);
    const inside = [0, 1, 2].map((n) => Buffer.from(`${'x'.repeat(n)}{"jti":"${secret}"}`));
    const spellings = [
      secret,
      ...inside.flatMap((one) => [one.toString('base64'), one.toString('base64url'), one.toString('hex')]),
    ];
    for (const spelling of spellings) {
      expect(findSecrets(`before ${spelling} after`, secrets)).toEqual([`token ${secret}`]);
    }
    expect(findSecrets(createHash('sha256').update(secret).digest('base64url'), secrets)).toEqual([]);
  });
});
