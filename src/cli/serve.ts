import cluster from 'node:cluster';
import { parseArgs } from 'node:util';
import type { Logger } from 'pino';
import { hashSecret } from '../authorization-server/clients/secret.ts';
import { PostgresClientStore } from '../authorization-server/storage/clients.ts';
import { loadConfig } from '../config/load.ts';
import { DEMO_SECRETS } from '../config/production.ts';
import type { Config } from '../config/schema.ts';
import { createPool } from '../database/connect.ts';
import { migrate, pendingMigrations } from '../database/migrate.ts';
import { createLogger } from '../logging/create-logger.ts';
import { OperatorError } from './explain.ts';
import { MIGRATIONS } from './migrate.ts';
import { reportClients } from './report-clients.ts';
import { stopOnSignal } from './stop-on-signal.ts';
import type { WorkerMetrics } from './worker-metrics.ts';
import { startWorkers } from './workers.ts';

/**
 * `concierge serve [--config FILE] [--migrate] [--workers N]`: the authorization server. It never migrates unless told
 * to: the previous version may still run against the database. `--development` lets go of production's rules.
 */
export async function run(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      config: { type: 'string' },
      migrate: { type: 'boolean', default: false },
      workers: { type: 'string' },
      development: { type: 'boolean', default: false },
    },
  });
  const mode = values.development ? 'development' : 'production';
  // The option is the setting in other words, and held to the same rules.
  const env = values.workers === undefined ? process.env : { ...process.env, CONCIERGE_WORKERS: values.workers };
  const config = loadConfig({ env, file: values.config, mode });
  const logger = createLogger(config.log.level);
  if (cluster.isWorker) {
    await serve(config, logger);
    return;
  }
  await checkDatabase(config, values.migrate);
  for (const sentence of await reportClients(config)) {
    logger.info({ profile: config.profile }, sentence);
  }
  if (config.workers === 1) {
    await serve(config, logger);
  } else {
    const metrics = config.metrics.port === null ? undefined : await serveWorkerMetrics(config);
    announceMetrics(config, metrics?.port, logger);
    const workers = await startWorkers(config.workers, logger);
    stopOnSignal(async () => {
      await Promise.all([workers.stop(), metrics?.stop()]);
    });
  }
}

/** Not loaded unless asked for: the primary has nothing else to do. */
async function serveWorkerMetrics(config: Config): Promise<WorkerMetrics | undefined> {
  const metrics = await import('./worker-metrics.ts');
  return metrics.serveWorkerMetrics(config);
}

async function serve(config: Config, logger: Logger): Promise<void> {
  // Not before it is needed: the primary of several workers never does.
  const { startAuthorizationServer } = await import('../authorization-server/server.ts');
  const server = await startAuthorizationServer({ config, logger });
  stopOnSignal(() => server.stop());
  announceMetrics(config, server.metricsPort, logger);
  const { issuer, listen } = config;
  logger.info({ issuer, host: listen.host, port: server.port }, 'authorization server listening');
}

function announceMetrics({ metrics: { host } }: Config, port: number | undefined, logger: Logger): void {
  if (port !== undefined) {
    logger.info({ host, port, path: '/metrics' }, 'metrics to be had');
  }
}

/** Once for all workers. */
async function checkDatabase({ database: { url }, mode }: Config, mayMigrate: boolean): Promise<void> {
  const database = { url, directory: MIGRATIONS };
  if (mayMigrate) {
    await migrate(database);
  }
  const pending = await pendingMigrations(database);
  if (pending.length > 0) {
    throw new OperatorError(
      `The database lacks migrations: ${pending.join(', ')}.\nRun "concierge migrate", or start with --migrate.`,
    );
  }
  if (mode === 'production') {
    await refuseDemoClients(url);
  }
}

/** Whoever has read config/demo.yaml knows their secrets. */
async function refuseDemoClients(url: string): Promise<void> {
  const pool = createPool({ url, max: 1, applicationName: 'concierge serve' });
  try {
    const clients = await new PostgresClientStore(pool).clientsWithSecretHash([...DEMO_SECRETS].map(hashSecret));
    if (clients.length > 0) {
      throw new OperatorError(
        `The database holds demo clients, whose secrets are public: ${clients.join(', ')}.\n` +
          'Use a database that "concierge dev" never filled, or give these clients secrets of your own.',
      );
    }
  } finally {
    await pool.end();
  }
}
