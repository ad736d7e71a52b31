import type { ConnectionLogger } from '../../database/connect.ts';
import { Listener } from '../../database/listen.ts';
import type { EventFeed, Follower } from '../shared-signals/event-stream.ts';

export interface SecurityEventFeedOptions {
  readonly url: string;
  readonly logger: ConnectionLogger;
}

const POLL_INTERVAL_MS = 250;
/** For longer than this nobody is left believing that nothing happens. */
const CURRENT_MS = 600;
const LATEST = 'select max(position)::text as position from security_events';

/**
 * Follows security events for everyone at this node, over one connection that is opened when the first of them comes: a
 * notification tells of new ones at once, and a poll over the same connection proves that it lives, and tells where
 * notifications do not come through.
 */
export class SecurityEventFeed implements EventFeed {
  readonly #options: SecurityEventFeedOptions;
  readonly #followers = new Set<Follower>();
  #listener: Listener | undefined;
  #timer: NodeJS.Timeout | undefined;
  #position: string | null | undefined;
  #confirmedAt = Number.NEGATIVE_INFINITY;

  constructor(options: SecurityEventFeedOptions) {
    this.#options = options;
  }

  get isCurrent(): boolean {
    return performance.now() - this.#confirmedAt < CURRENT_MS;
  }

  async follow(follower: Follower): Promise<{ stop(): void }> {
    this.#listener ??= this.#listen();
    if (!this.isCurrent) {
      await this.#confirm();
    }
    this.#followers.add(follower);
    this.#timer ??= setInterval(() => void this.#check(), POLL_INTERVAL_MS).unref();
    return { stop: () => this.#leave(follower) };
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#followers.clear();
    await this.#listener?.close();
  }

  #listen(): Listener {
    return new Listener({
      ...this.#options,
      applicationName: 'concierge security events',
      channel: 'concierge_security_events',
      onNotification: () => this.#tell(),
      onConnect: () => void this.#check(),
    });
  }

  #leave(follower: Follower): void {
    this.#followers.delete(follower);
    if (this.#followers.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  /** A database that is silent for longer ends the connection in the end (database/listen.ts). */
  async #check(): Promise<void> {
    await this.#confirm().catch(() => this.#lose());
  }

  async #confirm(): Promise<void> {
    const askedAt = performance.now();
    const [row] = (await this.#listener?.query<{ position: string | null }>(LATEST)) ?? [];
    this.#confirmedAt = askedAt;
    if (row?.position !== this.#position) {
      this.#position = row?.position;
      this.#tell();
    }
  }

  #tell(): void {
    for (const follower of [...this.#followers]) {
      follower.changed();
    }
  }

  #lose(): void {
    this.#confirmedAt = Number.NEGATIVE_INFINITY;
    for (const follower of [...this.#followers]) {
      this.#leave(follower);
      follower.lost();
    }
  }
}
