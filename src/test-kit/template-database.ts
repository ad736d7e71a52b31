import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { MIGRATIONS } from '../cli/migrate.ts';
import { migrate } from '../database/migrate.ts';
import { administer, urlOf } from './administer.ts';
import { DATABASE_CLOCK, setSearchPath, WATCH_CLOCK } from './database-clock.ts';
import { markCopied, templateName, throwawayName } from './leftovers.ts';

/** Any number that nothing else in the database locks that the URL names. */
const LOCK = 0x74656d70;

/**
 * The name of a migrated database to copy. There is one for each set of migrations and user, made by whoever is first. Copies
 * need nobody to be connected with it, and nobody ever is: it is made under another name, and renamed when it is complete.
 */
export async function ensureTemplate(server: pg.Client, serverUrl: string): Promise<string> {
  const { rows } = await server.query<{ user: string }>('select current_user as user');
  const name = templateName(await hashOfMigrations(rows[0]?.user ?? ''));
  if (!(await exists(server, name))) {
    // Whoever is connected elsewhere on this server makes one at the same time, and the later one is dropped.
    await server.query('select pg_advisory_lock($1)', [LOCK]);
    if (!(await exists(server, name))) {
      await make(server, serverUrl, name);
    }
    await server.query('select pg_advisory_unlock($1)', [LOCK]);
  }
  await markCopied(server, name);
  return name;
}

async function make(server: pg.Client, serverUrl: string, name: string): Promise<void> {
  const draft = throwawayName();
  await server.query(`create database ${draft} template template0 encoding 'UTF8'`);
  try {
    await setSearchPath(server, draft);
    const url = urlOf(serverUrl, draft);
    await administer(url, (database) => database.query(DATABASE_CLOCK));
    await migrate({ url, directory: MIGRATIONS });
    await administer(url, (database) => database.query(WATCH_CLOCK));
    await server.query(`alter database ${draft} rename to ${name}`);
  } catch (error) {
    await server.query(`drop database if exists ${draft} with (force)`);
    if (!(await exists(server, name))) {
      throw error;
    }
  }
}

async function exists(server: pg.Client, name: string): Promise<boolean> {
  const { rowCount } = await server.query('select from pg_database where datname = $1', [name]);
  return rowCount === 1;
}

async function hashOfMigrations(user: string): Promise<string> {
  const files = (await readdir(MIGRATIONS)).filter((file) => /\.[jt]s$/.test(file)).sort();
  const contents = await Promise.all(files.map((file) => readFile(join(MIGRATIONS, file), 'utf8')));
  return createHash('sha256')
    .update(JSON.stringify([user, DATABASE_CLOCK, WATCH_CLOCK, files, contents]))
    .digest('hex');
}
