import { randomBytes } from 'node:crypto';

export interface SessionStoreOptions {
  /** The most sessions kept at once; the one unused for longest makes room. */
  readonly limit: number;
  /** Milliseconds after its last use at which a session is gone. */
  readonly lifetime: number;
  readonly now: () => number;
}

/** Sessions in memory: what a browser's cookie stands for never leaves this process, and nothing survives a restart. */
export class SessionStore<Session> {
  readonly #sessions = new Map<string, { session: Session; expiresAt: number }>();
  readonly #options: SessionStoreOptions;

  constructor(options: SessionStoreOptions) {
    this.#options = options;
  }

  /** Returns the new session's id: 256 random bits, base64url. */
  create(session: Session): string {
    const id = randomBytes(32).toString('base64url');
    this.#keep(id, session);
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= this.#options.limit) {
        break;
      }
      this.#sessions.delete(oldest);
    }
    return id;
  }

  /** Finding a session counts as using it. */
  find(id: string): Session | undefined {
    const entry = this.#sessions.get(id);
    // Deleted and set again: a Map iterates in insertion order, which makes it the order of last use.
    this.#sessions.delete(id);
    if (!entry || entry.expiresAt <= this.#options.now()) {
      return undefined;
    }
    this.#keep(id, entry.session);
    return entry.session;
  }

  #keep(id: string, session: Session): void {
    this.#sessions.set(id, { session, expiresAt: this.#options.now() + this.#options.lifetime });
  }
}
