import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { explainSpawnFailure, SERVER_ENVIRONMENT } from './binaries.ts';
import { giveTo, type Placement } from './placement.ts';
import { isAlive } from './postmaster.ts';

// The same cluster whatever the environment says about locales: UTF-8, and sorting by code point.
const INITDB_OPTIONS = [
  '--username=postgres',
  '--auth=scram-sha-256',
  '--encoding=UTF8',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--locale=C',
];

/**
 * Creates the cluster and its password unless they exist. Both are made in a sibling directory that is renamed when it
 * is complete: a run that is killed half-way leaves nothing that looks like a cluster, and of two runs one wins.
 */
export async function ensureCluster(placement: Placement, options: { durable: boolean }): Promise<void> {
  const { home, user } = placement;
  if (await hasCluster(home)) {
    return;
  }
  await removeAbandonedDrafts(home);
  const draft = `${home}.new-${process.pid}`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  await writeFile(join(draft, 'password'), randomBytes(24).toString('base64url'), { mode: 0o600 });
  await giveTo(user, draft, join(draft, 'password'));
  try {
    await initdb(placement, draft, options.durable ? [] : ['--no-sync']);
    await rename(draft, home);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    if (!(await hasCluster(home))) {
      throw error;
    }
  }
}

async function hasCluster(home: string): Promise<boolean> {
  try {
    await access(join(home, 'cluster', 'PG_VERSION'));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') {
      return false;
    }
    throw new Error(
      `The embedded PostgreSQL in ${home} belongs to another user, perhaps from a run as root. ` +
        'Run Concierge as that user, or remove the directory to start afresh.',
      { cause: error },
    );
  }
}

async function initdb({ binaries, user }: Placement, draft: string, options: string[]): Promise<void> {
  const program = join(binaries, 'bin', 'initdb');
  const files = [`--pgdata=${join(draft, 'cluster')}`, `--pwfile=${join(draft, 'password')}`];
  const child = spawn(program, [...INITDB_OPTIONS, ...options, ...files], {
    ...user,
    cwd: '/',
    env: SERVER_ENVIRONMENT,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let problems = '';
  child.stderr.on('data', (chunk) => {
    problems += chunk;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', (error) => reject(explainSpawnFailure(program, error)));
    child.on('close', resolve);
  });
  if (code !== 0) {
    throw new Error(`initdb of the embedded PostgreSQL failed:\n${problems.trim()}`);
  }
}

async function removeAbandonedDrafts(home: string): Promise<void> {
  const prefix = `${basename(home)}.new-`;
  const drafts = (await readdir(dirname(home))).filter((name) => name.startsWith(prefix));
  const abandoned = drafts.filter((name) => !isAlive(Number(name.slice(prefix.length))));
  // The initdb of a killed run may still be writing: it gives up once its files are gone.
  await Promise.all(
    abandoned.map((name) => rm(join(dirname(home), name), { recursive: true, force: true, maxRetries: 20 })),
  );
}
