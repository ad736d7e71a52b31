import type { World } from './party.ts';

/** Does this value of a member work? An error is a "no" too: a refused registration, say. */
export type Works = (world: World, value: string) => Promise<unknown>;

/** How the values of a member are exercised, and which others of the standards there are that could stand there. */
export interface ListExercise {
  readonly others: readonly string[];
  readonly works: Works;
}

export interface Outcome {
  readonly works: boolean;
  /** Why not, for whoever reads a failed test. */
  readonly reason?: string;
}

export async function outcomeOf(works: Works, world: World, value: string): Promise<Outcome> {
  try {
    return { works: Boolean(await works(world, value)) };
  } catch (error) {
    return { works: false, reason: error instanceof Error ? error.message : String(error) };
  }
}
