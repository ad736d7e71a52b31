import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { extname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { connectTestServer, type TestServerClient } from './client.ts';
import type { Announcement } from './protocol.ts';

export interface TestServerOptions {
  /** A PostgreSQL in which the user may create databases: DATABASE_URL, or else one that comes along. */
  readonly databaseUrl?: string;
  /** Of the issuer; a free one unless told. */
  readonly issuerPort?: number;
  /** A directory file; the demo directory unless told. */
  readonly directory?: string;
  /** Settings of the server, a YAML file. */
  readonly config?: string;
}

export interface StartedTestServer extends TestServerClient, AsyncDisposable {
  /** Ends the process and drops its database. */
  stop(): Promise<void>;
}

/** Milliseconds: as long as its requests have, and more. */
const LONGEST_STOP_MS = 20_000;

/** `.ts` in a checkout, `.js` in a package. */
const PROGRAM = fileURLToPath(new URL(`../main${extname(import.meta.url)}`, import.meta.url));

/**
 * Starts `concierge test-server` as a process of its own, which ends with this one however that comes about. Whatever runs
 * the tests, its own time is left alone.
 */
export async function startTestServer({ databaseUrl, ...given }: TestServerOptions = {}): Promise<StartedTestServer> {
  const argv = [PROGRAM, 'test-server', '--json', '--until-stdin-ends', ...argumentsOf(given)];
  const { CONCIERGE_TEST_SERVER: _ofAnother, ...env } = process.env;
  const child = spawn(process.execPath, argv, {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Not as an argument: the list of processes shows those to everybody.
    env: databaseUrl === undefined ? env : { ...env, DATABASE_URL: databaseUrl, DATABASE_URL_FILE: '' },
  });
  const exited = once(child, 'exit');
  let problems = '';
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    problems = (problems + chunk).slice(-10_000);
  });
  const announcement = await Promise.race([
    announced(child.stdout),
    exited.then(() => Promise.reject(new Error(`concierge test-server does not start:\n${problems.trim()}`))),
  ]);
  const handles = [child, child.stdin, child.stdout, child.stderr] as unknown as Pick<Socket, 'ref' | 'unref'>[];
  for (const handle of handles) {
    handle.unref(); // Whoever forgets to stop it can end all the same, and it follows.
  }
  const stop = async () => {
    child.ref();
    child.stdin.end();
    const impatience = setTimeout(() => child.kill('SIGKILL'), LONGEST_STOP_MS);
    await exited;
    clearTimeout(impatience);
  };
  return { ...connectTestServer(announcement), stop, [Symbol.asyncDispose]: stop };
}

async function announced(output: NodeJS.ReadableStream): Promise<Announcement> {
  for await (const line of createInterface({ input: output })) {
    if (line.startsWith('{"issuer"')) {
      output.resume();
      return JSON.parse(line);
    }
  }
  return new Promise(() => {}); // It has ended, and says why elsewhere.
}

/** Test runners strip types and look at none: an option that is misspelt must not be one that is left out. */
function argumentsOf({ issuerPort, directory, config, ...misspelt }: Omit<TestServerOptions, 'databaseUrl'>): string[] {
  const unknown = Object.keys(misspelt);
  if (unknown.length > 0) {
    throw new TypeError(
      `startTestServer() takes databaseUrl, issuerPort, directory and config, and not ${unknown.join(', ')}`,
    );
  }
  const given = { 'issuer-port': issuerPort, directory, config };
  return Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)]));
}
