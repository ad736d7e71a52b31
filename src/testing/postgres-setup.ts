import { spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../database/embedded.ts';
import { migrate } from '../database/migrate.ts';
import { runOnce } from './authorization-server.ts';
import { copyTemplate, DATABASES, type TestDatabaseName, templateOf } from './database.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The maintenance database of the run's server. */
    postgresUrl: string;
    /** For servers and files of single tests: goes away with the run, however that ends. */
    scratchDirectory: string;
  }
}

// Nothing here outlives the run, so nothing has to reach the disk.
const SETTINGS = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '400' };

/** One server for the whole run, with a migrated template database for each kind. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'concierge-test-'));
  await chmod(directory, 0o755); // As root the server runs as somebody else, who has to pass.
  const disarm = cleanUpWhenKilled(directory);
  const server = await startEmbeddedPostgres({ directory: join(directory, 'postgres'), settings: SETTINGS });
  await Promise.all(DATABASES.map((name) => createTemplate(server, name)));
  await copyTemplate(server.url('postgres'), 'authorization-server', templateOf('demonstration'));
  await runOnce(server.url(templateOf('demonstration')));
  project.provide('postgresUrl', server.url('postgres'));
  project.provide('scratchDirectory', directory);
  return async () => {
    await server.stop();
    await Promise.all([directory, server.directory].map((path) => rm(path, { recursive: true, force: true })));
    disarm();
  };
}

async function createTemplate(server: EmbeddedPostgres, name: TestDatabaseName): Promise<void> {
  const url = await server.ensureDatabase(templateOf(name));
  await migrate({ url, directory: join(import.meta.dirname, '../../migrations', name) });
}

/** A shell that outlives us and reads from us: the end of its input without a word is our death, however it came. */
function cleanUpWhenKilled(directory: string): () => void {
  // The server's directory can be a link, see embedded/placement.ts.
  const script = `read -r _ || {
    for file in "$0"/*/cluster/postmaster.pid "$0"/*/*/cluster/postmaster.pid; do
      [ -f "$file" ] && kill -QUIT "$(head -n 1 "$file")"
    done
    sleep 1
    rm -rf "$(readlink -f "$0/postgres")" "$0"
    # Again, for an initdb that went on until it missed its files.
    sleep 1
    rm -rf "$0"
  }`;
  const watch = spawn('/bin/sh', ['-c', script, directory], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  watch.unref();
  return () => watch.stdin.end('done\n');
}
