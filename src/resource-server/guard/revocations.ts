import type { Handle } from './access-token.ts';

/** Older events than these are remembered as one: whatever was asked before the oldest of them is asked again. */
const REMEMBERED = 100_000;

/** The clock of the authorization server may be so far from ours. */
const CLOCKS_DIFFER_MS = 60_000;

/** A point in the order in which this process came to know things. */
export type Moment = number;

interface Noted {
  readonly moment: Moment;
  /** When it was heard of, in milliseconds since the epoch. */
  readonly time: number;
}

const NOTHING: Noted = { moment: 0, time: Number.NEGATIVE_INFINITY };

/**
 * What the authorization server has said about the end of tokens, grants, sessions, accounts and clients. Whoever keeps an
 * answer keeps the moment before it was asked for, and finds out here whether it still holds. So an event costs the same
 * however many answers are kept, and an answer that crossed an event on its way is known to be old.
 */
export class Revocations {
  readonly #noted = new Map<Handle, Noted>();
  readonly #clock: () => number;
  #now: Moment = 0;
  /** Nothing is known about what came before this. */
  #since = NOTHING;

  constructor(clock: () => number = Date.now) {
    this.#clock = clock;
  }

  get now(): Moment {
    return this.#now;
  }

  /** Something happened to these: what is known about tokens that end with them may no longer be true. */
  note(handles: readonly Handle[]): void {
    this.#now += 1;
    const noted = { moment: this.#now, time: this.#clock() };
    for (const handle of handles) {
      this.#noted.delete(handle); // so that the order of the map stays that of the moments
      this.#noted.set(handle, noted);
    }
    while (this.#noted.size > REMEMBERED) {
      const [oldest, forgotten] = this.#noted.entries().next().value as [Handle, Noted];
      this.#noted.delete(oldest);
      this.#since = forgotten;
    }
  }

  /** Events may have been missed: anything may have happened to any token. */
  noteUnknown(): void {
    this.#now += 1;
    this.#since = { moment: this.#now, time: this.#clock() };
    this.#noted.clear();
  }

  /** Whether anything may have happened to these after the moment. */
  touched(handles: readonly Handle[], moment: Moment): boolean {
    return (
      moment < this.#since.moment ||
      (moment < this.#now && handles.some((one) => (this.#noted.get(one) ?? NOTHING).moment > moment))
    );
  }

  /** The same since a time by the clock of the authorization server, in milliseconds since the epoch: rather too often than not. */
  touchedSince(handles: readonly Handle[], time: number): boolean {
    const from = time - CLOCKS_DIFFER_MS;
    return [this.#since, ...handles.map((one) => this.#noted.get(one) ?? NOTHING)].some((noted) => noted.time >= from);
  }
}
