import type { ConnectionLogger } from '../../database/connect.ts';
import { Listener } from '../../database/listen.ts';

export interface DirectoryVersionOptions {
  readonly url: string;
  readonly logger: ConnectionLogger;
  /** What was read before is not to be used any more. */
  onChange(): void;
  /** Monotonic, milliseconds. */
  readonly now?: (() => number) | undefined;
}

/** The promise of the cache: no node acts upon what was changed longer ago than this. */
const MAX_AGE_MS = 1_000;
/** So that a poll may be late, or get lost, before the promise is at stake. */
const POLL_INTERVAL_MS = 400;
const APPLICATION_NAME = 'concierge directory';

/**
 * Follows the version of the directory: a notification tells of a change at once where notifications come through, and a
 * poll proves again and again that none was missed. Only the poll counts: a channel that dies without a word, a pooler
 * that swallows notifications or a process that was held up make the version unknown, never old.
 */
export class DirectoryVersion {
  readonly #options: DirectoryVersionOptions;
  readonly #now: () => number;
  readonly #listener: Listener;
  readonly #timer: NodeJS.Timeout;
  #version: string | undefined;
  /** When the latest poll that was answered had been sent: the answer is no older. */
  #knownAt = Number.NEGATIVE_INFINITY;
  #failing = false;
  #closed = false;

  constructor(options: DirectoryVersionOptions) {
    const { url, logger, now = () => performance.now() } = options;
    this.#options = options;
    this.#now = now;
    this.#listener = new Listener({
      url,
      logger,
      applicationName: APPLICATION_NAME,
      channel: 'concierge_directory',
      onNotification: (version) => this.#observe(version),
      onConnect: () => {
        // It may be another server than before, and its versions others.
        this.#forget();
        void this.confirm();
      },
    });
    this.#timer = setInterval(() => void this.confirm(), POLL_INTERVAL_MS).unref();
  }

  /** Whether `onChange` has been called for every change that is older than a second. */
  get isKnown(): boolean {
    return this.#now() - this.#knownAt < MAX_AGE_MS;
  }

  /** Resolves when `onChange` has been called for everything committed before; or, with the database away, for safety. */
  async confirm(): Promise<void> {
    const askedAt = this.#now();
    try {
      const [row] = await this.#listener.query<{ version: string }>('select version from directory_version');
      if (row === undefined) {
        throw new Error('directory_version is empty');
      }
      this.#observe(row.version);
      this.#knownAt = askedAt;
      this.#failing = false;
    } catch (error) {
      this.#forget();
      this.#report(error as Error);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#listener.close();
  }

  #observe(version: string): void {
    if (version !== this.#version) {
      this.#version = version;
      this.#options.onChange();
    }
  }

  #forget(): void {
    this.#version = undefined;
    this.#knownAt = Number.NEGATIVE_INFINITY;
    this.#options.onChange();
  }

  #report(error: Error): void {
    if (!this.#failing && !this.#closed) {
      this.#options.logger.warn({ error: error.message }, 'cannot follow the directory: reading it for every request');
    }
    this.#failing = true;
  }
}
