import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Throughput } from './closed-loop.ts';
import type { Latencies } from './open-loop.ts';
import type { Target } from './scenario.ts';

export interface Order {
  readonly kind: 'prepare' | 'closed loop' | 'open loop';
  readonly target: Target;
  readonly operation: string;
  readonly connections: number;
  readonly seconds: number;
  /** Of an open loop: requests a second. */
  readonly rate?: number;
}

export type Outcome = { readonly id: number } & ({ readonly result: unknown } | { readonly error: string });

type Request = Omit<Order, 'kind'>;

/** Makes load when it is told to; several loads at a time, if need be. */
export class LoadProcess {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>();
  #lastId = 0;

  constructor() {
    this.#child = fork(join(import.meta.dirname, 'worker.ts'));
    this.#child.on('message', (message) => this.#settle(message as Outcome));
    this.#child.on('exit', (code) => {
      for (const { reject } of this.#pending.values()) {
        reject(new Error(`the process that makes the load ended with ${code}`));
      }
    });
  }

  async prepare(request: Request): Promise<void> {
    await this.#order({ kind: 'prepare', ...request });
  }

  async closedLoop(request: Request): Promise<Throughput> {
    return (await this.#order({ kind: 'closed loop', ...request })) as Throughput;
  }

  async openLoop(request: Request & { readonly rate: number }): Promise<Latencies> {
    return (await this.#order({ kind: 'open loop', ...request })) as Latencies;
  }

  async stop(): Promise<void> {
    if (this.#child.connected) {
      const exited = once(this.#child, 'exit');
      this.#child.disconnect();
      await exited;
    }
  }

  #order(order: Order): Promise<unknown> {
    this.#lastId += 1;
    const pending = Promise.withResolvers<unknown>();
    this.#pending.set(this.#lastId, pending);
    this.#child.send({ id: this.#lastId, order });
    return pending.promise;
  }

  #settle(outcome: Outcome): void {
    const pending = this.#pending.get(outcome.id);
    this.#pending.delete(outcome.id);
    if ('error' in outcome) {
      pending?.reject(new Error(outcome.error));
    } else {
      pending?.resolve(outcome.result);
    }
  }
}
