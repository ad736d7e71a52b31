import type { QueryConfig } from 'pg';
import type { Database } from './batched.ts';

/** Copies of copies that are made within milliseconds. */
const MOST_ROUNDS = 5;

/**
 * Ends all grants that a statement is about, and says how many there were; it returns a row for each that it ends. One that was
 * being copied for another session at that moment (remembered-grants.ts) waits for the copy, and does not see it; but nothing
 * is copied of one that has ended, so that the next round finds it.
 */
export function endAll(database: Database, statement: QueryConfig): Promise<number> {
  return untilNoneIsLeft(async () => (await database.query(statement)).rowCount ?? 0);
}

/** The same for any work on all of them. It says how many it has found to do. */
export async function untilNoneIsLeft(work: () => Promise<number>): Promise<number> {
  let all = 0;
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const some = await work();
    all += some;
    if (some === 0) {
      break;
    }
  }
  return all;
}
