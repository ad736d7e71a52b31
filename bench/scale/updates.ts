/**
 * What free space in a page is worth to rows that are updated in place: node bench/scale/updates.ts [ROWS].
 * docs/decisions/0004 tells the outcome.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrate.ts';

const ROWS = Number(process.argv[2] ?? 200_000);
const directory = process.argv[3] ?? `/tmp/concierge-updates-${process.pid}`;
const server = await startEmbeddedPostgres({ directory, settings: { shared_buffers: '512MB', autovacuum: 'off' } });
const url = await server.ensureDatabase('updates');
await migrate({ url, directory: join(import.meta.dirname, '../../migrations/authorization-server') });
const pool = new pg.Pool({ connectionString: url, max: 1 });

/** Saves every row some times over, in small batches in another order than they were made, and tells what that cost. */
async function measure(name: string, table: string, rounds: number, update: (batch: number) => string): Promise<void> {
  const batches = 200;
  await pool.query('checkpoint');
  const before = await figures(table);
  for (let round = 0; round < rounds; round += 1) {
    for (let batch = 0; batch < batches; batch += 1) {
      await pool.query(`${update(round)} where (n * 7919) % ${batches} = ${batch}`);
    }
  }
  const after = await figures(table);
  const updates = after.updates - before.updates;
  const share = (100 * (after.hot - before.hot)) / updates;
  const wal = (after.wal - before.wal) / updates;
  console.log(
    `${name.padEnd(56)} HOT ${share.toFixed(0).padStart(3)} %  WAL ${wal.toFixed(0).padStart(5)} B/update  heap ${mb(before.heap)} -> ${mb(after.heap)} MB  indexes ${mb(before.indexes)} -> ${mb(after.indexes)} MB`,
  );
  await pool.query(`drop table ${table}`);
}

const mb = (bytes: number) => (bytes / 1e6).toFixed(0);

async function figures(table: string) {
  await pool.query('select pg_stat_force_next_flush()');
  const { rows } = await pool.query(
    `select n_tup_upd::float8 as updates, n_tup_hot_upd::float8 as hot, pg_relation_size(relid)::float8 as heap,
      pg_indexes_size(relid)::float8 as indexes, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as wal
      from pg_stat_user_tables where relname = $1`,
    [table],
  );
  return rows[0];
}

async function like(table: string, fillfactor: number, fill: string): Promise<void> {
  const source = table === 'sessions' ? 'artifacts' : 'tokens';
  await pool.query(`create table ${table} (like ${source} including all) with (fillfactor = ${fillfactor});
    alter table ${table} add column n integer`);
  await pool.query(fill);
  await pool.query(`vacuum analyze ${table}`);
}

const HOURLY = `date_trunc('hour', now() + interval '14 days') + interval '1 hour'`;
const EXACT = `now() + interval '14 days'`;

try {
  for (const fillfactor of [100, 85, 70]) {
    for (const expiresAt of [HOURLY, EXACT]) {
      await like(
        'sessions',
        fillfactor,
        `insert into sessions (key, kind, account_id, uid, payload, expires_at, n)
        select gen_random_uuid(), 'Session', 'account' || n, 'uid' || n, repeat(md5(n::text), 18), ${expiresAt}, n
        from generate_series(1, ${ROWS}) as n`,
      );
      const what = `session, fill factor ${fillfactor}, expiry ${expiresAt === HOURLY ? 'rounded up' : 'exact'}`;
      await measure(
        what,
        'sessions',
        3,
        (round) =>
          `update sessions set payload = repeat(md5((n + ${round})::text), 18), expires_at = ${expiresAt === HOURLY ? HOURLY : "clock_timestamp() + interval '14 days'"}`,
      );
    }
  }
  for (const fillfactor of [100, 90, 80, 70]) {
    await like(
      'refreshes',
      fillfactor,
      `insert into refreshes (slot, key, kind, grant_id, account_id, payload, n)
      select n / 50, gen_random_uuid(), 'RefreshToken', gen_random_uuid(), 'account' || n, repeat(md5(n::text), 8), n
      from generate_series(1, ${ROWS}) as n`,
    );
    await measure(
      `refresh token used once, fill factor ${fillfactor}`,
      'refreshes',
      1,
      () => `update refreshes set consumed_at = clock_timestamp(), successors = repeat(md5(n::text), 5)`,
    );
  }
} finally {
  await pool.end();
  await server.stop();
  await rm(server.directory, { recursive: true, force: true });
}
