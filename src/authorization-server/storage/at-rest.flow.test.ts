/**
 * Every flow once, then everything the database was ever told and everything the server logged: neither may hold what
 * opens a door. (RFC 9700 and RFC 6749 §10 speak of leaked tokens; a backup and a log are where most of them leak.)
 */
import { createHash, randomBytes } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '../../logging/create-logger.ts';
import { SECRET, startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { driveEveryFlow, makeEveryMistake, WRONG_PASSWORD } from '../../testing/every-flow.ts';
import { DEMO_API, DEMO_MACHINE, DEMO_PASSWORD_CLIENT, DEMO_WEB, postForm } from '../../testing/relying-party.ts';
import { REPORTER } from '../../testing/tokens-from-tokens.ts';
import { DEMO_PASSWORD } from '../../testing/user-agent.ts';
import { findSecrets, startWiretap } from '../../testing/wiretap.ts';

let server: TestServer;
let wiretap: ReturnType<typeof startWiretap>;
const log: string[] = [];

beforeAll(async () => {
  const logger = createLogger('trace', { write: (line: string) => void log.push(line) });
  server = await startTestServer({ logger, config: (config) => ({ ...config, log: { level: 'trace' } }) });
  await keepEverythingWritten(server.pool);
  wiretap = startWiretap();
  await driveEveryFlow(server);
  await makeEveryMistake(server);
  wiretap.stop();
}, 60_000);

afterAll(() => server.stop());

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
    where relkind in ('r', 'p', 'm') and not relispartition and nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and nspname <> 'witness'`);
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
      'assertion',
      'password',
      'refresh_token',
      'state',
      'subject_token',
      'token',
      'xsrf',
      'cookie session',
      'cookie session.sig',
      'cookie interaction',
    ];
    expect([...wiretap.secrets.keys()]).toEqual(expect.arrayContaining([...sorts, ...more]));
    expect(wiretap.secrets.get('client_secret')).toEqual(
      new Set(
        [DEMO_WEB, DEMO_API, DEMO_MACHINE, DEMO_PASSWORD_CLIENT, REPORTER]
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
