import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type Answer, Connection } from './connection.ts';

export interface OpenLoop {
  readonly port: number;
  /** Requests a second. */
  readonly rate: number;
  readonly seconds: number;
  /** Connections at most; a request that finds none waits, and its wait counts. */
  readonly connections: number;
  readonly request: () => string;
}

export interface Latencies {
  /** Milliseconds from the moment at which the request was meant to be sent, of the answers of the expected status. */
  readonly accepted: Percentiles;
  /** Answered 503 with `Retry-After`. */
  readonly shed: Percentiles;
  /** Everything else, by status or by what broke the connection. */
  readonly others: Readonly<Record<string, number>>;
  /** From that moment until it was sent: more than a few milliseconds, and the load is what was slow. */
  readonly late: Percentiles;
}

export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/**
 * Requests arrive when they arrive (Poisson), whether or not earlier ones are answered, and each is timed from the moment
 * at which it was meant to be sent: a closed loop would wait for a slow server and never see the queue.
 */
export async function openLoop(options: OpenLoop): Promise<Latencies> {
  const { rate, seconds } = options;
  const pool = new ConnectionPool(options);
  const notes = new Notes();
  const running = new Set<Promise<void>>();
  const arrivals = new Worker(join(import.meta.dirname, 'arrivals.ts'), { workerData: { rate, seconds } });
  arrivals.on('message', (due: readonly number[]) => {
    for (const intended of due) {
      const sent = send(options.request(), intended, pool, notes).finally(() => running.delete(sent));
      running.add(sent);
    }
  });
  await once(arrivals, 'exit');
  await Promise.all(running);
  pool.close();
  return notes.summary();
}

async function send(request: string, intended: number, pool: ConnectionPool, notes: Notes): Promise<void> {
  const connection = await pool.take();
  notes.sent(now() - intended);
  try {
    notes.add(await connection.exchange(request), now() - intended);
  } catch (error) {
    notes.broken(error as NodeJS.ErrnoException);
    connection.close();
  } finally {
    pool.giveBack(connection);
  }
}

/** The clock of arrivals.ts. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** The servers close a connection that was idle for five seconds, perhaps at the moment at which it is used again. */
const STALE_MS = 3_000;

class ConnectionPool {
  readonly #idle: { readonly connection: Connection; readonly since: number }[] = [];
  readonly #waiting: ((connection: Connection) => void)[] = [];
  readonly #all: Connection[] = [];
  readonly #options: OpenLoop;

  constructor(options: OpenLoop) {
    this.#options = options;
  }

  async take(): Promise<Connection> {
    const idle = this.#idle.pop();
    if (idle !== undefined) {
      if (now() - idle.since > STALE_MS) {
        idle.connection.close(); // It opens again with the next request.
      }
      return idle.connection;
    }
    if (this.#all.length < this.#options.connections) {
      const connection = new Connection(this.#options.port);
      this.#all.push(connection);
      return connection;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  giveBack(connection: Connection): void {
    const next = this.#waiting.shift();
    if (next) {
      next(connection);
    } else {
      this.#idle.push({ connection, since: now() });
    }
  }

  close(): void {
    for (const connection of this.#all) {
      connection.close();
    }
  }
}

class Notes {
  readonly #accepted: number[] = [];
  readonly #shed: number[] = [];
  readonly #others: Record<string, number> = {};
  readonly #late: number[] = [];

  sent(milliseconds: number): void {
    this.#late.push(milliseconds);
  }

  add({ status, head }: Answer, milliseconds: number): void {
    if (status === 200) {
      this.#accepted.push(milliseconds);
    } else if (status === 503 && /\r\nretry-after:/i.test(head)) {
      this.#shed.push(milliseconds);
    } else {
      this.#count(String(status));
    }
  }

  broken({ code, message }: NodeJS.ErrnoException): void {
    this.#count(code ?? message);
  }

  #count(what: string): void {
    this.#others[what] = (this.#others[what] ?? 0) + 1;
  }

  summary(): Latencies {
    return {
      accepted: percentilesOf(this.#accepted),
      shed: percentilesOf(this.#shed),
      others: this.#others,
      late: percentilesOf(this.#late),
    };
  }
}

export function percentilesOf(milliseconds: readonly number[]): Percentiles {
  const sorted = [...milliseconds].sort((one, other) => one - other);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}
