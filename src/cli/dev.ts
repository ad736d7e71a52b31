import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createPasswordPolicy } from '../authorization-server/accounts/password-policy.ts';
import { createPasswords } from '../authorization-server/accounts/passwords.ts';
import { startAuthorizationServer } from '../authorization-server/server.ts';
import { holdsSecret } from '../config/environment.ts';
import { loadConfig, loadResourceApiConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { createPool } from '../database/connect.ts';
import { startEmbeddedPostgres } from '../database/embedded.ts';
import { migrate } from '../database/migrate.ts';
import { createLogger } from '../logging/create-logger.ts';
import { demoIssuer } from '../playground/issuers.ts';
import { applyContent, readDirectoryFile } from './apply.ts';
import { furnishDemo } from './demo-records.ts';
import { demonstrationOf, welcome } from './demonstration.ts';
import { localAddresses, moveAddresses } from './local-addresses.ts';
import { MIGRATIONS } from './migrate.ts';
import { followMovedResourceServers } from './moved-resource-servers.ts';
import { otherIssuers, startPlayground } from './playground.ts';
import { reportClients } from './report-clients.ts';
import { startResourceApi } from './resource-api.ts';
import { startSamples } from './samples.ts';
import { stopOnSignal } from './stop-on-signal.ts';

const ROOT = join(import.meta.dirname, '../..');
const DEMO_DIRECTORY = join(ROOT, 'config/demo.yaml');

interface Running {
  stop(): Promise<void>;
}

/**
 * `concierge dev [--config FILE] [--data DIRECTORY]`: everything in one process, with the demo directory and, unless
 * DATABASE_URL (and RESOURCE_API_DATABASE_URL with it) says otherwise, a PostgreSQL of its own.
 */
export async function run(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: { config: { type: 'string' }, data: { type: 'string', default: resolve('data') } },
  });
  const running: Running[] = [];
  const stop = async () => {
    for (const one of running.splice(0).reverse()) {
      await one.stop();
    }
  };
  stopOnSignal(stop);
  try {
    console.log(await start(values, running));
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(options: { config?: string | undefined; data: string }, running: Running[]): Promise<string> {
  const source = { file: options.config, mode: 'development' } as const;
  const { actual, usual } = localAddresses({ ...source, env: process.env });
  const env = {
    ...process.env,
    ...(await developmentSecrets(options.data)),
    ...(await databases(options.data, running)),
    CONCIERGE_ISSUER: actual.issuer,
    CONCIERGE_RESOURCE_API_IDENTIFIER: actual.resourceApi,
  };
  const config = loadConfig({ ...source, env });
  const apiConfig = loadResourceApiConfig({ ...source, env });
  const logger = createLogger(process.env.CONCIERGE_LOG_LEVEL === undefined ? 'warn' : config.log.level);
  const content = readDirectoryFile(DEMO_DIRECTORY, (text) => moveAddresses(text, usual, actual));
  await migrate({ url: config.database.url, directory: MIGRATIONS });
  await applyDemo(content, config);
  if (config.profile !== 'rfc6749') {
    console.log([`Profile ${config.profile}:`, ...(await reportClients(config))].join('\n  '));
  }
  const demonstration = demonstrationOf(content, actual);
  running.push(await startAuthorizationServer({ config, logger, demonstration }));
  running.push(await startResourceApi(apiConfig, logger));
  await furnishDemo({ authorizationServer: config.database.url, resourceApi: apiConfig.databaseUrl });
  const issuers = [
    demoIssuer(actual.issuer, actual.resourceApi),
    ...otherIssuers(config.playground.issuers, process.env),
  ];
  running.push(await startPlayground({ ...config.playground.listen, issuers }));
  running.push(await startSamples(config.samples, actual));
  const keepsMailbox = config.mail.smtpUrl === null;
  return welcome({ ...actual, demonstration, profile: config.profile, keepsMailbox });
}

/** Made once and kept, so that what was sealed yesterday opens today. */
async function developmentSecrets(data: string): Promise<Record<string, string>> {
  const ofDemo = { CONCIERGE_RESOURCE_API_CLIENT_SECRET: 'demo-api-secret' };
  if (holdsSecret(process.env, 'CONCIERGE_SECRET')) {
    return ofDemo;
  }
  await mkdir(data, { recursive: true });
  const file = join(data, 'secret');
  const secret = randomBytes(48).toString('base64url');
  await writeFile(file, secret, { flag: 'wx', mode: 0o600 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') {
      throw error;
    }
  });
  return { ...ofDemo, CONCIERGE_SECRET: await readFile(file, 'utf8') };
}

/** Two databases, because the resource API shares nothing with the authorization server. */
async function databases(data: string, running: Running[]): Promise<Record<string, string>> {
  if (holdsSecret(process.env, 'DATABASE_URL')) {
    return {};
  }
  const postgres = await startEmbeddedPostgres({ directory: join(data, 'postgres') });
  running.push(postgres);
  if (postgres.notice !== undefined) {
    console.log(postgres.notice);
  }
  return {
    DATABASE_URL: await postgres.ensureDatabase('concierge'),
    RESOURCE_API_DATABASE_URL: await postgres.ensureDatabase('concierge_resource_api'),
  };
}

async function applyDemo(content: unknown, config: Config): Promise<void> {
  const pool = createPool({ url: config.database.url, max: 2, applicationName: 'concierge apply' });
  try {
    const passwords = await createPasswords(config.passwords);
    const policy = createPasswordPolicy({ ...config.passwords, contextWords: [config.brand.name] });
    await followMovedResourceServers(pool, content);
    await applyContent(content, { pool, passwords, policy, env: process.env, mode: 'development' });
  } finally {
    await pool.end();
  }
}
