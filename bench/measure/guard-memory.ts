import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Stage } from '../stage.ts';

/** What a guard's process has in memory once so many tokens went through it, none of them twice. */
export interface GuardMemory {
  readonly tokens: number;
  /** After a collection. */
  readonly heapMB: number;
  readonly residentMB: number;
}

/** V8 lets garbage lie while there is room for it, so there is no more than a small server has. */
const HEAP_MB = 192;

/** From the second of these on the guard forgets one for each that it learns. */
const TOKENS = [10_000, 100_000, 1_000_000];

export async function measureGuardMemory(stage: Stage): Promise<readonly GuardMemory[]> {
  const found: GuardMemory[] = [];
  const { target } = await stage.contender('agreeable');
  const argv = [`http://localhost:${target.port}`, ...TOKENS.map(String)];
  const guard = fork(join(import.meta.dirname, 'guard-process.ts'), argv, {
    execArgv: ['--expose-gc', `--max-old-space-size=${HEAP_MB}`],
  });
  guard.on('message', (memory) => found.push(memory as GuardMemory));
  const [code] = await once(guard, 'exit');
  if (code !== 0) {
    throw new Error(`the process of the guard ended with ${code}`);
  }
  return found;
}
