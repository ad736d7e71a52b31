import { TooBusy } from './too-busy.ts';

/**
 * Runs at most `concurrency` pieces of work at once, lets at most `queue` wait, in order, and refuses the rest at once:
 * a flood then costs those who caused it an early 503, and never the memory or the latency of the whole server.
 */
export class Turns {
  readonly #concurrency: number;
  readonly #queue: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor({ concurrency, queue }: { concurrency: number; queue: number }) {
    this.#concurrency = concurrency;
    this.#queue = queue;
  }

  /** Throws `TooBusy`, without having started the work, when nobody else may wait. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    await this.#start();
    try {
      return await work();
    } finally {
      this.#end();
    }
  }

  async #start(): Promise<void> {
    if (this.#running < this.#concurrency) {
      this.#running += 1;
    } else if (this.#waiting.length < this.#queue) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      throw new TooBusy();
    }
  }

  /** Hands the turn to the next in line without giving it back, so that nobody slips in between. */
  #end(): void {
    const next = this.#waiting.shift();
    if (next) {
      next();
    } else {
      this.#running -= 1;
    }
  }
}
