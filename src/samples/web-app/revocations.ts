import { setTimeout } from 'node:timers/promises';

/** Seconds between two tries: an hour in all. */
const WAITS = [1, 2, 4, 8, 15, 30, 60, ...Array<number>(12).fill(290)];

/** Tokens that wait for another try; beyond them the oldest is given up. */
const MOST = 500;

interface RevocationsOptions {
  /** Asks the authorization server; throws where it is not known that the token has ended. */
  readonly revoke: (token: string) => Promise<void>;
  readonly report: (problem: unknown) => void;
  readonly pause?: (milliseconds: number) => Promise<unknown>;
}

/**
 * When people sign out, their token is to end, and not only to be forgotten (RFC 7009). Where the server does not answer just
 * then, this goes on trying. In memory: what still waits when the process ends lives until it expires.
 */
export class Revocations {
  readonly #options: Required<RevocationsOptions>;
  readonly #waiting = new Set<string>();
  #catchingUp: Promise<void> | undefined;

  constructor(options: RevocationsOptions) {
    this.#options = { pause: (milliseconds) => setTimeout(milliseconds, undefined, { ref: false }), ...options };
  }

  /** Whether it is known now that the token has ended. Where not, it is tried again in the background. */
  async revoke(token: string): Promise<boolean> {
    const problem = await this.#attempt(token);
    if (problem !== undefined) {
      this.#options.report(problem);
      void this.#keepTrying(token);
    }
    return problem === undefined;
  }

  /**
   * To wait for before a sign-in. A server may remember what somebody has allowed, and end it together with their old token: so
   * that comes first, and not an hour later under who has signed in anew.
   */
  catchUp(): Promise<void> {
    this.#catchingUp ??= this.#tryAll().finally(() => {
      this.#catchingUp = undefined;
    });
    return this.#catchingUp;
  }

  /** A server that is still away fails the first, and is spared the others. */
  async #tryAll(): Promise<void> {
    for (const token of this.#waiting) {
      if ((await this.#attempt(token)) !== undefined) {
        return;
      }
    }
  }

  async #keepTrying(token: string): Promise<void> {
    if (this.#waiting.has(token)) {
      return;
    }
    const [oldest] = this.#waiting;
    if (oldest !== undefined && this.#waiting.size >= MOST) {
      this.#giveUp(oldest);
    }
    this.#waiting.add(token);
    for (const seconds of WAITS) {
      await this.#options.pause(seconds * 1000);
      if (!this.#waiting.has(token) || (await this.#attempt(token)) === undefined) {
        return;
      }
    }
    this.#giveUp(token);
  }

  async #attempt(token: string): Promise<unknown> {
    try {
      await this.#options.revoke(token);
      this.#waiting.delete(token);
      return undefined;
    } catch (problem) {
      return problem;
    }
  }

  #giveUp(token: string): void {
    this.#waiting.delete(token);
    this.#options.report(new Error('A token of somebody who has signed out could not be revoked: it lives on.'));
  }
}
