import type { Pool, QueryConfig, QueryResultRow } from 'pg';
import { type Batch, createBatch } from '../../database/batch.ts';
import { isDatabaseUnavailable } from '../../database/unavailable.ts';
import { DatabaseUnavailable } from './database-unavailable.ts';

/** Of an error that more than one row has: the database is away, and not somebody in the way of a row. */
export const isForAll = (error: unknown): boolean => {
  const cause = error instanceof DatabaseUnavailable ? error.cause : error;
  return isDatabaseUnavailable(cause) && !ABOUT_ONE_ROW.test(String((cause as { code?: unknown }).code));
};

/** A statement that took too long or was given up for a lock (57014, 55P03), a deadlock and its like (40). */
const ABOUT_ONE_ROW = /^(40...|57014|55P03)$/;

export type Database = Pick<Pool, 'query'>;

/** A statement over many rows, which says of each row that it found or changed by `n` which of the inputs it is for, from 1. */
export type NumberedStatement<Input> = (inputs: readonly Input[]) => QueryConfig;

/** Reads that leave together. */
export function batchReads<Input, Row extends QueryResultRow>(
  database: Database,
  statement: NumberedStatement<Input>,
): Batch<Input, Row | undefined> {
  return batch(async (inputs) => {
    const { rows } = await database.query<Row & { n: number }>(statement(inputs));
    const found = new Array<Row | undefined>(inputs.length).fill(undefined);
    for (const row of rows) {
      found[row.n - 1] = row;
    }
    return found;
  });
}

/**
 * Changes that leave together, each of which finds its row (true) or does not. They go out sorted: two nodes which change
 * the same rows lock them in the same order, or they would wait for each other.
 */
export function batchChanges<Input>(
  database: Database,
  statement: NumberedStatement<Input>,
  keyOf: (input: Input) => string,
): Batch<Input, boolean> {
  return batch(async (inputs) => {
    const sorted = sortedBy(inputs, keyOf);
    const { rows } = await database.query<{ n: number }>(statement(sorted));
    const changed = new Set(rows.map(({ n }) => sorted[n - 1]));
    return inputs.map((input) => changed.has(input));
  });
}

/** Rows that are saved together, in one order at every node, too. */
export function batchSaves<Input>(
  database: Database,
  statement: (inputs: readonly Input[]) => QueryConfig,
  keyOf: (input: Input) => string,
): Batch<Input, void> {
  return batch(async (inputs) => {
    await database.query(statement(sortedBy(inputs, keyOf)));
    return inputs.map(() => undefined);
  });
}

function batch<Input, Output>(run: (inputs: readonly Input[]) => Promise<readonly Output[]>): Batch<Input, Output> {
  return createBatch({
    run,
    isUnavailable: isForAll,
    refusal: () => new DatabaseUnavailable(new Error('too many statements wait for the database')),
  });
}

function sortedBy<Input>(inputs: readonly Input[], keyOf: (input: Input) => string): readonly Input[] {
  return inputs.length === 1 ? inputs : inputs.toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
}
