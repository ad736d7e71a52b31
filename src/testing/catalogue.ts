import type pg from 'pg';

/** What the migrations have made, as text: a review sees the effect of a migration beside its statements. */
export async function renderCatalogue(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ table: string }>(`
    select c.relname
      || coalesce(' partition of ' || (select inhparent::regclass from pg_inherits where inhrelid = c.oid), '')
      || coalesce(' ' || pg_get_expr(c.relpartbound, c.oid), '')
      || coalesce(' partition by ' || pg_get_partkeydef(c.oid), '')
      || coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', '') || E'\\n' ||
      concat_ws(E'\\n', (${COLUMNS}), (${CONSTRAINTS}), (${INDEXES}), (${TRIGGERS})) || E'\\n' as table
    from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname not like 'knex%'
    order by c.relname`);
  return rows.map(({ table }) => table).join('\n');
}

const COLUMNS = `
  select string_agg('  ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
    || case when a.attnotnull then ' not null' else '' end
    || case when a.attidentity <> '' then ' identity' else '' end
    || case when a.attgenerated <> '' then ' generated as ' || pg_get_expr(d.adbin, d.adrelid)
            else coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') end,
    E'\\n' order by a.attnum)
  from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped`;

// Not-null constraints (contype n) are told with their column.
const CONSTRAINTS = `
  select string_agg('  constraint ' || conname || ' ' || pg_get_constraintdef(oid), E'\\n' order by conname)
  from pg_constraint where conrelid = c.oid and contype <> 'n'`;

const INDEXES = `
  select string_agg('  index ' || regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX ', '\\1'),
    E'\\n' order by i.indexrelid::regclass::text)
  from pg_index i
  where i.indrelid = c.oid and not exists (select from pg_constraint where conindid = i.indexrelid and contype <> 'f')`;

const TRIGGERS = `
  select string_agg('  ' || pg_get_triggerdef(oid), E'\\n' order by tgname)
  from pg_trigger where tgrelid = c.oid and not tgisinternal`;
