import type { Handle } from './access-token.ts';

/** Older events than these are remembered as one: whatever was asked before the oldest of them is asked again. */
const REMEMBERED = 100_000;

/** A point in the order in which this process came to know things. */
export type Moment = number;

/**
 * What the authorization server has said about the end of tokens, grants, sessions, accounts and clients. Whoever keeps an
 * answer keeps the moment before it was asked for, and finds out here whether it still holds. So an event costs the same
 * however many answers are kept, and an answer that crossed an event on its way is known to be old.
 */
export class Revocations {
  readonly #moments = new Map<Handle, Moment>();
  #now: Moment = 0;
  /** Nothing is known about what came before this. */
  #since: Moment = 0;

  get now(): Moment {
    return this.#now;
  }

  /** Something happened to these: what is known about tokens that end with them may no longer be true. */
  note(handles: readonly Handle[]): void {
    this.#now += 1;
    for (const handle of handles) {
      this.#moments.delete(handle); // so that the order of the map stays that of the moments
      this.#moments.set(handle, this.#now);
    }
    while (this.#moments.size > REMEMBERED) {
      const [oldest, moment] = this.#moments.entries().next().value as [Handle, Moment];
      this.#moments.delete(oldest);
      this.#since = moment;
    }
  }

  /** Events may have been missed: anything may have happened to any token. */
  noteUnknown(): void {
    this.#now += 1;
    this.#since = this.#now;
    this.#moments.clear();
  }

  /** Whether anything may have happened to these after the moment. */
  touched(handles: readonly Handle[], moment: Moment): boolean {
    return (
      moment < this.#since || (moment < this.#now && handles.some((one) => (this.#moments.get(one) ?? 0) > moment))
    );
  }
}
