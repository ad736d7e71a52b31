import type { Pool } from 'pg';
import { isDatabaseUnavailable } from '../../database/unavailable.ts';

/**
 * The database is away, or has no connection to spare: 503 with `Retry-After`, whoever asked. oidc-provider and Koa read
 * these fields off any error that comes to them, so the refusal needs nobody who translates it.
 */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable';
  readonly error = 'temporarily_unavailable';
  readonly error_description = 'the server cannot answer right now; send the request again in a moment';
  readonly status = 503;
  readonly statusCode = 503;
  readonly expose = true;

  constructor(cause: unknown) {
    super('temporarily_unavailable', { cause });
  }
}

/** The same pool, of which a query throws `DatabaseUnavailable` when the fault is not the statement's. */
export function reportUnavailability(pool: Pool, logger: { warn(details: object, message: string): void }): Pool {
  const query: (...args: unknown[]) => Promise<unknown> = pool.query.bind(pool);
  const report = (error: unknown) => {
    if (!isDatabaseUnavailable(error)) {
      throw error;
    }
    // Of every statement while it is away: a line says enough.
    logger.warn({ error: String(error), code: (error as { code?: unknown }).code }, 'the database is unavailable');
    throw new DatabaseUnavailable(error);
  };
  pool.query = ((...args: unknown[]) => query(...args).catch(report)) as Pool['query'];
  return pool;
}
