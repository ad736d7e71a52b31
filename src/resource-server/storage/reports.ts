import type { Pool, QueryArrayResult } from 'pg';
import type { Owner, Reach } from '../owner.ts';
import { type OwnerColumns, ownerFrom, ownerParameters } from './owner-columns.ts';
import type { Report } from './report-catalogue.ts';

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  /** There are more rows than were asked for. */
  readonly truncated: boolean;
}

/** What somebody keeps here. */
export interface Holdings {
  readonly owner: Owner;
  readonly records: number;
  readonly blobs: number;
  readonly bytes: number;
  readonly latest: Date;
}

/** There is no answer for now; `message` is for whoever asked. */
export class CannotReport extends Error {
  override readonly name = 'CannotReport';
}

const LONGEST_MS = 1_000;
/** At once, so that the other routes always find a connection. */
const MOST_AT_ONCE = 3;

/**
 * Whatever a report says, it changes nothing and ends soon. The connections of the pool are planned for looking up single
 * rows; a report reads many.
 */
const BEGIN = `begin read only; set local statement_timeout = ${LONGEST_MS}; set local plan_cache_mode = auto;
  set local enable_seqscan = on; set local enable_hashjoin = on; set local enable_mergejoin = on`;

/** What PostgreSQL says about a statement that it stopped. */
const QUERY_CANCELED = '57014';

/** Reads many rows at a time, without a way to write any. Throws `CannotReport`. */
export class ReportStore {
  readonly #pool: Pool;
  #running = 0;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async run(report: Report, parameters: Readonly<Record<string, number>>, reach: Reach): Promise<Table> {
    const { count = 0 } = parameters;
    const [owner_kind, owner_id] = ownerParameters(reach);
    const restricted = `${withinReach(reach)} ${report.sql} limit :count::int + 1`;
    const { fields, rows } = await this.#read(restricted, { ...parameters, owner_kind, owner_id });
    return { columns: fields.map(({ name }) => name), rows: rows.slice(0, count), truncated: rows.length > count };
  }

  /** Of everyone, those with the most records first. */
  async holdings(count: number): Promise<readonly Holdings[]> {
    const { rows } = await this.#read(
      `select owner_kind, owner_id, sum(records)::int, sum(blobs)::int, sum(bytes)::float8, max(latest)
       from (
         select owner_kind, owner_id, count(*) as records, 0 as blobs, 0 as bytes, max(updated_at) as latest
         from records group by owner_kind, owner_id
         union all
         select owner_kind, owner_id, 0, count(*), sum(size), max(completed_at)
         from blobs where completed_at is not null group by owner_kind, owner_id
       ) as kept
       group by owner_kind, owner_id order by sum(records) desc, sum(bytes) desc, owner_kind, owner_id limit :count`,
      { count },
    );
    return (rows as HoldingsRow[]).map(([owner_kind, owner_id, records, blobs, bytes, latest]) => {
      return { owner: ownerFrom({ owner_kind, owner_id }), records, blobs, bytes, latest };
    });
  }

  async #read(sql: string, values: Values): Promise<QueryArrayResult<unknown[]>> {
    if (this.#running >= MOST_AT_ONCE) {
      throw new CannotReport('Other reports are running. Try again shortly.');
    }
    this.#running += 1;
    try {
      return await this.#transact(positional(sql, values));
    } catch (error) {
      if ((error as { code?: unknown }).code !== QUERY_CANCELED) {
        throw error;
      }
      throw new CannotReport(
        `This takes longer than ${LONGEST_MS} ms, and was stopped. Ask for less, or try again later.`,
      );
    } finally {
      this.#running -= 1;
    }
  }

  async #transact(query: Positional): Promise<QueryArrayResult<unknown[]>> {
    const client = await this.#pool.connect();
    try {
      await client.query(BEGIN);
      const result = await client.query<unknown[]>({ ...query, rowMode: 'array' });
      await client.query('commit');
      client.release();
      return result;
    } catch (error) {
      // A connection on which not even this works is none to give back.
      await client.query('rollback').then(
        () => client.release(),
        () => client.release(true),
      );
      throw error;
    }
  }
}

type HoldingsRow = [...owner: [OwnerColumns['owner_kind'], string], number, number, number, Date];
type Values = Readonly<Record<string, string | number | null>>;

interface Positional {
  readonly text: string;
  readonly values: (string | number | null)[];
}

/** From here on `records` and `blobs` are names for what the caller reaches: no report can forget to ask whose they are. */
function withinReach(reach: Reach): string {
  const owned = reach === 'everyone' ? 'true' : 'owner_kind = :owner_kind and owner_id = :owner_id';
  return `with records as (select * from records where ${owned}),
    blobs as (select * from blobs where completed_at is not null and ${owned})`;
}

/** `:name` becomes `$1` and so on; `::type` is left alone. */
function positional(sql: string, values: Values): Positional {
  const names: string[] = [];
  const text = sql.replaceAll(/(?<!:):([a-z_]+)/g, (_placeholder, name: string) => {
    if (!names.includes(name)) {
      names.push(name);
    }
    return `$${names.indexOf(name) + 1}`;
  });
  return { text, values: names.map((name) => values[name] ?? null) };
}
