import type { Pool } from 'pg';
import { relationsOf, type TableSize } from './storage-relations.ts';
import { SLOT_CLASSES, slotOf } from './token-slot.ts';

/** How much there is in the tables that grow. Numbers of rows are what PostgreSQL's statistics say, unless they are small. */
export interface StorageFigures {
  readonly tokens: TableFigures & { readonly partitions: number };
  readonly artifacts: TableFigures & { readonly kinds: Readonly<Record<string, number>> };
  /** Seconds since the oldest row expired that is still there; 0 when there is none. */
  readonly purgeLag: number;
  /** `undefined` until two samples have been taken, which takes an hour. */
  readonly growth: Growth | undefined;
}

export interface TableFigures {
  readonly live: number;
  /** Expired and not removed yet. */
  readonly expired: number;
  readonly bytes: { readonly heap: number; readonly indexes: number; readonly toast: number };
}

export interface Growth {
  readonly rowsPerDay: number;
  readonly bytesPerDay: number;
  /** As many days lie between the samples that say so. */
  readonly observedDays: number;
  /** In thirty days, if it goes on like this. */
  readonly projectedBytes: number;
}

/** Where counting ends, so that a store of any size is described in an instant. */
const COUNTED_AT_MOST = 100_000;
const PAGES_SAMPLED = 2_000;
const PROJECTED_DAYS = 30;

export async function readStorageFigures(database: Pick<Pool, 'query'>): Promise<StorageFigures> {
  const { now, tokens, artifacts } = await relationsOf(database);
  const [kinds, expired, withoutPartition, growth] = [
    await kindsOf(database, artifacts),
    await expiredArtifacts(database),
    await expiredWithoutPartition(database, now),
    await growthOf(database),
  ];
  const rows = kinds.exact ? sum(Object.values(kinds.rows)) : artifacts.rows;
  const partitioned = tokens.filter(({ range }) => range !== undefined);
  const expiredTokens = withoutPartition.count + sum(partitioned.map((one) => one.rows * shareExpired(one, now)));
  const oldest = [expired.oldest, withoutPartition.oldest, ...partitioned.map(({ range }) => range?.until)];
  const bytes = sum([artifacts, ...tokens].map(({ bytes }) => bytes.heap + bytes.indexes + bytes.toast));
  return {
    tokens: {
      live: Math.max(0, Math.round(sum(tokens.map(({ rows }) => rows)) - expiredTokens)),
      expired: Math.round(expiredTokens),
      bytes: total(tokens),
      partitions: partitioned.length,
    },
    artifacts: {
      live: Math.max(0, rows - expired.count),
      expired: expired.count,
      bytes: artifacts.bytes,
      kinds: kinds.rows,
    },
    purgeLag: Math.max(0, ...oldest.map((at) => (at === undefined ? 0 : (now.getTime() - at.getTime()) / 1000))),
    growth: growth && { ...growth, projectedBytes: Math.max(0, bytes + growth.bytesPerDay * PROJECTED_DAYS) },
  };
}

/** Once an hour, whoever asks; what is older than 60 days goes. */
export async function takeStorageSample(database: Pick<Pool, 'query'>): Promise<void> {
  const { rows: due } = await database.query(
    `select where not exists (select from storage_samples where taken_at > now() - interval '59 minutes')`,
  );
  if (due.length === 0) {
    return;
  }
  const { tokens, artifacts } = await relationsOf(database);
  const tables = [artifacts, ...tokens];
  const bytes = sum(tables.map((table) => table.bytes.heap + table.bytes.indexes + table.bytes.toast));
  await database.query('insert into storage_samples (rows, bytes) values ($1, $2)', [
    Math.round(sum(tables.map(({ rows }) => rows))),
    bytes,
  ]);
  await database.query(`delete from storage_samples where taken_at < now() - interval '60 days'`);
}

/** By the shares of them in some pages; in all pages where there are few. */
async function kindsOf(database: Pick<Pool, 'query'>, { pages, rows: estimate }: TableSize) {
  const share = Math.min(1, PAGES_SAMPLED / Math.max(pages, 1));
  const { rows } = await database.query<{ kind: string; count: number }>(
    'select kind, count(*)::float8 as count from artifacts tablesample system ($1) group by kind order by kind',
    [share * 100],
  );
  const exact = share === 1;
  const sampled = sum(rows.map(({ count }) => count));
  const scale = exact ? 1 : estimate / Math.max(sampled, 1);
  return { exact, rows: Object.fromEntries(rows.map(({ kind, count }) => [kind, Math.round(count * scale)])) };
}

interface Expired {
  readonly count: number;
  readonly oldest: Date | undefined;
}

async function expiredArtifacts(database: Pick<Pool, 'query'>): Promise<Expired> {
  const { rows } = await database.query<{ count: number; oldest: Date | null }>(
    `select count(*)::float8 as count, min(expires_at) as oldest
      from (select expires_at from artifacts where expires_at < now() order by expires_at limit $1) as expired`,
    [COUNTED_AT_MOST],
  );
  return { count: rows[0]?.count ?? 0, oldest: rows[0]?.oldest ?? undefined };
}

async function expiredWithoutPartition(database: Pick<Pool, 'query'>, now: Date): Promise<Expired> {
  const seconds = now.getTime() / 1000;
  const slots = SLOT_CLASSES.map(({ longest }) => ({ first: slotOf(0, longest), now: slotOf(seconds, longest) }));
  const { rows } = await database.query<{ count: number; age: number | null }>(
    `select count(*)::float8 as count, max(age)::float8 as age from (
      select past.now - slot as age from unnest($1::integer[], $2::integer[]) as past (first, now)
        join tokens_default on slot >= past.first and slot < past.now limit $3) as expired`,
    [slots.map(({ first }) => first), slots.map((slot) => slot.now), COUNTED_AT_MOST],
  );
  const { count = 0, age = null } = rows[0] ?? {};
  return { count, oldest: age === null ? undefined : new Date(now.getTime() - age * 1000) };
}

async function growthOf(database: Pick<Pool, 'query'>): Promise<Omit<Growth, 'projectedBytes'> | undefined> {
  const { rows } = await database.query<{ days: number; rows: number; bytes: number }>(
    `select extract(epoch from last.taken_at - first.taken_at)::float8 / 86400 as days,
        (last.rows - first.rows)::float8 as rows, (last.bytes - first.bytes)::float8 as bytes
      from (select * from storage_samples where taken_at > now() - interval '7 days' order by taken_at limit 1) as first,
        (select * from storage_samples order by taken_at desc limit 1) as last
      where last.taken_at > first.taken_at`,
  );
  const [change] = rows;
  return (
    change && {
      rowsPerDay: change.rows / change.days,
      bytesPerDay: change.bytes / change.days,
      observedDays: change.days,
    }
  );
}

/** As if tokens expired evenly over the time that their partition spans. */
function shareExpired({ range }: TableSize, now: Date): number {
  if (range === undefined) {
    return 0;
  }
  const [from, until] = [range.from.getTime(), range.until.getTime()];
  return Math.min(1, Math.max(0, (now.getTime() - from) / (until - from)));
}

function total(tables: readonly TableSize[]): TableFigures['bytes'] {
  return {
    heap: sum(tables.map(({ bytes }) => bytes.heap)),
    indexes: sum(tables.map(({ bytes }) => bytes.indexes)),
    toast: sum(tables.map(({ bytes }) => bytes.toast)),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((one, other) => one + other, 0);
}
