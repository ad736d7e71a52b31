import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Knex } from 'knex';
import pg from 'pg';

export interface MigrationTarget {
  url: string;
  /** Holds the migrations, in the order of their names. */
  directory: string;
}

/** Any number that nothing else in a database of ours locks. */
const MIGRATION_LOCK = 0x6d696772;

/**
 * Applies what is pending and returns the names of it. Any number of nodes may do so at once: they queue up at an
 * advisory lock. It belongs to the very connection that migrates, so it lasts exactly as long as a migration of a
 * killed process still runs inside the database, and is never left behind.
 */
export async function migrate(target: MigrationTarget): Promise<string[]> {
  // Loading knex takes longer than this look, and most starts find nothing to do.
  if ((await pendingMigrations(target)).length === 0) {
    return [];
  }
  const { default: createKnex } = await import('knex');
  const knex = createKnex({
    client: 'pg',
    connection: { connectionString: target.url, application_name: 'concierge migrate' },
    pool: { min: 1, max: 1 },
    log: { warn: () => {}, error: () => {} }, // What fails is thrown.
  });
  const config: Knex.MigratorConfig = { migrationSource: migrationSource(target.directory) };
  try {
    await knex.raw('select pg_advisory_lock(?)', [MIGRATION_LOCK]);
    // knex's own lock is a row, which survives a kill -9. Whoever holds the advisory lock may clear it.
    await knex.migrate.forceFreeMigrationsLock(config);
    const [, applied] = await knex.migrate.latest(config);
    return applied;
  } finally {
    await knex.destroy();
  }
}

export async function pendingMigrations({ url, directory }: MigrationTarget): Promise<string[]> {
  const [available, applied] = await Promise.all([availableMigrations(directory), appliedMigrations(url)]);
  return available.map(nameOf).filter((name) => !applied.has(name));
}

async function appliedMigrations(url: string): Promise<Set<string>> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>('select name from knex_migrations');
    return new Set(rows.map(({ name }) => name));
  } catch (error) {
    if ((error as pg.DatabaseError).code === UNDEFINED_TABLE) {
      return new Set();
    }
    throw error;
  } finally {
    await client.end();
  }
}

const UNDEFINED_TABLE = '42P01';

/** `.ts` in a checkout, `.js` beside its `.d.ts` in a published package. */
async function availableMigrations(directory: string): Promise<string[]> {
  const files = await readdir(directory);
  return files.filter((file) => /\.[jt]s$/.test(file) && !/\.(d|test)\.[jt]s$/.test(file)).sort();
}

/** The extension stays out of the recorded name: the same database serves a checkout and a published package. */
function nameOf(file: string): string {
  return file.replace(/\.[jt]s$/, '');
}

function migrationSource(directory: string): Knex.MigrationSource<string> {
  return {
    getMigrations: () => availableMigrations(directory),
    getMigrationName: nameOf,
    getMigration: (file) => import(pathToFileURL(join(resolve(directory), file)).href),
  };
}
