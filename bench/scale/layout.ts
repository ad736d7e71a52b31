/** Compares ways to lay out the table of tokens, full: node bench/scale/layout.ts [ROWS]. docs/decisions/0004 tells the outcome. */
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { keyFirst, type Layout, plain, slotFirst, slotsNow } from './layouts.ts';

const ROWS = Number(process.argv[2] ?? 10_000_000);
const EXPIRED = ROWS / 10;
const directory = process.argv[3] ?? `/tmp/concierge-layout-${process.pid}`;
const settings = { shared_buffers: '1GB', max_wal_size: '8GB', autovacuum: 'off', max_connections: '50' };

const server = await startEmbeddedPostgres({ directory, settings });
const pool = new pg.Pool({ connectionString: server.url('postgres'), max: 8 });
pool.on('error', () => {});

const number = async (text: string) => Number(Object.values((await pool.query(text)).rows[0] ?? {})[0]);
const wal = () => number(`select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')`);

async function measured(work: () => Promise<unknown>) {
  const [start, from] = [performance.now(), await wal()];
  await work();
  return { seconds: (performance.now() - start) / 1000, wal: (await wal()) - from };
}

function report(layout: Layout, what: string, figures: Record<string, number | string>): void {
  const text = Object.entries(figures).map(
    ([name, value]) => `${name} ${typeof value === 'number' ? Number(value.toPrecision(4)) : value}`,
  );
  console.log(`${layout.name.padEnd(30)} ${what.padEnd(28)} ${text.join(', ')}`);
}

async function load(layout: Layout) {
  await pool.query(layout.create);
  const { seconds, wal } = await measured(async () => {
    // Expired for an hour to two; the others expire within the next hour.
    await pool.query(layout.load(EXPIRED, 2 * 3600, 3600 + 1));
    for (let part = 0; part < 9; part += 1) {
      await pool.query(layout.load((ROWS - EXPIRED) / 9, 3500 - part * 380, 3500 - (part + 1) * 380));
    }
  });
  report(layout, 'load', { 'rows/s': ROWS / seconds, 'WAL B/row': wal / ROWS });
  const { table } = layout;
  const tree = `select '${table}'::regclass::oid union select inhrelid from pg_inherits where inhparent = '${table}'::regclass`;
  const indexes = await number(`select sum(pg_indexes_size(relid)) from (${tree}) as tree (relid)`);
  const keys = await number(
    `select sum(pg_relation_size(indexrelid)) from pg_index where indisprimary and indrelid in (${tree})`,
  );
  const heap = await number(`select sum(pg_relation_size(relid)) from (${tree}) as tree (relid)`);
  report(layout, 'bytes per row', { heap: heap / ROWS, 'primary key': keys / ROWS, 'all indexes': indexes / ROWS });
  // Not the empty ones: PostgreSQL would plan to read them from end to end, and remember that when they have filled.
  await pool.query(layout === plain ? 'analyze plain' : `analyze ${table}_past1, ${table}_0`);
}

const insert = (layout: Layout, count: number) => {
  const values = [slotsNow(count), Array.from({ length: count }, () => randomUUID())];
  return pool.query({ name: `insert-${layout.name}`, text: layout.insert, values });
};

async function during(ms: number, connections: number, work: () => Promise<unknown>): Promise<number> {
  const end = performance.now() + ms;
  let done = 0;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() < end) {
        await work();
        done += 1;
      }
    }),
  );
  return done;
}

async function insertBatches(layout: Layout, size: number) {
  await pool.query('checkpoint');
  let rows = 0;
  const { seconds, wal } = await measured(async () => {
    rows = size * (await during(5_000, 2, () => insert(layout, size)));
  });
  report(layout, `insert, batches of ${size}`, { 'rows/s': rows / seconds, 'WAL B/row': wal / rows });
}

let ids: { slot: number; key: string }[] = [];

const lookup = (layout: Layout, count: number) => {
  const wanted = Array.from(
    { length: count },
    () => ids[Math.floor(Math.random() * ids.length)] ?? { slot: 0, key: '' },
  );
  const values = [wanted.map(({ slot }) => slot), wanted.map(({ key }) => key)];
  return pool.query({ name: `lookup-${layout.name}`, text: layout.lookup, values });
};

async function lookups(layout: Layout) {
  const [from = '', where = ''] = layout.sample.split(' where ');
  ids = (await pool.query(`${from} tablesample system (0.5) where ${where || 'true'} limit 50000`)).rows;
  for (const size of [1, 32]) {
    await during(1_000, 2, () => lookup(layout, size));
    const done = await during(3_000, 2, () => lookup(layout, size));
    report(layout, `lookup, batches of ${size}`, { 'rows/s': (done * size) / 3 });
  }
}

async function explain(layout: Layout) {
  const client = new pg.Client({ connectionString: server.url('postgres') });
  await client.connect();
  await client.query(`prepare wanted (integer[], uuid[]) as ${layout.lookup}`);
  await client.query('set plan_cache_mode = force_generic_plan');
  const list = (of: 'slot' | 'key') =>
    `'{${ids
      .slice(0, 4)
      .map((id) => id[of])
      .join(',')}}'`;
  for (let run = 0; run < 3; run += 1) {
    const { rows } = await client.query(
      `explain (analyze, buffers off) execute wanted (${list('slot')}, ${list('key')})`,
    );
    if (run === 0 || run === 2) {
      console.log(rows.map((row) => `    ${row['QUERY PLAN']}`).join('\n'));
    }
  }
  await client.end();
}

/** 200 inserts and lookups a second; latency counts from the time at which each was due. */
async function latencies(layout: Layout, until: Promise<unknown>): Promise<number[]> {
  let over = false;
  until.finally(() => (over = true));
  const taken: number[] = [];
  const pending = [];
  let due = performance.now();
  while (!over) {
    const intended = due;
    const one = Math.random() < 0.5 ? insert(layout, 1) : lookup(layout, 1);
    pending.push(one.then(() => taken.push(performance.now() - intended)));
    due += -Math.log(1 - Math.random()) * 5;
    await sleep(Math.max(0, due - performance.now()));
  }
  await Promise.all(pending);
  return taken.sort((one, other) => one - other);
}

const quantile = (sorted: number[], share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;

async function purge(layout: Layout, name: string, work: () => Promise<unknown>) {
  await pool.query('checkpoint');
  const idle = await latencies(layout, sleep(5_000));
  const run = measured(work);
  // So that there is something to take the quantiles of, however fast the purge was.
  const busy = await latencies(
    layout,
    run.then(() => sleep(500)),
  );
  const { seconds, wal } = await run;
  report(layout, name, {
    seconds,
    'WAL MB': wal / 1e6,
    'p99 idle ms': quantile(idle, 0.99),
    'p99 ms': quantile(busy, 0.99),
    'max ms': quantile(busy, 0.9999),
  });
}

const REMOVE = `with expired as (select key from plain where expires_at < now() - interval '5 minutes'
    order by expires_at limit 1000 for update skip locked)
  delete from plain using expired where plain.key = expired.key`;

try {
  console.log((await pool.query('select version()')).rows[0].version, `${ROWS} rows, ${EXPIRED} of them expired`);
  for (const layout of [slotFirst, keyFirst, plain]) {
    const { table } = layout;
    await load(layout);
    await insertBatches(layout, 64);
    await insertBatches(layout, 1);
    await lookups(layout);
    if (layout !== plain) {
      await explain(layout);
      await purge(layout, 'purge by partition', async () => {
        await pool.query(`alter table ${table} detach partition ${table}_past1`);
        await pool.query(`drop table ${table}_past1`);
      });
    } else {
      await purge(layout, 'purge by batched deletes', async () => {
        while ((await pool.query(REMOVE)).rowCount) {}
      });
      await purge(layout, 'vacuum afterwards', () => pool.query('vacuum plain'));
    }
    await pool.query(`drop table ${table}`);
  }
} finally {
  await pool.end();
  await server.stop();
  await rm(server.directory, { recursive: true, force: true });
}
