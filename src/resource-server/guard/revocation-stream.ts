import { setTimeout as sleep } from 'node:timers/promises';
import { createEventStream, type EventStream, type EventStreamOptions, type Poll, Unexpected } from './event-stream.ts';
import type { Revocations } from './revocations.ts';
import { readSecurityEvent, type SecurityEventTokens, type Touched } from './security-event-token.ts';
import type { GuardLogger } from './strategy.ts';

export interface RevocationStreamOptions extends EventStreamOptions, SecurityEventTokens {
  readonly revocations: Revocations;
  readonly logger: GuardLogger;
  /** Milliseconds, from any origin. */
  readonly now?: (() => number) | undefined;
}

/** The authorization server gives a sign of life every 300 ms. */
const LONGEST_SILENCE_MS = 750;
const BACK_OFF_MS = { least: 100, most: 5_000 };
/** Where asking again soon would not help: there is no such thing there, or not for us. */
const HOPELESS_MS = 60_000;
const HOPELESS: ReadonlySet<number> = new Set([400, 401, 403, 405, 409]);

/**
 * What is answered until then may come from somewhere that has not heard of it yet: nodes of the authorization server act upon a
 * change of clients, roles and resource servers within a second, and a replica of its database lags behind.
 */
const REACHES_ALL_MS = 1_100;

const NOTHING_READ: Poll = { ack: [], setErrs: {} };

/**
 * Hears from the authorization server which tokens have ended, and notes it, as soon as that has happened. Nobody waits for
 * this: as long as it is not live, whoever remembers an answer cannot rely on being told of its end.
 */
export class RevocationStream {
  readonly #options: RevocationStreamOptions;
  readonly #now: () => number;
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;
  #stream: EventStream | undefined;
  #heardAt = Number.NEGATIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;
  #trouble: string | undefined;

  constructor(options: RevocationStreamOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Whether everything is noted that had happened until a moment ago. */
  get live(): boolean {
    return this.#isRecent(this.#heardAt);
  }

  #isRecent(time: number): boolean {
    return this.#now() - time < LONGEST_SILENCE_MS;
  }

  /** Goes on until it is closed. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** The authorization server keeps nothing for us any longer. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
    await this.#stream?.remove().catch(() => {}); // It expires by itself.
    this.#stream = undefined;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 0; !signal.aborted; ) {
      const begun = this.#now();
      try {
        await this.#follow();
      } catch (error) {
        this.#heardAt = Number.NEGATIVE_INFINITY;
        failures = this.#now() - begun > BACK_OFF_MS.most ? 1 : failures + 1;
        if (!signal.aborted) {
          this.#report(error as Error);
          await sleep(delayAfter(error, failures), undefined, { signal }).catch(() => {});
        }
      }
    }
  }

  async #follow(): Promise<never> {
    if (this.#stream === undefined) {
      this.#stream = await createEventStream(this.#options, this.#closing.signal);
      this.#note(undefined); // What happened before it was there.
    }
    for (let read = NOTHING_READ; ; ) {
      this.#askedAt = this.#now();
      const sets = await this.#stream.poll(read, () => this.#heed()).catch((error: unknown) => this.#lose(error));
      read = await this.#read(sets);
      this.#hear();
    }
  }

  /** The rest of what comes so late would be taken for young: another poll is answered with what has happened since. */
  #heed(): void {
    this.#hear();
    if (!this.live) {
      throw new Error('the signs of life come late');
    }
  }

  /** What comes late may be old: while this process was held up, all that had been sent waited to come at once. */
  #hear(): void {
    if (!this.#isRecent(Math.max(this.#heardAt, this.#askedAt))) {
      return;
    }
    this.#heardAt = this.#now();
    this.#trouble = undefined;
  }

  /** Without our position in them, events have been missed. */
  #lose(error: unknown): never {
    if (error instanceof Unexpected && (error.status === 404 || error.status === 410)) {
      this.#stream = undefined;
    }
    throw error;
  }

  /** Events are noted in whichever order they are verified, and more than once where one comes again: it makes no difference. */
  async #read(sets: Readonly<Record<string, string>>): Promise<Poll> {
    const ack: string[] = [];
    const setErrs: Record<string, Poll['setErrs'][string]> = {};
    const read = async ([jti, set]: [string, string]) => {
      try {
        this.#note((await readSecurityEvent(this.#options, jti, set)).handles);
        ack.push(jti);
      } catch (err) {
        this.#note(undefined); // Whatever it was about.
        this.#options.logger.warn({ err, jti }, 'a security event cannot be read');
        setErrs[jti] = { err: 'invalid_request', description: 'it cannot be verified' };
      }
    };
    await Promise.all(Object.entries(sets).map(read));
    return { ack, setErrs };
  }

  #note(handles: Touched['handles']): void {
    const { revocations } = this.#options;
    const note = () => (handles === undefined ? revocations.noteUnknown() : revocations.note(handles));
    note();
    setTimeout(note, REACHES_ALL_MS).unref();
  }

  /** Once for each trouble, however long it lasts. */
  #report(error: Error): void {
    if (error.message !== this.#trouble) {
      this.#trouble = error.message;
      const { issuer, logger } = this.#options;
      logger.warn({ err: error }, `${issuer} does not tell of revocations: answers are remembered for a second`);
    }
  }
}

function delayAfter(error: unknown, failures: number): number {
  if (error instanceof Unexpected && HOPELESS.has(error.status)) {
    return HOPELESS_MS;
  }
  const longest = Math.min(BACK_OFF_MS.least * 2 ** Math.min(failures - 1, 10), BACK_OFF_MS.most);
  return longest * (0.5 + Math.random() / 2);
}
