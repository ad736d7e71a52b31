import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';

/** Something that one node does for all of them, every minute. */
export interface Job {
  readonly name: string;
  /**
   * One part of the work, small enough that no request waits long for its rows or for the disk. True when there is more.
   * Another node may be doing the same. `now` is the time of the database, so that all nodes go by one clock.
   */
  step(now: Date): Promise<boolean>;
}

/** Says who leads: see storage/leases.ts. */
export interface Leadership {
  hold(): Promise<Date | undefined>;
  release(): Promise<void>;
}

export interface HousekeepingDeps {
  readonly jobs: readonly Job[];
  readonly leadership: Leadership;
  readonly logger: Pick<Logger, 'warn'>;
}

export interface Housekeeping {
  /** Waits for the step that is under way, and lets another node lead. */
  stop(): Promise<void>;
}

const INTERVAL_MS = 50_000;
/** So that nodes that were started together do not ask together. */
const JITTER_MS = 10_000;

/** Longer than any interval, so that a leader that lives stays one; a dead one is succeeded within two minutes or so. */
export const LEASE_SECONDS = 75;

/** For one run of one job. What grew while no node ran is cleared over several runs, with room for requests between them. */
const BUDGET_MS = 10_000;

/** Every node tries each minute; the one that leads does the jobs. */
export function startHousekeeping(deps: HousekeepingDeps): Housekeeping {
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();
  const run = () => {
    running = keepHouse(deps, stopping.signal).then(() => schedule(INTERVAL_MS));
  };
  let timer: NodeJS.Timeout | undefined;
  const schedule = (afterMs: number) => {
    if (!stopping.signal.aborted) {
      timer = setTimeout(run, afterMs + Math.random() * JITTER_MS).unref();
    }
  };
  schedule(0);
  return {
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await running;
      await deps.leadership.release().catch((error: unknown) => {
        deps.logger.warn({ err: error }, 'the lead of the housekeeping was not given up, and will run out');
      });
    },
  };
}

/** One run. A failure is logged and tried again at the next one: doing it late costs space and nothing else. */
export async function keepHouse(
  { jobs, leadership, logger }: HousekeepingDeps,
  stopping: AbortSignal,
  elapsed = () => performance.now(),
): Promise<void> {
  for (const job of jobs) {
    try {
      // Held anew for each job, since one may take a while.
      const now = await leadership.hold();
      if (now === undefined) {
        return;
      }
      const deadline = elapsed() + BUDGET_MS;
      while (!stopping.aborted && elapsed() < deadline && (await job.step(now))) {
        await nextTurn();
      }
    } catch (error) {
      logger.warn({ err: error, job: job.name }, 'housekeeping failed, and will be tried again');
    }
  }
}
