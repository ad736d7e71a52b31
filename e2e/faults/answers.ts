import type { Answer } from '../../src/testing/relying-party.ts';

/** What a client may be told whatever happens: the thing, that it asked wrongly, or to come again. */
const EXPECTED = new Set([200, 400, 401, 503]);

/** Every answer of the load, and what was wrong with it. */
export class Answers {
  /** In words; empty as long as the servers behave. */
  readonly faults: string[] = [];
  readonly #mayBeLost: boolean;
  readonly #statuses = new Map<string, number>();
  readonly #nodes = new Map<string, { issued: number; refused: number }>();
  #slowestRefusal = 0;

  /** `mayBeLost`: nodes are killed, so a request may end without an answer. */
  constructor({ mayBeLost }: { readonly mayBeLost: boolean }) {
    this.#mayBeLost = mayBeLost;
  }

  /** Asks a node; `undefined` stands for no answer, or for "try again later". */
  async ask(node: string, send: (node: string) => Promise<Answer>): Promise<Answer | undefined> {
    const sent = performance.now();
    try {
      const answer = await send(node);
      this.#count(String(answer.status));
      return answer.status === 503
        ? this.#refused(node, answer, performance.now() - sent)
        : this.#accepted(node, answer);
    } catch (error) {
      this.#count('lost');
      if (!this.#mayBeLost) {
        this.faults.push(`a request that was not answered: ${error} ${(error as Error).cause ?? ''}`);
      }
      return undefined;
    }
  }

  /** How many tokens a node has issued: it can write. */
  issuedBy(node: string): number {
    return this.#of(node).issued;
  }

  refusedBy(node: string): number {
    return this.#of(node).refused;
  }

  get total(): number {
    return this.#statuses.values().reduce((sum, count) => sum + count, 0);
  }

  toString(): string {
    const counts = [...this.#statuses].sort().map(([status, count]) => `${count} x ${status}`);
    return `${counts.join(', ')}; slowest 503 after ${Math.round(this.#slowestRefusal)} ms`;
  }

  #refused(node: string, { headers, body }: Answer, ms: number): undefined {
    this.#of(node).refused += 1;
    this.#slowestRefusal = Math.max(this.#slowestRefusal, ms);
    if (!/^\d+$/.test(headers.get('retry-after') ?? '') || body.error !== 'temporarily_unavailable') {
      this.faults.push(`a 503 that does not say when to come again: ${JSON.stringify([...headers, body])}`);
    }
  }

  #accepted(node: string, answer: Answer): Answer {
    if (!EXPECTED.has(answer.status)) {
      this.faults.push(`an answer of ${answer.status}: ${answer.text}`);
    }
    if (answer.body.access_token !== undefined) {
      this.#of(node).issued += 1;
    }
    return answer;
  }

  #count(status: string): void {
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
  }

  #of(node: string) {
    const known = this.#nodes.get(node) ?? { issued: 0, refused: 0 };
    this.#nodes.set(node, known);
    return known;
  }
}
