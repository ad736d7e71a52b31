import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import manifest from '../../package.json' with { type: 'json' };

/** A server under test: a process of its own, which listens at `port`. */
export interface Child {
  readonly pid: number;
  readonly port: number;
  readonly logFile: string;
  /** Milliseconds from its start until it listens. */
  readonly startedIn: number;
  stop(): Promise<void>;
}

export interface ChildOptions {
  /** The script and its arguments. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly port: number;
  readonly logFile: string;
}

/** What Node is told when the product is started, for everybody: `scripts/run node --option src/main.ts`. */
const NODE_OPTIONS = manifest.scripts.concierge.split(' ').filter((word) => word.startsWith('--'));

const PATIENCE_MS = 30_000;
const POLL_MS = 5;

/** Resolves when the server listens. Its output goes to a file. */
export async function startChild({ argv, env, port, logFile }: ChildOptions): Promise<Child> {
  const startedAt = performance.now();
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, [...NODE_OPTIONS, ...argv], {
    env: { PATH: process.env.PATH, NODE_ENV: 'production', ...env },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  while (!(await listens(port))) {
    const late = performance.now() - startedAt > PATIENCE_MS;
    if (late || child.exitCode !== null || child.signalCode !== null) {
      child.kill('SIGKILL');
      throw new Error(`${argv.join(' ')} does not start. ${logFile} ends:\n${endOf(logFile)}`);
    }
    await sleep(POLL_MS);
  }
  return { pid: Number(child.pid), port, logFile, startedIn: performance.now() - startedAt, stop: () => stop(child) };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const say = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => say(true)).once('error', () => say(false));
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const insist = setTimeout(() => child.kill('SIGKILL'), 3_000);
    await exited;
    clearTimeout(insist);
  }
}

function endOf(logFile: string): string {
  return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-12).join('\n');
}
