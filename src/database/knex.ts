import createKnexClient, { type Knex } from 'knex';
import { ACQUIRE_TIMEOUT_MS, type ConnectionLogger, type ConnectionOptions, connectionSettings } from './connect.ts';

/** For relational queries off the hot path. Its pool replaces connections that were cut by itself. */
export function createKnex(options: ConnectionOptions): Knex {
  return createKnexClient({
    client: 'pg',
    connection: connectionSettings(options),
    acquireConnectionTimeout: ACQUIRE_TIMEOUT_MS,
    // knex keeps `min` connections even when they are dead, and 0 is none.
    pool: { min: 0, max: options.max },
    log: knexLog(options.logger),
  });
}

/** knex writes to the console unless told otherwise. What matters also reaches the caller as an error. */
function knexLog(logger: ConnectionLogger | undefined): Knex.Logger {
  const report = (message: unknown) => logger?.warn({ knex: String(message) }, 'database connection problem');
  return { warn: report, error: report, deprecate: report, debug: () => {} };
}
