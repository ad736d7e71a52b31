import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Logger } from 'pino';
import { loadResourceApiConfig } from '../config/load.ts';
import type { ResourceApiConfig } from '../config/schema.ts';
import { createPool, REQUEST_TIMEOUTS } from '../database/connect.ts';
import { migrate } from '../database/migrate.ts';
import { listen } from '../http/listen.ts';
import { createLogger } from '../logging/create-logger.ts';
import { API_NAME, createResourceApi } from '../resource-server/app.ts';
import { createGuard } from '../resource-server/guard/guard.ts';
import { BlobStore } from '../resource-server/storage/blobs.ts';
import { stopOnSignal } from './stop-on-signal.ts';

const MIGRATIONS = join(import.meta.dirname, '../../migrations/resource-server');
const POOL_SIZE = 10;
const OPTIONS = { config: { type: 'string' }, development: { type: 'boolean', default: false } } as const;

export interface RunningResourceApi {
  readonly url: string;
  /** Lets running requests end, then closes the database connections. */
  stop(): Promise<void>;
}

/** `concierge resource-api [--config FILE]`. `--development` lets go of production's rules. */
export async function run(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...argv], options: OPTIONS });
  const mode = values.development ? 'development' : 'production';
  const config = loadResourceApiConfig({ env: process.env, file: values.config, mode });
  const logger = createLogger(config.log.level);
  const api = await startResourceApi(config, logger);
  stopOnSignal(() => api.stop());
  logger.info({ url: api.url, issuer: config.issuer }, 'resource API listening');
}

/** Does not need the authorization server yet: until that answers, guarded routes say 503. */
export async function startResourceApi(config: ResourceApiConfig, logger: Logger): Promise<RunningResourceApi> {
  const { databaseUrl, clientId, clientSecret, introspectionTimeoutMs } = config;
  const { identifier, issuer, allowedOrigins, blobLimitBytes } = config;
  await migrate({ url: databaseUrl, directory: MIGRATIONS });
  const pool = createPool({
    url: databaseUrl,
    max: POOL_SIZE,
    applicationName: 'concierge resource-api',
    timeouts: REQUEST_TIMEOUTS,
    logger,
  });
  await new BlobStore(pool).deleteAbandoned();
  const tokens = openTokens(config, logger);
  const guard = createGuard({
    issuer,
    audience: identifier,
    strategy: tokens.strategy,
    clientId,
    clientSecret,
    name: API_NAME,
    timeoutMs: introspectionTimeoutMs,
    logger,
  });
  const app = createResourceApi({
    pool,
    guard,
    identifier,
    issuer,
    allowedOrigins,
    blobLimitBytes,
    logger,
  });
  const server = await listen(app.callback(), config.listen).catch(async (error: unknown) => {
    await Promise.all([tokens.close(), pool.end()]);
    throw error;
  });
  return {
    url: `http://${config.listen.host}:${server.port}`,
    stop: async () => {
      await server.close();
      await guard.close();
      await tokens.close();
      await pool.end();
    },
  };
}

/** Tokens are looked up by a role that can do nothing else there. */
function openTokens({ strategy, tokenDatabaseUrl = '' }: ResourceApiConfig, logger: Logger) {
  if (strategy !== 'repository') {
    return { strategy, close: async () => undefined };
  }
  const pool = createPool({
    url: tokenDatabaseUrl,
    max: POOL_SIZE,
    applicationName: 'concierge resource-api tokens',
    timeouts: REQUEST_TIMEOUTS,
    logger,
  });
  return { strategy: { repository: pool }, close: () => pool.end() };
}
