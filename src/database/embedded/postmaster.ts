import { execFileSync, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { explainSpawnFailure, SERVER_ENVIRONMENT } from './binaries.ts';
import { freePort } from './free-port.ts';
import { giveTo, type Placement } from './placement.ts';

export interface Postmaster {
  pid: number;
  port: number;
}

const POLL_MS = 10;
const PATIENCE_MS = 60_000;

/** The longest path of a Unix socket that both Linux (108 bytes) and macOS (104) take. */
const SOCKET_PATH_LIMIT = 100;

/**
 * The live server of this very cluster, once it accepts connections: another process's, or one that a killed run left
 * behind. A `postmaster.pid` whose process is something else by now is removed; PostgreSQL would refuse to start.
 */
export async function findPostmaster(cluster: string): Promise<Postmaster | undefined> {
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    const recorded = await readPidFile(cluster);
    if (!recorded) {
      return undefined;
    }
    if (isStale(recorded, cluster)) {
      await rm(join(cluster, 'postmaster.pid'), { force: true });
      return undefined;
    }
    if (recorded.status === 'ready') {
      return { pid: recorded.pid, port: recorded.port };
    }
    await sleep(POLL_MS);
  }
  throw new Error(`The embedded PostgreSQL of ${cluster} neither starts nor stops; see postgres.log beside it.`);
}

/** Undefined when the server gave up at once; `postgres.log` tells why. */
export async function launchPostmaster(
  placement: Placement,
  settings: Record<string, string>,
): Promise<Postmaster | undefined> {
  const cluster = join(placement.home, 'cluster');
  const port = await freePort();
  const parameters = Object.entries({ ...defaultSettings(cluster, port), ...settings });
  const program = join(placement.binaries, 'bin', 'postgres');
  const logFile = join(placement.home, 'postgres.log');
  const log = openSync(logFile, 'a', 0o600);
  await giveTo(placement.user, logFile);
  // A session of its own: Ctrl-C in the terminal reaches us and not the server, which has to outlive our last query.
  const child = spawn(program, ['-D', cluster, ...parameters.flatMap(([name, value]) => ['-c', `${name}=${value}`])], {
    ...placement.user,
    cwd: '/',
    env: SERVER_ENVIRONMENT,
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.unref();
  const failure = new Promise<never>((_resolve, reject) => {
    child.on('error', (error) => reject(explainSpawnFailure(program, error)));
  });
  return Promise.race([failure, becomesReady(cluster, child)]);
}

async function becomesReady(
  cluster: string,
  child: { pid?: number | undefined; exitCode: number | null; signalCode: string | null },
): Promise<Postmaster | undefined> {
  while (child.exitCode === null && child.signalCode === null) {
    const recorded = await readPidFile(cluster);
    if (recorded?.pid === child.pid && recorded?.status === 'ready') {
      return { pid: recorded.pid, port: recorded.port };
    }
    await sleep(POLL_MS);
  }
  return undefined;
}

/** Fast shutdown: open connections are cut, everything committed is on disk when this resolves. */
export async function stopPostmaster({ pid }: Postmaster, cluster: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  signal(pid, 'SIGINT');
  while (isPostmasterOf(pid, cluster)) {
    if (Date.now() > deadline) {
      signal(pid, 'SIGQUIT');
    }
    await sleep(POLL_MS);
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}

/** Process ids are reused, so the command line decides: `postgres -D <cluster>`. A zombie's is empty. */
function isPostmasterOf(pid: number, cluster: string): boolean {
  if (!isAlive(pid)) {
    return false;
  }
  const [program, option, directory] = commandLine(pid);
  return basename(program ?? '') === 'postgres' && option === '-D' && directory === cluster;
}

function commandLine(pid: number): string[] {
  try {
    if (process.platform === 'linux') {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    }
    const line = execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
    const [, program = '', directory = ''] = /^(.*\/postgres) -D (.*?) -c /.exec(line) ?? [];
    return [program, '-D', directory];
  } catch {
    return [];
  }
}

/** An empty file is one that is being written, unless it has been so for a while. */
function isStale({ pid, age }: { pid: number; age: number }, cluster: string): boolean {
  return pid > 0 ? !isPostmasterOf(pid, cluster) : age > 2_000;
}

/** Lines of `postmaster.pid`: pid, data directory, start time, port, socket directory, address, key, status. */
async function readPidFile(cluster: string): Promise<(Postmaster & { status: string; age: number }) | undefined> {
  const file = join(cluster, 'postmaster.pid');
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(file, 'utf8'), stat(file)]);
    const lines = text.split('\n');
    const [pid, port, status] = [Number(lines[0]), Number(lines[3]), lines[7]?.trim() ?? ''];
    return { pid, port, status, age: Date.now() - mtimeMs };
  } catch {
    return undefined;
  }
}

function defaultSettings(cluster: string, port: number): Record<string, string> {
  const socketFits = Buffer.byteLength(join(cluster, `.s.PGSQL.${port}`)) <= SOCKET_PATH_LIMIT;
  return {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: socketFits ? cluster : '',
    shared_buffers: '64MB',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_checkpoints: 'off',
    // Leaves out DETAIL lines, which quote the values of a violated constraint.
    log_error_verbosity: 'terse',
  };
}
