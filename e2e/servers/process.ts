import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LastWill } from './last-will.ts';

const ROOT = join(import.meta.dirname, '../..');
const CONCIERGE = [process.execPath, join(ROOT, 'src/main.ts')] as const;
const PATIENCE_MS = 30_000;

export type Environment = Readonly<Record<string, string>>;

export interface ConciergeOptions {
  /** How the command is called, unless it is by Node.js. */
  readonly program?: readonly [string, ...string[]];
  /** The arguments of the `concierge` command. */
  readonly argv: readonly string[];
  readonly env: Environment;
  /** Where its output goes; shown to a person only when something fails. */
  readonly log: string;
  readonly lastWill: LastWill;
}

export interface ConciergeProcess {
  readonly pid: number;
  readonly running: boolean;
  readonly exitCode: number | null;
  output(): string;
  signal(name: NodeJS.Signals): void;
  /** As a terminal does it: Ctrl-C reaches everything that the command has started. */
  signalGroup(name: NodeJS.Signals): void;
  ended(): Promise<void>;
  /** SIGTERM, and patience. */
  stop(): Promise<void>;
}

/** Starts `concierge <argv>` as a user would, in a process group of its own. */
export function startConcierge({ program = CONCIERGE, argv, env, log, lastWill }: ConciergeOptions): ConciergeProcess {
  const output = openSync(log, 'a');
  const [file, ...first] = program;
  const child = spawn(file, [...first, ...argv], {
    cwd: ROOT,
    env: { ...ownEnvironment(), ...env },
    detached: true,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const pid = child.pid ?? 0;
  lastWill.started(pid);
  const ended = once(child, 'exit').then(() => lastWill.ended(pid));
  return {
    pid,
    get running() {
      return isRunning(child);
    },
    get exitCode() {
      return child.exitCode;
    },
    output: () => readFileSync(log, 'utf8'),
    signal: (name) => void child.kill(name),
    signalGroup: (name) => void process.kill(-pid, name),
    ended: () => ended,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** A command that ends by itself; throws with its output when it fails. */
export async function runConcierge(options: ConciergeOptions): Promise<string> {
  const command = startConcierge(options);
  await command.ended();
  if (command.exitCode !== 0) {
    throw new Error(`concierge ${options.argv.join(' ')} failed:\n${command.output()}`);
  }
  return command.output();
}

/**
 * Resolves as soon as `url` answers 200 and the process has said `says` (somebody else may answer where it could not
 * listen), rejects with the output when the process ends before that.
 */
export async function untilHealthy(started: ConciergeProcess, url: string, says = ''): Promise<void> {
  await until(async () => {
    if (!started.running) {
      throw new Error(`It ended with ${started.exitCode} before it was ready:\n${started.output()}`);
    }
    const response = await fetch(url).catch(() => undefined);
    return response?.ok === true && started.output().includes(says);
  }, `${url} answers\n${started.output()}`);
}

export async function until(condition: () => Promise<boolean> | boolean, what: string, everyMs = 50): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (Date.now() > deadline) {
      throw new Error(`gave up waiting until ${what}`);
    }
    await sleep(everyMs);
  }
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

/** Settings in the environment of whoever runs the tests must not reach the processes under test. */
function ownEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    ([name, value]) => value !== undefined && !/^CONCIERGE_|DATABASE_URL$/.test(name),
  );
  return Object.fromEntries(kept) as Record<string, string>;
}
