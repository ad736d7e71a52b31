import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { ensureCluster } from './embedded/cluster.ts';
import { choosePlacement, type Placement } from './embedded/placement.ts';
import { findPostmaster, launchPostmaster, type Postmaster, stopPostmaster } from './embedded/postmaster.ts';
import { enterTenancy, type Tenancy } from './embedded/tenancy.ts';

export interface EmbeddedPostgres {
  port: number;
  /** Where the server's files really are. */
  directory: string;
  /** A line for the person, when that is not the directory that was asked for. */
  notice?: string;
  url(databaseName: string): string;
  /** Creates the database unless it exists, and returns its URL. */
  ensureDatabase(databaseName: string): Promise<string>;
  /** Stops the server unless another process still uses it. Everything committed is on disk afterwards. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  /** Created when missing: holds the cluster, its password and `postgres.log`. One server per directory. */
  directory: string;
  /** Server parameters on top of those for development. Without effect on a server that runs already. */
  settings?: Record<string, string>;
}

const ATTEMPTS = 8;

/** The PostgreSQL for trying out, developing and testing. Production brings its own. */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { directory, settings = {} } = options;
  const placement = await choosePlacement(directory);
  await ensureCluster(placement, { durable: settings.fsync !== 'off' });
  const password = await readFile(join(placement.home, 'password'), 'utf8');
  const { postmaster, tenancy } = await moveIn(placement, settings, password);
  const url = (databaseName: string) => urlOf(postmaster, password, databaseName);
  let stopped: Promise<void> | undefined;
  return {
    port: postmaster.port,
    directory: placement.home,
    ...(placement.notice === undefined ? {} : { notice: placement.notice }),
    url,
    ensureDatabase: async (databaseName) => {
      await createDatabase(url('postgres'), databaseName);
      return url(databaseName);
    },
    stop: () => {
      stopped ??= moveOut(placement, postmaster, tenancy);
      return stopped;
    },
  };
}

interface Residence {
  postmaster: Postmaster;
  tenancy: Tenancy;
}

/**
 * Joins the cluster's live server or launches one. Both can fail for reasons that pass: another process launches at
 * this moment, or stops the server, or backends of a killed one still hold its shared memory.
 */
async function moveIn(placement: Placement, settings: Record<string, string>, password: string): Promise<Residence> {
  let problem: unknown;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const postmaster =
      (await findPostmaster(join(placement.home, 'cluster'))) ?? (await launchPostmaster(placement, settings));
    if (postmaster) {
      try {
        return { postmaster, tenancy: await enterTenancy(urlOf(postmaster, password, 'postgres')) };
      } catch (error) {
        problem = error;
      }
    }
    await sleep(25 * 2 ** attempt);
  }
  const log = `The end of ${join(placement.home, 'postgres.log')}:\n${await endOfLog(placement)}`;
  if (problem instanceof Error) {
    // It runs, and lets nobody in: in another container, for example, which has the same home directory.
    const where = `The embedded PostgreSQL of ${placement.home} runs, and cannot be used from here: ${problem.message}`;
    throw new Error(`${where}.\nEnd it, or whatever uses it, or name another with DATABASE_URL. ${log}`, {
      cause: problem,
    });
  }
  throw new Error(`The embedded PostgreSQL does not start. ${log}`);
}

async function moveOut(placement: Placement, postmaster: Postmaster, tenancy: Tenancy): Promise<void> {
  if (await tenancy.leave()) {
    await stopPostmaster(postmaster, join(placement.home, 'cluster'));
  }
  await tenancy.release();
}

function urlOf({ port }: Postmaster, password: string, databaseName: string): string {
  return `postgres://postgres:${password}@127.0.0.1:${port}/${encodeURIComponent(databaseName)}`;
}

async function createDatabase(adminUrl: string, databaseName: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [databaseName]);
    if (rowCount === 0) {
      await client.query(`create database ${client.escapeIdentifier(databaseName)}`);
    }
  } finally {
    await client.end();
  }
}

async function endOfLog({ home }: Placement): Promise<string> {
  const text = await readFile(join(home, 'postgres.log'), 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-8).join('\n');
}
