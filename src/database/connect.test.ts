import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createPool } from './connect.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded.ts';

let directory: string;
let server: EmbeddedPostgres;

beforeAll(async () => {
  directory = await mkdtemp(join(inject('scratchDirectory'), 'connect-'));
  await chmod(directory, 0o755);
  server = await startEmbeddedPostgres({ directory: join(directory, 'postgres') });
});

afterAll(async () => {
  await server.stop();
  await Promise.all([directory, server.directory].map((path) => rm(path, { recursive: true, force: true })));
});

/** What `pg_ctl restart -m immediate` does: connections are cut without a word, and the port is the same again. */
async function restartPostgres(): Promise<void> {
  const pidFile = await readFile(join(server.directory, 'cluster', 'postmaster.pid'), 'utf8');
  process.kill(Number.parseInt(pidFile, 10), 'SIGQUIT');
  await server.stop();
  const settings = { port: String(server.port) };
  server = await startEmbeddedPostgres({ directory: join(directory, 'postgres'), settings });
}

const connection = () => ({ url: server.url('postgres'), max: 5, applicationName: 'concierge test' });

describe('createPool', () => {
  it('survives a restart of PostgreSQL while its connections are idle, and reports the loss', async () => {
    const warnings: object[] = [];
    const pool = createPool({ ...connection(), logger: { warn: (details) => warnings.push(details) } });
    await Promise.all([1, 2, 3].map((n) => pool.query('select $1::int', [n])));
    await restartPostgres();
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    expect(warnings.length).toBeGreaterThan(0);
    await pool.end();
  });

  it('survives a restart of PostgreSQL while queries and a transaction are under way', async () => {
    const pool = createPool(connection());
    const client = await pool.connect();
    await client.query('begin');
    const outcomes = Promise.allSettled([1, 2, 3].map(() => pool.query('select pg_sleep(5)')));
    await pool.query('select 1'); // On a connection that was opened after theirs.
    await restartPostgres();
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    await expect(client.query('commit')).rejects.toThrow();
    client.release(true);
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await pool.end();
  });

  it('fails within seconds when PostgreSQL is away', async () => {
    const pool = createPool({ ...connection(), url: 'postgres://postgres@127.0.0.1:1/postgres' });
    await expect(pool.query('select 1')).rejects.toThrow('ECONNREFUSED');
    await pool.end();
  });

  it('limits how long a statement and an idle transaction may take', async () => {
    const pool = createPool(connection());
    const { rows } = await pool.query(
      "select name, setting::int from pg_settings where name in ('statement_timeout', 'idle_in_transaction_session_timeout') order by name",
    );
    expect(rows.map(({ setting }) => setting)).toEqual([10_000, 10_000]);
    await pool.end();
  });

  it.each([true, false])('prepares statements that have a name, unless told not to: %s', async (preparedStatements) => {
    const pool = createPool({ ...connection(), max: 1, preparedStatements });
    const named = { name: 'one', text: 'select $1::int as one', values: [1] };
    expect((await pool.query(named)).rows).toEqual([{ one: 1 }]);
    const client = await pool.connect();
    expect((await client.query(named)).rows).toEqual([{ one: 1 }]);
    const { rows } = await client.query('select name from pg_prepared_statements');
    client.release();
    expect(rows).toEqual(preparedStatements ? [{ name: 'one' }] : []);
    await pool.end();
  });
});
