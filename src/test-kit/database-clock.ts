import type pg from 'pg';

/**
 * The time of a database that can be moved. Functions of the same names stand in front of those of `pg_catalog` in its
 * search path: statements find them, and so do column defaults, triggers and functions that are made from then on. Hence this
 * is there before the first migration. The keywords (`current_timestamp` and its kin) are out of reach; nothing of ours
 * uses them, as a test knows.
 */
const SEARCH_PATH = 'public, test_clock, pg_catalog';

const NAMES = ['now', 'transaction_timestamp', 'statement_timestamp', 'clock_timestamp'];

export const DATABASE_CLOCK = `
  create schema test_clock;
  grant usage on schema test_clock to public;
  create table test_clock.shift (
    only_row boolean primary key default true check (only_row),
    amount interval not null
  );
  grant select on test_clock.shift to public;
  insert into test_clock.shift (amount) values ('0');
  ${NAMES.map(
    (name) => `
  create function test_clock.${name}() returns timestamptz language plpgsql
    ${name === 'clock_timestamp' ? 'volatile' : 'stable'} parallel safe as $$
    begin
      return pg_catalog.${name}() + (select amount from test_clock.shift);
    end
  $$;`,
  ).join('')}
`;

/**
 * After migrating. A function that runs with the rights of its owner says itself where it looks, and that is nowhere where its
 * caller could put something: here it looks at this clock as well.
 */
export const WATCH_CLOCK = `
  do $$
    declare
      pinned regprocedure;
    begin
      for pinned in
        select p.oid from pg_proc p, unnest(p.proconfig) as setting
        where p.pronamespace = 'public'::regnamespace and setting ~ '^search_path=' and setting !~ 'test_clock'
      loop
        execute format('alter function %s set search_path = ${SEARCH_PATH}, pg_temp', pinned);
      end loop;
    end
  $$`;

/** Copies of a database come without its settings. The second statement is for a user with a search path of their own. */
export async function setSearchPath(connection: pg.Client, name: string): Promise<void> {
  await connection.query(`alter database ${name} set search_path = ${SEARCH_PATH}`);
  await connection.query(`alter role current_user in database ${name} set search_path = ${SEARCH_PATH}`);
}

export async function moveDatabase(pool: Pick<pg.Pool, 'query'>, ahead: number): Promise<void> {
  await pool.query('update test_clock.shift set amount = make_interval(secs => $1::float8 / 1000)', [ahead]);
}
