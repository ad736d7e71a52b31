import type { Run } from './run.ts';

/** A browser that was sent away: its answer continues this run, whichever tab has begun another since. */
export interface PendingAuthorization {
  readonly state: string;
  readonly run: Run;
}

/** Several tabs may be on their way at once; a browser that keeps starting and never returns must not fill the memory. */
const MOST_AT_ONCE = 8;

/** The state check: an answer is accepted once, and only in the browser session that asked for it. */
export class PendingAuthorizations {
  readonly #byState = new Map<string, PendingAuthorization>();

  remember(pending: PendingAuthorization): void {
    this.#byState.set(pending.state, pending);
    for (const oldest of this.#byState.keys()) {
      if (this.#byState.size <= MOST_AT_ONCE) {
        break;
      }
      this.#byState.delete(oldest);
    }
  }

  /** Is an answer awaited at all? */
  get isEmpty(): boolean {
    return this.#byState.size === 0;
  }

  take(state: string): PendingAuthorization | undefined {
    const pending = this.#byState.get(state);
    this.#byState.delete(state);
    return pending;
  }
}
