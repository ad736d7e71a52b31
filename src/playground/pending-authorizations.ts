import type { Exchange } from './exchange.ts';

/** What the client remembers between sending the browser away and the answer: RFC 6749 §10.12, RFC 7636, Core §3.1.2.1. */
export interface PendingAuthorization {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  /** The first step of the conversation that the answer continues. */
  readonly request: Exchange;
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
