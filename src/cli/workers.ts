import cluster, { type Worker } from 'node:cluster';
import type { Logger } from 'pino';
import { OperatorError } from './explain.ts';
import { closeWhatDiesWith } from './handed-over.ts';

export interface Workers {
  /** Lets each of them end its running requests. */
  stop(): Promise<void>;
}

/** What ends a worker sooner than this may well end its successor too. */
const SETTLED_MS = 10_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Runs the command of this process `count` times more, in workers that share its port and nothing else: one process is
 * one event loop, which is one core. A worker that ends is replaced. One whose primary has gone ends by itself, which
 * node:cluster sees to.
 *
 * The first one goes ahead: what keeps it from starting would keep them all, and is said once.
 */
export async function startWorkers(count: number, logger: Logger): Promise<Workers> {
  const running = new Set<Worker>();
  let stopping = false;

  function keep(worker: Worker, failures = 0): void {
    const since = performance.now();
    running.add(worker);
    const { pid } = worker.process;
    // A message that no longer arrives. Nobody listening to an 'error' would end the primary, and so all workers.
    worker.on('error', (err) => logger.warn({ err, worker: pid }, 'a worker cannot be reached'));
    worker.once('exit', (code, signal) => {
      running.delete(worker);
      if (!stopping) {
        logger.error({ worker: pid, code, signal }, 'a worker ended; another takes its place');
        replace(performance.now() - since < SETTLED_MS ? failures + 1 : 0);
      }
    });
  }

  function replace(failures: number): void {
    setTimeout(() => {
      if (!stopping) {
        keep(fork(), failures);
      }
    }, pauseAfter(failures));
  }

  const first = fork();
  await untilListening(first);
  keep(first);
  for (let others = 1; others < count; others++) {
    keep(fork());
  }
  return {
    async stop() {
      stopping = true;
      await Promise.all([...running].map(end));
    },
  };
}

function fork(): Worker {
  const worker = cluster.fork();
  closeWhatDiesWith(worker);
  return worker;
}

/** Milliseconds; doubled from one early end to the next. */
export function pauseAfter(failures: number): number {
  return failures === 0 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
}

/** A worker explains by itself what keeps it from starting, on the standard error that it shares with its primary. */
function untilListening(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('listening', () => resolve());
    worker.once('exit', (code, signal) => {
      reject(new OperatorError(`The first worker ended before it served (${signal ?? `exit code ${code}`}).`));
    });
  });
}

function end(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    worker.once('exit', () => resolve());
    worker.process.kill('SIGTERM');
  });
}
