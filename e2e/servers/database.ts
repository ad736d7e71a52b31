import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/database/embedded.ts';
import type { LastWill } from './last-will.ts';

export interface Database {
  /** For logs and files as well; removed with the database. */
  readonly directory: string;
  readonly urls: { readonly DATABASE_URL: string; readonly RESOURCE_API_DATABASE_URL: string };
  /** Takes the server down as a crash would: no goodbye to anyone, recovery at the next start (`-m immediate`). */
  crash(): Promise<void>;
  /** As an operator does it: transactions are cut off, everything is written out (`-m fast`). */
  shutDown(): Promise<void>;
  /** At the same port. */
  startAgain(): Promise<void>;
  stop(): Promise<void>;
}

/** Written for one run: a crash of the machine may take it along. */
const SETTINGS = { fsync: 'off', full_page_writes: 'off' };

export async function startDatabase(lastWill: LastWill): Promise<Database> {
  const directory = await mkdtemp(join(tmpdir(), 'concierge-e2e-'));
  await chmod(directory, 0o755); // As root the server runs as somebody else, who has to pass.
  lastWill.place(directory);
  const place = join(directory, 'postgres');
  let server: EmbeddedPostgres = await startEmbeddedPostgres({ directory: place, settings: SETTINGS });
  lastWill.place(server.directory);
  const urls = {
    DATABASE_URL: await server.ensureDatabase('concierge'),
    RESOURCE_API_DATABASE_URL: await server.ensureDatabase('concierge_resource_api'),
  };
  return {
    directory,
    urls,
    crash: () => signal(server, 'SIGQUIT'),
    shutDown: () => signal(server, 'SIGINT'),
    async startAgain() {
      const settings = { ...SETTINGS, port: String(server.port) };
      server = await startEmbeddedPostgres({ directory: place, settings });
    },
    async stop() {
      await server.stop();
      await Promise.all([directory, server.directory].map((path) => rm(path, { recursive: true, force: true })));
    },
  };
}

async function signal({ directory }: EmbeddedPostgres, name: NodeJS.Signals): Promise<void> {
  const pidFile = await readFile(join(directory, 'cluster/postmaster.pid'), 'utf8');
  process.kill(Number(pidFile.split('\n')[0]), name);
}
