import { randomBytes } from 'node:crypto';
import { OperatorError } from '../cli/explain.ts';
import { loadConfig, loadSettings } from '../config/load.ts';
import { isLoopback } from '../config/production.ts';
import type { Config } from '../config/schema.ts';

/** Far too cheap for a real password, and quick. */
const LIGHT_HASHING = { memoryKiB: 64, iterations: 1, parallelism: 1 };

export interface TestSettings {
  readonly env: NodeJS.ProcessEnv;
  /** Laid over the defaults. */
  readonly file: string | undefined;
}

/**
 * Throws when anything says that this is not for testing: a test server gives everything to whoever drives it. Returns the
 * path of the issuer, which is what its address keeps of the configured one.
 */
export function refuseProduction({ env, file }: TestSettings): string {
  if (env.NODE_ENV === 'production') {
    throw new OperatorError('NODE_ENV is production: a test server runs beside tests, and nowhere else.');
  }
  const { issuer } = loadSettings({ env, file, mode: 'development' });
  const { hostname, pathname } = new URL(issuer);
  if (!isLoopback(hostname)) {
    throw new OperatorError(
      `The issuer is ${issuer}: a test server is an issuer on this machine only. Leave issuer (CONCIERGE_ISSUER) out; it chooses a port of its own.`,
    );
  }
  return pathname === '/' ? '' : pathname;
}

interface Addresses {
  readonly issuer: string;
  readonly databaseUrl: string;
}

/** Sends no mail and asks nobody about passwords, whatever the environment holds; signs with a secret of its own. */
export function testConfig({ env, file }: TestSettings, { issuer, databaseUrl }: Addresses): Config {
  const config = loadConfig({
    file,
    mode: 'development',
    env: {
      ...env,
      ...without(['DATABASE_URL', 'CONCIERGE_SECRET', 'CONCIERGE_SMTP_URL']),
      DATABASE_URL: databaseUrl,
      CONCIERGE_SECRET: randomBytes(48).toString('base64url'),
      CONCIERGE_ISSUER: issuer,
    },
  });
  const { passwords, metrics, log } = config;
  return {
    ...config,
    passwords: { ...passwords, ...LIGHT_HASHING, breached: { ...passwords.breached, enabled: false } },
    metrics: { ...metrics, port: null },
    log: env.CONCIERGE_LOG_LEVEL === undefined ? { level: 'warn' } : log,
  };
}

function without(secrets: readonly string[]): Record<string, undefined> {
  return Object.fromEntries(secrets.flatMap((name) => [name, `${name}_FILE`]).map((name) => [name, undefined]));
}
