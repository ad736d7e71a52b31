import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';

/** What holds rows that expire: see storage/artifacts.ts. */
export interface ExpiringRows {
  removeExpired(limit: number): Promise<number>;
}

export interface Purge {
  /** Ends the run that is under way after its present batch, and starts no other. */
  stop(): Promise<void>;
}

/** Small enough that no request waits long for the rows or the disk. */
const BATCH = 1_000;
const INTERVAL_MS = 60_000;
/** A table that grew while no node ran is cleared over several runs, with room for requests between them. */
const BUDGET_MS = 10_000;

/**
 * Expired rows disappear by themselves, those of abandoned sign-ins among them. Every node does it; they pass over each
 * other's rows. A failure is logged and tried again at the next run: purging late costs space and nothing else.
 */
export function startPurge(rows: ExpiringRows, logger: Logger): Purge {
  let stopped = false;
  let running = Promise.resolve();
  const timer = setInterval(() => {
    running = running
      .then(() => purge(rows, () => stopped))
      .then(
        (removed) => {
          if (removed > 0) {
            logger.debug({ removed }, 'expired rows removed');
          }
        },
        (error: unknown) => logger.warn({ err: error }, 'expired rows could not be removed'),
      );
  }, INTERVAL_MS);
  timer.unref();
  return {
    async stop() {
      stopped = true;
      clearInterval(timer);
      await running;
    },
  };
}

/** Removes what has expired, batch by batch, for a while; returns how many rows that were. */
export async function purge(
  rows: ExpiringRows,
  isStopped: () => boolean,
  now = () => performance.now(),
): Promise<number> {
  const deadline = now() + BUDGET_MS;
  let removed = 0;
  while (!isStopped() && now() < deadline) {
    const batch = await rows.removeExpired(BATCH);
    removed += batch;
    if (batch < BATCH) {
      break;
    }
    await nextTurn();
  }
  return removed;
}
