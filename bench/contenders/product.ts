/** (P): the product, as an operator starts it: `concierge serve` in production mode, its log in a file. */
import { join } from 'node:path';
import { createPasswordPolicy } from '../../src/authorization-server/accounts/password-policy.ts';
import { createPasswords, type Passwords } from '../../src/authorization-server/accounts/passwords.ts';
import { applyContent } from '../../src/cli/apply.ts';
import { MIGRATIONS } from '../../src/cli/migrate.ts';
import { createPool } from '../../src/database/connect.ts';
import { freePort } from '../../src/database/embedded/free-port.ts';
import { migrate } from '../../src/database/migrate.ts';
import { directoryFile, HASHING, LIGHT_HASHING } from '../directory.ts';
import { type Child, startChild } from './child.ts';

export const SECRET = 'the-secret-of-the-benchmark-is-no-secret-at-all';
const MAIN = join(import.meta.dirname, '../../src/main.ts');
/** As scripts/run has it. */
const COMPILED = join(import.meta.dirname, '../../node_modules/.cache/compiled');
const LIGHT = join(import.meta.dirname, 'product-with-light-hashes.ts');

export interface ProductOptions {
  readonly databaseUrl: string;
  readonly logFile: string;
  /** Passwords cost next to nothing to verify, which no configuration allows. */
  readonly light?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

export async function startProduct(options: ProductOptions): Promise<Child> {
  const { databaseUrl, logFile, light = false, env = {} } = options;
  const port = await freePort();
  return startChild({
    argv: light ? [LIGHT] : [MAIN, 'serve'],
    env: {
      DATABASE_URL: databaseUrl,
      CONCIERGE_SECRET: SECRET,
      CONCIERGE_SMTP_URL: 'smtp://127.0.0.1:9', // No mail is sent.
      CONCIERGE_ISSUER: `http://localhost:${port}`,
      CONCIERGE_LISTEN_PORT: String(port),
      NODE_COMPILE_CACHE: COMPILED,
      ...env,
    },
    port,
    logFile,
  });
}

/** Migrates, and fills in the clients and accounts of the benchmark. */
export async function prepareDatabase(url: string, { light = false } = {}): Promise<void> {
  await migrate({ url, directory: MIGRATIONS });
  const pool = createPool({ url, max: 2, applicationName: 'bench' });
  const hashing = light ? LIGHT_HASHING : HASHING;
  try {
    const passwords = await createPasswords({ ...hashing, concurrency: 2, queue: 1000, maxLength: 1024 });
    const lengths = { minLength: 8, minLengthWithSecondFactor: 8, maxLength: 1024 };
    const policy = createPasswordPolicy({ ...lengths, contextWords: [] });
    const connections = { pool, passwords: hashingOnce(passwords), policy };
    await applyContent(directoryFile(), { ...connections, mode: 'production', env: {} });
  } finally {
    await pool.end();
  }
}

/** Everybody has the same password; one hash of it does for all, and takes as long to verify. */
function hashingOnce(passwords: Passwords): Passwords {
  let once: Promise<string> | undefined;
  return {
    ...passwords,
    inTurn: (work) =>
      passwords.inTurn((hasher) =>
        work({
          ...hasher,
          hashPassword(password) {
            once ??= hasher.hashPassword(password);
            return once;
          },
        }),
      ),
  };
}
