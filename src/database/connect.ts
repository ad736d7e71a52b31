import pg from 'pg';

/** What `pino` and the console both are. */
export interface ConnectionLogger {
  warn(details: object, message: string): void;
}

export interface ConnectionOptions {
  url: string;
  /** Connections at most; further queries wait for one. */
  max: number;
  timeouts?: Timeouts;
  /** Unless false, a statement with a name is parsed and planned once for each connection. */
  preparedStatements?: boolean;
  /** What the database's own views call us. */
  applicationName: string;
  logger?: ConnectionLogger;
}

/** Milliseconds. */
export interface Timeouts {
  /** To wait for a connection, or to make one. */
  readonly acquire: number;
  /** For one statement. */
  readonly statement: number;
}

/** Of a request: whoever waits is told within three seconds that the database does not answer. */
export const REQUEST_TIMEOUTS: Timeouts = { acquire: 500, statement: 1_000 };

/** Of a command, or a job: longer than anything takes that we do. */
const TIMEOUTS: Timeouts = { acquire: 3_000, statement: 10_000 };
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000;
/** The database answers a statement that takes too long; where it does not even do that, the network is gone. */
const SILENCE_MS = 500;

/**
 * Every statement of the hot path looks rows up by an index, for as many rows as come together: one plan does for all, made
 * once a connection. For few rows PostgreSQL would plan anew each time, which takes longer than the statement. And it would
 * keep a plan that was made while a table was so small that reading all of it looked cheaper; so that is not offered.
 */
const PLANS =
  '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off';

/** For the hot path. Survives a restart of PostgreSQL: queries of that moment fail, later ones find new connections. */
export function createPool(options: ConnectionOptions): pg.Pool {
  const { max, preparedStatements = true } = options;
  const Client = preparedStatements ? pg.Client : UnpreparedClient;
  const pool = new pg.Pool({ ...connectionSettings(options), options: PLANS, max, Client });
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
export function connectionSettings({
  url,
  applicationName,
  timeouts = TIMEOUTS,
}: Pick<ConnectionOptions, 'url' | 'applicationName' | 'timeouts'>) {
  return {
    connectionString: url,
    application_name: applicationName,
    connectionTimeoutMillis: timeouts.acquire,
    statement_timeout: timeouts.statement,
    query_timeout: timeouts.statement + SILENCE_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    keepAlive: true,
  };
}

/**
 * For a pooler that lends each transaction another connection and does not follow prepared statements (PgBouncer before
 * 1.21): the name would be unknown there, or another's. Without a name a statement is parsed every time.
 */
class UnpreparedClient extends pg.Client {
  /** Whichever form of the query it was called in: only an object can have a name. */
  override query(query: object | string, ...rest: unknown[]): never {
    const unnamed = typeof query === 'object' && 'name' in query ? { ...query, name: undefined } : query;
    return super.query(unnamed as never, ...(rest as [])) as never;
  }
}
