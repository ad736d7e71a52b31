/**
 * A thread that says when a request arrives: at random, so many a second on average (a Poisson process). It sleeps in
 * between, exactly and without keeping a processor busy, which the event loop with its timers of whole milliseconds cannot.
 */
import { parentPort, workerData } from 'node:worker_threads';

const { rate, seconds } = workerData as { rate: number; seconds: number };
const sleep = new Int32Array(new SharedArrayBuffer(4));
const gap = () => (-Math.log(1 - Math.random()) * 1000) / rate;
/** All threads of a process share this clock. */
const now = () => Number(process.hrtime.bigint()) / 1e6;

const end = now() + seconds * 1000;
let next = now() + gap();
while (next < end) {
  Atomics.wait(sleep, 0, 0, Math.max(0, next - now()));
  const due: number[] = [];
  for (const time = now(); next <= time && next < end; next += gap()) {
    due.push(next);
  }
  if (due.length > 0) {
    parentPort?.postMessage(due);
  }
}
