import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { introspect, send } from '../testing/relying-party.ts';
import { postgresOfTester } from '../testing/test-kit.ts';
import { dropLeftovers, markHeld, throwawayName } from './leftovers.ts';
import { refuseProduction } from './test-config.ts';
import { connectTestServer, startTestServer, type TestServerClient } from './test-kit.ts';
import { openTestPostgres } from './test-postgres.ts';
import { prepareDatabase } from './throwaway-database.ts';

const MAIN = join(import.meta.dirname, '../main.ts');

let databaseUrl: string;
let admin: pg.Client;
beforeAll(async () => {
  databaseUrl = await postgresOfTester();
  admin = new pg.Client({ connectionString: databaseUrl });
  await admin.connect();
});
afterAll(() => admin.end());

const nameOf = ({ databaseUrl: url }: TestServerClient) => new URL(url).pathname.slice(1);
const exists = async (server: TestServerClient) =>
  (await admin.query('select from pg_database where datname = $1', [nameOf(server)])).rowCount === 1;
const isHeld = async (server: TestServerClient) =>
  (await admin.query('select from pg_stat_activity where datname = $1', [nameOf(server)])).rowCount !== 0;

/** By the command line, as anybody would. */
async function command(...argv: string[]): Promise<{ child: ChildProcess; server: TestServerClient }> {
  const child = spawn(process.execPath, [MAIN, 'test-server', '--json', ...argv], {
    env: { ...process.env, DATABASE_URL: databaseUrl },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the test server did not start')));
  const [line] = await Promise.race([once(child.stdout.setEncoding('utf8'), 'data'), ended]);
  return { child, server: connectTestServer(JSON.parse(line)) };
}

it('what a killed server leaves behind is dropped by the next, and what others use is not', async () => {
  const killed = await command();
  killed.child.kill('SIGKILL');
  await expect.poll(() => isHeld(killed.server)).toBe(false);
  expect(await exists(killed.server)).toBe(true);
  const [one, other] = await Promise.all([startTestServer({ databaseUrl }), command('--until-stdin-ends')]);
  await expect.poll(() => exists(killed.server)).toBe(false);

  // Side by side they know nothing of each other, and each has a time of its own.
  await one.clock.advance({ days: 300 });
  await one.accounts.create({ email: 'only@one.example' });
  expect((await other.server.clock.now()).getTime() - Date.now()).toBeLessThan(3600_000);
  expect(await other.server.accounts.find('only@one.example')).toBeUndefined();
  const { access_token } = await one.issueToken({ client: 'demo-web', account: 'alice@example.com' });
  expect(await introspect(other.server.issuer, access_token)).toEqual({ active: false });

  // One ends as it is told, the other because nobody is left who could tell it.
  other.child.stdin?.destroy();
  await Promise.all([one.stop(), once(other.child, 'exit')]);
  expect(await Promise.all([exists(one), exists(other.server)])).toEqual([false, false]);
  await expect(send(one.issuer)).rejects.toThrow('fetch failed');
  await expect(one.accounts.list()).rejects.toThrow(`${one.controlUrl} does not answer: it has ended`);
});

it('what only looks like a leftover is left alone', async () => {
  const others = ['concierge_test_01_unit', 'concierge_template_mine', 'concierge_template_0123456789abcdef'];
  for (const name of others) {
    await admin.query(`drop database if exists ${name}`);
    await admin.query(`create database ${name} template template0`);
    await admin.query(`comment on database ${name} is 'ours, in 2020'`);
  }
  const leftover = throwawayName();
  await admin.query(`create database ${leftover} template template0`);
  await markHeld(admin, leftover);
  try {
    await dropLeftovers(databaseUrl);
    const { rows } = await admin.query('select datname from pg_database where datname = any ($1) order by 1', [
      [leftover, ...others],
    ]);
    expect(rows.map(({ datname }) => datname)).toEqual(others.toSorted());
  } finally {
    for (const name of others) {
      await admin.query(`drop database if exists ${name}`);
    }
  }
});

describe('a test server refuses', () => {
  it('what looks like production', async () => {
    expect(() => refuseProduction({ env: { NODE_ENV: 'production' }, file: undefined })).toThrow('NODE_ENV');
    const file = join(import.meta.dirname, '../../config/production.example.yaml');
    expect(() => refuseProduction({ env: {}, file })).toThrow('on this machine only');
    expect(() => refuseProduction({ env: { CONCIERGE_ISSUER: 'http://10.0.0.1' }, file: undefined })).toThrow(
      '10.0.0.1',
    );
    expect(refuseProduction({ env: { CONCIERGE_ISSUER: 'http://127.0.0.1:1/login' }, file: undefined })).toBe('/login');
  });

  it('a database that it cannot make one beside, and says what to do', async () => {
    await expect(prepareDatabase(`${databaseUrl}_not_there`)).rejects.toThrow('any will do');
    const poor = await postgresOfTester({ mayCreate: false });
    await expect(prepareDatabase(poor)).rejects.toThrow('alter role NAME createdb');
    await expect(openTestPostgres('mysql://localhost', {})).rejects.toThrow('is not a PostgreSQL URL');
  });
});
