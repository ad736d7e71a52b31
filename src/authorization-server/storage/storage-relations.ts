import type { Pool } from 'pg';
import { rangeNamed } from './token-partitions.ts';
import type { SlotRange } from './token-slot.ts';

/** What PostgreSQL knows about one table without reading it. */
export interface TableSize {
  readonly name: string;
  /** Of a partition of `tokens`; the default one has none. */
  readonly range: SlotRange | undefined;
  readonly rows: number;
  readonly pages: number;
  readonly bytes: { readonly heap: number; readonly indexes: number; readonly toast: number };
}

export interface Relations {
  /** Of the database. */
  readonly now: Date;
  readonly artifacts: TableSize;
  readonly tokens: readonly TableSize[];
}

export async function relationsOf(database: Pick<Pool, 'query'>): Promise<Relations> {
  const { rows } = await database.query<Row>(RELATIONS);
  const tables = rows.map(({ name, pages, heap, indexes, toast, ...row }) => ({
    name,
    range: rangeNamed(name),
    rows: row.rows,
    pages,
    bytes: { heap, indexes, toast },
  }));
  const artifacts = tables.find(({ name }) => name === 'artifacts');
  const [row] = rows;
  if (artifacts === undefined || row === undefined) {
    throw new Error('there is no table named artifacts');
  }
  return { now: row.now, artifacts, tokens: tables.filter((table) => table !== artifacts) };
}

interface Row {
  now: Date;
  name: string;
  rows: number;
  pages: number;
  heap: number;
  indexes: number;
  toast: number;
}

/** Our rows need about so much in the heap; after a crash nothing else may be known of a table. */
const ROW_BYTES = 300;

/** A relation that is dropped meanwhile has no size. */
const RELATIONS = {
  name: 'storage-relations',
  text: `
    select now() as now, c.relname as name, (coalesce(pg_relation_size(c.oid), 0) / 8192)::float8 as pages,
      case when greatest(n_live_tup, reltuples) > 0 then greatest(n_live_tup, reltuples)::float8
        else round(coalesce(pg_relation_size(c.oid), 0) / ${ROW_BYTES})::float8 end as rows,
      coalesce(pg_table_size(c.oid) - coalesce(pg_total_relation_size(nullif(reltoastrelid, 0)), 0), 0)::float8 as heap,
      coalesce(pg_indexes_size(c.oid), 0)::float8 as indexes,
      coalesce(pg_total_relation_size(nullif(reltoastrelid, 0)), 0)::float8 as toast
    from pg_class c left join pg_stat_all_tables s on s.relid = c.oid
    where relkind = 'r' and relnamespace = (select relnamespace from pg_class where oid = 'tokens'::regclass)
      and (c.relname = 'artifacts' or c.relname like 'tokens\\_%')
    order by c.relname`,
};
