import { PassThrough, type Readable } from 'node:stream';
import type { EventFeed } from './event-stream.ts';

/** RFC 8936 §2.3. */
export interface PollAnswer {
  /** SETs by their `jti`. */
  readonly sets: Readonly<Record<string, string>>;
  readonly moreAvailable?: true;
}

export const NO_EVENTS: PollAnswer = { sets: {} };
export const hasEvents = ({ sets }: PollAnswer): boolean => Object.keys(sets).length > 0;

/** It cannot be told whether there are events: a receiver must not take that for none. */
export class CannotTell extends Error {
  override readonly name = 'CannotTell';
}

export interface WaitingPolls {
  /**
   * What `look` finds now; or, when that is nothing, an answer that is on its way until it finds something. `undefined` from
   * it says that there is no such stream, or none any more. Of one stream one poll waits: another takes its place. Throws
   * `CannotTell`.
   */
  wait(streamId: string, look: () => Promise<PollAnswer | undefined>): Promise<PollAnswer | Readable | undefined>;
  /** Those that wait end with nothing, so that their receivers go on elsewhere, and nobody waits here any more. */
  stop(): void;
}

/** JSON may begin with spaces. Each tells the receiver that the stream lives, and that nothing has happened until now. */
const SIGN_OF_LIFE = ' ';
const SIGN_EVERY_MS = 300;
/** Proxies cut off what is silent for longer than half a minute or so; and receivers are heard of. */
const LONGEST_WAIT_MS = 25_000;

/** Polls that wait at this node. They hold no connection to the database, and cost nothing but a byte now and then. */
export function createWaitingPolls(feed: EventFeed): WaitingPolls {
  const waiting = new Map<string, Wait>();
  let signs: NodeJS.Timeout | undefined;
  let stopped = false;

  const leave = (streamId: string, wait: Wait) => {
    if (waiting.get(streamId) === wait) {
      waiting.delete(streamId);
    }
    if (waiting.size === 0) {
      clearInterval(signs);
      signs = undefined;
    }
  };
  const join = (streamId: string, wait: Wait) => {
    waiting.get(streamId)?.end(NO_EVENTS);
    waiting.set(streamId, wait);
    wait.body.once('close', () => leave(streamId, wait));
    signs ??= setInterval(() => {
      for (const wait of feed.isCurrent ? waiting.values() : []) {
        wait.giveSign();
      }
    }, SIGN_EVERY_MS).unref();
  };

  return {
    async wait(streamId, look) {
      if (stopped) {
        throw new CannotTell('this node is about to stop');
      }
      const wait = new Wait(look);
      await wait.follow(feed);
      const found = await wait.find();
      if (found === undefined || hasEvents(found) || stopped) {
        wait.body.destroy();
        return found;
      }
      join(streamId, wait);
      wait.begin();
      return wait.body;
    },
    stop() {
      stopped = true;
      for (const wait of waiting.values()) {
        wait.end(NO_EVENTS);
      }
    },
  };
}

class Wait {
  readonly body = new PassThrough();
  readonly #look: () => Promise<PollAnswer | undefined>;
  #looking = true;
  #changed = false;

  constructor(look: () => Promise<PollAnswer | undefined>) {
    this.#look = look;
    this.body.on('error', () => {}); // Whoever sends it to the receiver hears of it, too.
  }

  /** Before the first look, so that nothing falls between the two. */
  async follow(feed: EventFeed): Promise<void> {
    const following = await feed
      .follow({ changed: () => this.#change(), lost: () => this.#break(new CannotTell('the database is silent')) })
      .catch((cause: unknown) => Promise.reject(new CannotTell('the database is away', { cause })));
    this.body.once('close', () => following.stop());
  }

  async find(): Promise<PollAnswer | undefined> {
    try {
      return await this.#look();
    } catch (error) {
      this.body.destroy();
      throw error;
    }
  }

  begin(): void {
    const timer = setTimeout(() => this.end(NO_EVENTS), LONGEST_WAIT_MS).unref();
    this.body.once('close', () => clearTimeout(timer));
    this.#looking = false;
    if (this.#changed) {
      this.#change();
    } else {
      this.giveSign(); // Headers leave with the first byte.
    }
  }

  /** Not while it looks: something has happened, and nobody knows yet what. */
  giveSign(): void {
    if (!this.#looking && this.body.writable) {
      this.body.write(SIGN_OF_LIFE);
    }
  }

  end(answer: PollAnswer): void {
    if (!this.body.writableEnded && !this.body.destroyed) {
      this.body.end(JSON.stringify(answer));
    }
  }

  #break(error: Error): void {
    this.body.destroy(error);
  }

  /** One look at a time; what happens meanwhile is looked at afterwards. */
  #change(): void {
    this.#changed = true;
    if (!this.#looking && !this.body.destroyed) {
      this.#looking = true;
      void this.#lookAgain();
    }
  }

  async #lookAgain(): Promise<void> {
    while (this.#changed && !this.body.destroyed) {
      this.#changed = false;
      try {
        const found = await this.#look();
        if (found === undefined || hasEvents(found)) {
          this.end(found ?? NO_EVENTS);
          return;
        }
      } catch (cause) {
        this.#break(new CannotTell('events cannot be read', { cause }));
      }
    }
    this.#looking = false;
    this.giveSign();
  }
}
