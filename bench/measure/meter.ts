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
  /** None of what is no server. */
  readonly pid: number | undefined;
  /** Of servers that it asks in turn: what they do for it is part of its cost. */
  readonly asks?: readonly number[];
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

  async read({ pid, asks = [], database }: Measured): Promise<Reading> {
    const { rows } = await this.#admin.query(
      `select pg_backend_pid() as pid, pg_current_wal_insert_lsn() - '0/0' as wal,
        (select coalesce(sum(calls), 0) from pg_stat_statements
         where dbid = (select oid from pg_database where datname = $1)) as statements`,
      [database ?? ''],
    );
    this.#postmaster ??= parentOf(rows[0].pid);
    return {
      serverMs: pid === undefined ? undefined : timeOf([pid, ...asks]),
      databaseMs: this.#postmaster === undefined ? undefined : processorTime(this.#postmaster),
      statements: Number(rows[0].statements),
      walBytes: Number(rows[0].wal),
    };
  }
}

function timeOf(pids: readonly number[]): number | undefined {
  const times = pids.map(processorTime);
  return times.every((time) => time !== undefined) ? times.reduce((sum, time) => sum + time, 0) : undefined;
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
