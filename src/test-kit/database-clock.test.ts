import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { postgresOfTester } from '../testing/test-kit.ts';
import { moveDatabase } from './database-clock.ts';
import { prepareDatabase, type ThrowawayDatabase } from './throwaway-database.ts';

const ROOT = join(import.meta.dirname, '../..');

let database: ThrowawayDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  database = await (await prepareDatabase(await postgresOfTester())).create();
  pool = new pg.Pool({ connectionString: database.url, max: 2 });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const rowsOf = async (text: string) => (await pool.query({ text, rowMode: 'array' })).rows.flat();

it('moves everything that tells the time, in every connection at once', async () => {
  const year = 'extract(year from';
  await moveDatabase(pool, Date.parse('2040-06-01') - Date.now());
  const functions = ['now()', 'clock_timestamp()', 'statement_timestamp()', 'transaction_timestamp()'];
  expect(await rowsOf(`select ${functions.map((one) => `${year} ${one})::int`).join(', ')}`)).toEqual([
    2040, 2040, 2040, 2040,
  ]);
  await moveDatabase(pool, 0);
  expect(await rowsOf('select abs(extract(epoch from now() - pg_catalog.now())) < 1')).toEqual([true]);
});

it('is what column defaults, views, triggers and functions of the product ask', async () => {
  // With an empty path the name is written with its schema unless it is that of pg_catalog.
  await pool.query(`create function pg_temp.shown(defined oid, num int) returns text language sql
    set search_path = '' as 'select pg_catalog.pg_get_expr(adbin, adrelid) from pg_catalog.pg_attrdef where adrelid = defined and adnum = num'`);
  const defaults = await rowsOf(`select pg_temp.shown(adrelid, adnum) from pg_attrdef where adrelid >= 16384`);
  const ofTime = defaults.filter((text) => /\b(now|\w+_timestamp)\(\)/i.test(text));
  expect(ofTime.length).toBeGreaterThan(10);
  expect(ofTime.filter((text) => !text.includes('test_clock.'))).toEqual([]);
  const elsewhere = `select proname from pg_proc where pronamespace = 'public'::regnamespace
    and prosrc ~ '(now|_timestamp)\\(\\)' and not coalesce(array_to_string(proconfig, ',') ~ 'test_clock', true)`;
  expect(await rowsOf(elsewhere)).toEqual([]);
  const views = `select relname from pg_class c join pg_depend d on d.refobjid in ('pg_catalog.now()'::regprocedure, 'pg_catalog.clock_timestamp()'::regprocedure)
    join pg_rewrite r on r.oid = d.objid and r.ev_class = c.oid where c.relnamespace = 'public'::regnamespace`;
  expect(await rowsOf(views)).toEqual([]);
});

it('is asked by name, and never by the keywords that nothing can stand in front of', () => {
  const files = globSync(['migrations/*/*.ts', 'src/**/storage/*.ts', 'src/database/**/*.ts'], { cwd: ROOT });
  const keyword = /\b(current_timestamp|localtimestamp|current_time|localtime|current_date|timeofday)\b|'now'/i;
  expect(files.length).toBeGreaterThan(50);
  expect(files.filter((file) => keyword.test(readFileSync(join(ROOT, file), 'utf8')))).toEqual([]);
});
