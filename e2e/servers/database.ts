import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/database/embedded.ts';
import type { LastWill } from './last-will.ts';
import { steadyPort } from './steady-port.ts';

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
  /** What is in it now is what others begin with: see `startDatabase`. It is away for a moment. */
  becomeTemplate(): Promise<void>;
  stop(): Promise<void>;
}

/** Written for one run: a crash of the machine may take it along. */
const SETTINGS = { fsync: 'off', full_page_writes: 'off' };

/** Empty, or with what was in it that became a template: to copy its files is faster than to make and migrate them anew. */
export async function startDatabase(lastWill: LastWill, template?: string): Promise<Database> {
  const directory = await mkdtemp(join(tmpdir(), 'concierge-e2e-'));
  await chmod(directory, 0o755); // As root the server runs as somebody else, who has to pass.
  lastWill.place(directory);
  const place = join(directory, 'postgres');
  if (template !== undefined) {
    await copy(template, place);
  }
  const start = { directory: place, settings: { ...SETTINGS, port: String(await steadyPort()) } };
  let server: EmbeddedPostgres = await startEmbeddedPostgres(start);
  lastWill.place(server.directory);
  const urls = {
    DATABASE_URL: await server.ensureDatabase('concierge'),
    RESOURCE_API_DATABASE_URL: await server.ensureDatabase('concierge_resource_api'),
  };
  const startAgain = async () => {
    server = await startEmbeddedPostgres(start);
  };
  return {
    directory,
    urls,
    crash: () => signal(server, 'SIGQUIT'),
    shutDown: () => signal(server, 'SIGINT'),
    startAgain,
    async becomeTemplate() {
      await server.stop();
      const files = join(directory, 'template');
      await copy(server.directory, files);
      await startAgain();
      process.env.E2E_TEMPLATE = files;
    },
    async stop() {
      await server.stop();
      await Promise.all([directory, server.directory].map((path) => rm(path, { recursive: true, force: true })));
    },
  };
}

/** With their owner, as whom the server runs. */
async function copy(files: string, to: string): Promise<void> {
  await promisify(execFile)('cp', ['-a', files, to]);
}

async function signal({ directory }: EmbeddedPostgres, name: NodeJS.Signals): Promise<void> {
  const pidFile = await readFile(join(directory, 'cluster/postmaster.pid'), 'utf8');
  process.kill(Number(pidFile.split('\n')[0]), name);
}
