import { homedir } from 'node:os';
import { join } from 'node:path';
import { holdsSecret, readSecret } from '../config/environment.ts';
import { ConfigError, type Mistake } from '../config/mistakes.ts';
import { startEmbeddedPostgres } from '../database/embedded.ts';

/** Where test servers make their databases. */
export interface TestPostgres {
  /** Of a database that is connected to and otherwise left alone. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Nothing in it outlives a test, so nothing has to reach the disk. */
const SETTINGS = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '400' };

/** The one that is named, or else one that all test servers of this user share, and that ends with the last of them. */
export async function openTestPostgres(named: string | undefined, env: NodeJS.ProcessEnv): Promise<TestPostgres> {
  const url = named ?? databaseUrlIn(env);
  if (url !== undefined) {
    return { url: requirePostgresUrl(url), stop: async () => {} };
  }
  const directory = join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'concierge', 'test-postgres');
  const postgres = await startEmbeddedPostgres({ directory, settings: SETTINGS });
  return { url: postgres.url('postgres'), stop: () => postgres.stop() };
}

function databaseUrlIn(env: NodeJS.ProcessEnv): string | undefined {
  if (!holdsSecret(env, 'DATABASE_URL')) {
    return undefined;
  }
  const mistakes: Mistake[] = [];
  const url = readSecret(env, 'DATABASE_URL', mistakes);
  if (url === undefined) {
    throw new ConfigError(mistakes);
  }
  return url;
}

function requirePostgresUrl(url: string): string {
  if (!['postgres:', 'postgresql:'].includes(URL.parse(url)?.protocol ?? '')) {
    const fix = 'write it like postgres://user:password@host:5432/postgres';
    throw new ConfigError([{ path: 'DATABASE_URL', problem: 'is not a PostgreSQL URL', fix }]);
  }
  return url;
}
