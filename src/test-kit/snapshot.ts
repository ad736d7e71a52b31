import type { Pool } from 'pg';
import { inTransaction } from '../database/transaction.ts';

/** The content of every table at one moment. */
export interface Snapshot {
  /** In one transaction. Nobody else should be at work. */
  restore(): Promise<void>;
}

interface Table {
  readonly name: string;
  /** Without those that compute themselves. */
  readonly columns: string;
}

/** In the order in which they were made: what a table refers to was there before it. */
const TABLES = `
  select c.oid::regclass::text as name,
    (select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute a
      where a.attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = '') as columns
  from pg_class c
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    and c.relname not like 'knex%'
  order by c.oid`;

/** Few rows, for it is taken when a server has just started: so they wait in memory. */
export async function takeSnapshot(pool: Pool): Promise<Snapshot> {
  const { rows: tables } = await pool.query<Table>(TABLES);
  const contentOf = ({ name, columns }: Table) =>
    `select '${name}' as name, (select json_agg(t)::text from (select ${columns} from ${name}) t) as rows`;
  const { rows } = await pool.query<{ name: string; rows: string | null }>(tables.map(contentOf).join(' union all '));
  const contents = new Map(rows.map(({ name, rows: content }) => [name, content]));
  return {
    restore: () =>
      inTransaction(pool, async (client) => {
        await client.query(`truncate ${tables.map(({ name }) => name).join(', ')}`);
        for (const { name, columns } of tables.filter((table) => contents.get(table.name))) {
          const text = `insert into ${name} (${columns}) overriding system value
            select ${columns} from json_populate_recordset(null::${name}, $1)`;
          await client.query(text, [contents.get(name)]);
        }
      }),
  };
}
