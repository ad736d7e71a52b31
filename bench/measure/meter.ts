import type pg from 'pg';
import { parentOf, processorTime } from './processor-time.ts';

/** Counters that only rise. */
export interface Reading {
  readonly serverMs: number | undefined;
  readonly databaseMs: number | undefined;
  readonly statements: number;
  readonly walBytes: number;
}

/** A server under test as it is measured. */
export interface Measured {
  readonly pid: number | undefined;
  /** The database of its own, if it has one. */
  readonly database?: string | undefined;
}

/** Reads what one server has cost so far. Nothing else may run meanwhile: the log of PostgreSQL belongs to everybody. */
export class Meter {
  readonly #admin: pg.Client;
  #postmaster: number | undefined;

  constructor(admin: pg.Client) {
    this.#admin = admin;
  }

  async read({ pid, database }: Measured): Promise<Reading> {
    const { rows } = await this.#admin.query(
      `select pg_backend_pid() as pid, pg_current_wal_insert_lsn() - '0/0' as wal,
        (select coalesce(sum(calls), 0) from pg_stat_statements
         where dbid = (select oid from pg_database where datname = $1)) as statements`,
      [database ?? ''],
    );
    this.#postmaster ??= parentOf(rows[0].pid);
    return {
      serverMs: pid === undefined ? undefined : processorTime(pid),
      databaseMs: this.#postmaster === undefined ? undefined : processorTime(this.#postmaster),
      statements: Number(rows[0].statements),
      walBytes: Number(rows[0].wal),
    };
  }
}

/** Costs of one operation; CPU in microseconds. */
export interface Cost {
  readonly serverUs: number | undefined;
  readonly databaseUs: number | undefined;
  readonly statements: number;
  readonly walBytes: number;
}

export function costBetween(before: Reading, after: Reading, operations: number): Cost {
  const micros = (from: number | undefined, to: number | undefined) =>
    from === undefined || to === undefined ? undefined : ((to - from) * 1000) / operations;
  return {
    serverUs: micros(before.serverMs, after.serverMs),
    databaseUs: micros(before.databaseMs, after.databaseMs),
    statements: (after.statements - before.statements) / operations,
    walBytes: (after.walBytes - before.walBytes) / operations,
  };
}
