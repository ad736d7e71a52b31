import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startProduct } from '../contenders/product.ts';
import type { Stage } from '../stage.ts';
import { median } from './median.ts';
import { residentMemory } from './processor-time.ts';

/** What a process of the product costs before it does anything, and after it has done a lot. */
export interface ProcessCosts {
  /** Milliseconds from the start of `serve` on a migrated database until it listens. */
  readonly startMs: number;
  /** The same with Node's compile cache, filled by a run before. */
  readonly cachedStartMs: number;
  /** MB, with the compile cache; the second is the most that the process of all operations ever had. */
  readonly idleMB: number | undefined;
  readonly loadedMB: number | undefined;
}

const STARTS = 3;
const SETTLED_MS = 1_000;

export async function measureProcess(stage: Stage): Promise<ProcessCosts> {
  const { pid } = await stage.contender('P');
  const loaded = pid === undefined ? undefined : residentMemory(pid)?.most;
  const cache = await mkdtemp(join(stage.directory, 'compile-cache-'));
  const plain = { NODE_COMPILE_CACHE: '', NODE_DISABLE_COMPILE_CACHE: '1' };
  const cached = { NODE_COMPILE_CACHE: cache };
  await startOnce(stage, cached);
  const [starts, cachedStarts]: [number[], number[]] = [[], []];
  let idle: number | undefined;
  for (let start = 0; start < STARTS; start += 1) {
    starts.push((await startOnce(stage, plain)).startedIn);
    const once = await startOnce(stage, cached);
    cachedStarts.push(once.startedIn);
    idle = once.idle;
  }
  return { startMs: median(starts), cachedStartMs: median(cachedStarts), idleMB: inMB(idle), loadedMB: inMB(loaded) };
}

async function startOnce(stage: Stage, env: Readonly<Record<string, string>>) {
  const databaseUrl = await stage.database('product');
  const child = await startProduct({ databaseUrl, logFile: stage.logFile('start'), env });
  await sleep(SETTLED_MS);
  const idle = residentMemory(child.pid)?.now;
  await child.stop();
  return { startedIn: child.startedIn, idle };
}

function inMB(bytes: number | undefined): number | undefined {
  return bytes === undefined ? undefined : bytes / 1e6;
}
