import pg from 'pg';

/** What `pino` and the console both are. */
export interface ConnectionLogger {
  warn(details: object, message: string): void;
}

export interface ConnectionOptions {
  url: string;
  /** Connections at most; further queries wait for one, up to three seconds. */
  max: number;
  /** What the database's own views call us. */
  applicationName: string;
  logger?: ConnectionLogger;
}

/** Longer than any query of ours takes, shorter than a person or a caller waits. */
const STATEMENT_TIMEOUT_MS = 10_000;
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000;
const ACQUIRE_TIMEOUT_MS = 3_000;

/** For the hot path. Survives a restart of PostgreSQL: queries of that moment fail, later ones find new connections. */
export function createPool(options: ConnectionOptions): pg.Pool {
  const pool = new pg.Pool({ ...connectionSettings(options), max: options.max });
  const report = (error: Error) => {
    options.logger?.warn({ error: error.message, code: (error as pg.DatabaseError).code }, 'database connection lost');
  };
  // An 'error' nobody listens to ends the process. pg emits it on the pool for an idle connection that is cut, and on
  // the client itself when that is checked out and between two queries (pg 8.23).
  pool.on('error', report);
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/** What every connection of ours has in common. */
function connectionSettings({ url, applicationName }: ConnectionOptions) {
  return {
    connectionString: url,
    application_name: applicationName,
    connectionTimeoutMillis: ACQUIRE_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    keepAlive: true,
  };
}
