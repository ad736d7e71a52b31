import { parseArgs } from 'node:util';
import { hashSecret } from '../authorization-server/clients/secret.ts';
import { startAuthorizationServer } from '../authorization-server/server.ts';
import { PostgresClientStore } from '../authorization-server/storage/clients.ts';
import { loadConfig } from '../config/load.ts';
import { DEMO_SECRETS } from '../config/production.ts';
import { createPool } from '../database/connect.ts';
import { migrate, pendingMigrations } from '../database/migrate.ts';
import { createLogger } from '../logging/create-logger.ts';
import { OperatorError } from './explain.ts';
import { MIGRATIONS } from './migrate.ts';
import { stopOnSignal } from './stop-on-signal.ts';

/**
 * `concierge serve [--config FILE] [--migrate]`: the authorization server. It never migrates unless told to: the
 * previous version may still run against the database. `--development` lets go of production's rules.
 */
export async function run(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      config: { type: 'string' },
      migrate: { type: 'boolean', default: false },
      development: { type: 'boolean', default: false },
    },
  });
  const mode = values.development ? 'development' : 'production';
  const config = loadConfig({ env: process.env, file: values.config, mode });
  const logger = createLogger(config.log.level);
  const database = { url: config.database.url, directory: MIGRATIONS };
  if (values.migrate) {
    await migrate(database);
  }
  const pending = await pendingMigrations(database);
  if (pending.length > 0) {
    throw new OperatorError(
      `The database lacks migrations: ${pending.join(', ')}.\nRun "concierge migrate", or start with --migrate.`,
    );
  }
  if (mode === 'production') {
    await refuseDemoClients(config.database.url);
  }
  const server = await startAuthorizationServer({ config, logger });
  stopOnSignal(() => server.stop());
  const { issuer, listen } = config;
  logger.info({ issuer, host: listen.host, port: server.port }, 'authorization server listening');
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
