import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { migrate, pendingMigrations } from './migrate.ts';

let directory: string;
let url: string;

async function query(connectionString: string, statement: string) {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return await client.query(statement);
  } finally {
    await client.end();
  }
}

async function writeMigration(name: string, statement: string): Promise<void> {
  const source = `import type { Knex } from 'knex';
export const up = async (knex: Knex): Promise<void> => { await knex.raw(${JSON.stringify(statement)}); };
export const down = async (): Promise<void> => {};`;
  await writeFile(join(directory, `${name}.ts`), source);
}

beforeEach(async () => {
  directory = await mkdtemp(join(inject('scratchDirectory'), 'migrations-'));
  const name = `migrate-${randomBytes(6).toString('hex')}`;
  await query(inject('postgresUrl'), `create database "${name}"`);
  url = Object.assign(new URL(inject('postgresUrl')), { pathname: name }).href;
});

afterEach(() => rm(directory, { recursive: true }));

describe('migrate', () => {
  it('applies pending migrations in the order of their names, and nothing the second time', async () => {
    await writeMigration('0002_fill', 'insert into notes values (1)');
    await writeMigration('0001_create', 'create table notes (id integer)');
    expect(await migrate({ url, directory })).toEqual(['0001_create', '0002_fill']);
    expect(await migrate({ url, directory })).toEqual([]);
    expect((await query(url, 'select id from notes')).rows).toEqual([{ id: 1 }]);
  });

  it('applies each migration once when several nodes start at the same time', async () => {
    await writeMigration('0001_create', 'create table notes (id integer)');
    await writeMigration('0002_slow', 'select pg_sleep(0.2)');
    const outcomes = await Promise.all([1, 2, 3].map(() => migrate({ url, directory })));
    expect(outcomes.map((applied) => applied.length).sort()).toEqual([0, 0, 2]);
  });

  it('goes on after a migrating process was killed and left its lock row behind', async () => {
    await writeMigration('0001_create', 'create table notes (id integer)');
    await migrate({ url, directory });
    await query(url, 'update knex_migrations_lock set is_locked = 1');
    await writeMigration('0002_fill', 'insert into notes values (1)');
    expect(await migrate({ url, directory })).toEqual(['0002_fill']);
  });

  it('undoes a migration that fails, says why, and applies its corrected version later', async () => {
    await writeMigration('0001_create', 'create table notes (id integer); select no_such_function()');
    await expect(migrate({ url, directory })).rejects.toThrow('no_such_function');
    expect(await pendingMigrations({ url, directory })).toEqual(['0001_create']);
    expect((await query(url, "select to_regclass('notes') as notes")).rows).toEqual([{ notes: null }]);
    await writeMigration('0002_create', 'create table notes (id integer)');
    await rm(join(directory, '0001_create.ts'));
    expect(await migrate({ url, directory })).toEqual(['0002_create']);
  });

  it('counts a migration as applied whether it was read as TypeScript or as JavaScript', async () => {
    await writeMigration('0001_create', 'create table notes (id integer)');
    await migrate({ url, directory });
    await rm(join(directory, '0001_create.ts'));
    await writeFile(join(directory, '0001_create.js'), '');
    await writeFile(join(directory, '0001_create.d.ts'), '');
    expect(await pendingMigrations({ url, directory })).toEqual([]);
  });
});

describe('pendingMigrations', () => {
  it('names what an empty database lacks, without changing it', async () => {
    await writeMigration('0001_create', 'create table notes (id integer)');
    expect(await pendingMigrations({ url, directory })).toEqual(['0001_create']);
    expect((await query(url, "select to_regclass('knex_migrations') as found")).rows).toEqual([{ found: null }]);
  });
});
