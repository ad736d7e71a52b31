import { readdirSync, readFileSync } from 'node:fs';

/** What Linux counts in: 100 ticks a second on every platform that Node runs on. */
const TICK_MS = 10;

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Its own and that of its children that have ended. */
  readonly milliseconds: number;
}

/** Of a process and everything below it, since they began. `undefined` where there is no /proc. */
export function processorTime(pid: number): number | undefined {
  if (process.platform !== 'linux') {
    return undefined;
  }
  const processes = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? readProcess(Number(name)) : []));
  const family = new Set([pid]);
  for (let size = 0; size < family.size; ) {
    size = family.size;
    for (const one of processes) {
      if (family.has(one.parent)) {
        family.add(one.pid);
      }
    }
  }
  return processes.reduce((sum, one) => (family.has(one.pid) ? sum + one.milliseconds : sum), 0);
}

export function parentOf(pid: number): number | undefined {
  return process.platform === 'linux' ? readProcess(pid)[0]?.parent : undefined;
}

/** Bytes: now, and at most since the process began. */
export function residentMemory(pid: number): { readonly now: number; readonly most: number } | undefined {
  if (process.platform !== 'linux') {
    return undefined;
  }
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]) * 1024;
  return { now: field('VmRSS'), most: field('VmHWM') };
}

/** None where it has just ended. */
function readProcess(pid: number): Process[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may hold spaces. After it: state, parent, ..., utime, stime, cutime, cstime.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return [{ pid, parent: Number(fields[1]), milliseconds: ticks * TICK_MS }];
  } catch {
    return [];
  }
}
