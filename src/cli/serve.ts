import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { startAuthorizationServer } from '../authorization-server/server.ts';
import { loadConfig } from '../config/load.ts';
import { ConfigError } from '../config/mistakes.ts';
import { migrate, pendingMigrations } from '../database/migrate.ts';
import { stopOnSignal } from './stop-on-signal.ts';

export const MIGRATIONS = join(import.meta.dirname, '../../migrations/authorization-server');

/** `concierge serve [--config FILE] [--migrate]`: the authorization server. `--development` lets go of production's rules. */
export async function run(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      config: { type: 'string' },
      migrate: { type: 'boolean', default: false },
      development: { type: 'boolean', default: false },
    },
  });
  try {
    const mode = values.development ? 'development' : 'production';
    const config = loadConfig({ env: process.env, file: values.config, mode });
    const logger = pino({ level: config.log.level });
    const database = { url: config.database.url, directory: MIGRATIONS };
    if (values.migrate) {
      await migrate(database);
    }
    const pending = await pendingMigrations(database);
    if (pending.length > 0) {
      throw new PendingMigrations(pending);
    }
    const server = await startAuthorizationServer({ config, logger });
    logger.info({ issuer: config.issuer, ...config.listen }, 'authorization server listening');
    stopOnSignal(() => server.stop());
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof PendingMigrations)) {
      throw error;
    }
    console.error(error.message);
    process.exitCode = 1;
  }
}

/** The previous version may still run against this database, so migrating is somebody's decision. */
class PendingMigrations extends Error {
  constructor(names: readonly string[]) {
    super(`The database lacks migrations: ${names.join(', ')}.\nRun "concierge migrate", or start with --migrate.`);
  }
}
