import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';

/** Something that has to reach a server which is not ours, one day or another. */
export interface Delivery {
  /** The same at every attempt, so that whoever gets it twice can tell. */
  readonly id: string;
  readonly payload: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** Seconds since it was enqueued. */
  readonly age: number;
}

/** Keeps deliveries until they are made, for all nodes. */
export interface Queue {
  /** Takes what is due, at most `most`, and leaves it to nobody else for `seconds`: whoever dies over it is succeeded then. */
  claim(kind: string, limits: { readonly most: number; readonly seconds: number }): Promise<readonly Delivery[]>;
  postpone(id: string, seconds: number): Promise<void>;
  remove(id: string): Promise<void>;
}

/** See storage/outbox.ts. */
export interface Outbox extends Queue {
  /** Resolves when it is committed. */
  add(kind: string, payload: string): Promise<void>;
}

/** How one kind of delivery is made. */
export interface DeliveryHandler {
  /**
   * One attempt, with a time limit of its own, well below a minute. It may be made more than once, by any node: a node can
   * die between the delivery and the note of it. `refused`: it will never be taken, and is given up. Throws to be tried again.
   */
  deliver(payload: unknown, delivery: Pick<Delivery, 'id' | 'attempt'>): Promise<'delivered' | 'refused'>;
  /** Seconds until it is given up; two days unless told. */
  readonly patience?: number;
}

export interface Deliveries {
  /** Resolves when the delivery is certain to be tried. `payload` is what JSON can carry. */
  enqueue(kind: string, payload: object): Promise<void>;
  /** Something of this kind was put into the outbox in another way, along with what it belongs to. */
  wake(kind: string): void;
  /** Delivers from now on what is enqueued here, at once, and what other nodes left lying. By kind. */
  start(handlers: Readonly<Record<string, DeliveryHandler>>): RunningDeliveries;
}

export interface RunningDeliveries {
  /** Waits for the attempts under way, but not for ever: one that is left is made again by somebody else when its lease is over. */
  stop(longestMs?: number): Promise<void>;
}

interface Dependencies {
  readonly outbox: Outbox;
  readonly logger: Pick<Logger, 'warn' | 'error'>;
}

const AT_ONCE = 8;
const LEASE_SECONDS = 120;
const POLL_MS = 8_000;
const TWO_DAYS = 172_800;
const LONGEST_PAUSE = 3_600;
/** As long as requests have: whoever stops a process loses patience soon after. */
const LONGEST_STOP_MS = 10_000;

export function createDeliveries({ outbox, logger }: Dependencies): Deliveries {
  const loops = new Map<string, Loop>();
  return {
    async enqueue(kind, payload) {
      await outbox.add(kind, JSON.stringify(payload));
      loops.get(kind)?.wake();
    },
    wake: (kind) => loops.get(kind)?.wake(),
    start(handlers) {
      for (const [kind, handler] of Object.entries(handlers)) {
        loops.set(kind, startDelivering({ queue: outbox, logger }, kind, handler));
      }
      return {
        stop: async (longestMs) => void (await Promise.all([...loops.values()].map((loop) => loop.stop(longestMs)))),
      };
    },
  };
}

export interface Loop extends RunningDeliveries {
  /** There is something to be delivered at once. */
  wake(): void;
}

interface Delivering {
  readonly queue: Queue;
  readonly logger: Dependencies['logger'];
}

/** What one queue has of one kind, from now on. */
export function startDelivering(deps: Delivering, kind: string, handler: DeliveryHandler): Loop {
  return startLoop(() => deliverDue(deps, kind, handler), deps.logger);
}

/** One for each kind: a client that is slow to answer holds up no mail. */
function startLoop(deliverAll: () => Promise<boolean>, logger: Dependencies['logger']): Loop {
  const stopping = new AbortController();
  let nap = new AbortController();
  async function run() {
    while (!stopping.signal.aborted) {
      // Made before looking: what is enqueued meanwhile ends the nap before it begins.
      nap = new AbortController();
      const hasMore = await deliverAll().catch((err: unknown) => {
        logger.warn({ err }, 'the outbox could not be read, and will be again');
        return false;
      });
      if (!hasMore && !stopping.signal.aborted) {
        const milliseconds = POLL_MS * (1 + Math.random() / 2);
        await pause(milliseconds, undefined, { signal: nap.signal, ref: false }).catch(() => {});
      }
    }
  }
  const running = run();
  return {
    wake: () => nap.abort(),
    async stop(longestMs = LONGEST_STOP_MS) {
      stopping.abort();
      nap.abort();
      await Promise.race([running, pause(longestMs, undefined, { ref: false })]);
    },
  };
}

/** True when there may be more. */
async function deliverDue(deps: Delivering, kind: string, handler: DeliveryHandler): Promise<boolean> {
  const due = await deps.queue.claim(kind, { most: AT_ONCE, seconds: LEASE_SECONDS });
  await Promise.all(due.map((delivery) => attempt(deps, kind, handler, delivery)));
  return due.length === AT_ONCE;
}

/** A line is written when what it says is so. */
async function attempt(
  { queue, logger }: Delivering,
  kind: string,
  { deliver, patience = TWO_DAYS }: DeliveryHandler,
  { id, payload, attempt: count, age }: Delivery,
): Promise<void> {
  const about = { kind, delivery: id, attempt: count };
  try {
    const outcome = await deliver(JSON.parse(payload), { id, attempt: count });
    await queue.remove(id);
    if (outcome === 'refused') {
      logger.error(about, 'a delivery was refused for good, and is given up');
    }
  } catch (err) {
    if (age >= patience) {
      await queue.remove(id);
      logger.error({ ...about, err }, 'a delivery is given up');
      return;
    }
    const seconds = pauseAfter(count);
    await queue.postpone(id, seconds);
    logger.warn({ ...about, err, seconds }, 'a delivery failed, and will be tried again');
  }
}

/** Doubled from one attempt to the next, and scattered, so that what failed together does not come back together. */
export function pauseAfter(attempts: number): number {
  const longest = Math.min(5 * 2 ** (attempts - 1), LONGEST_PAUSE);
  return longest * (0.5 + Math.random() / 2);
}
