import { describe, expect, it, vi } from 'vitest';
import { type Job, keepHouse, startHousekeeping } from './housekeeping.ts';

const NOW = new Date('2026-11-22T20:00:00Z');
const running = new AbortController().signal;

const logged: object[] = [];
const logger = { warn: (details: object) => void logged.push(details) };
const leader = { hold: async () => NOW, release: async () => {} };
const deps = (jobs: readonly Job[], leadership = leader) => ({ jobs, leadership, logger });

/** So many steps to do. */
function work(name: string, steps: number) {
  let done = 0;
  return { name, done: () => done, step: async () => ++done < steps };
}

describe('C98: housekeeping', () => {
  it('does each job step by step until nothing is left, by the clock of the database', async () => {
    const times: Date[] = [];
    const jobs = [work('one', 3), work('two', 1), { name: 'three', step: async (now: Date) => times.push(now) > 1 }];
    await keepHouse(deps(jobs), running);
    expect([jobs[0], jobs[1]].map((job) => (job as ReturnType<typeof work>).done())).toEqual([3, 1]);
    expect(times).toEqual([NOW, NOW].slice(0, times.length));
  });

  it('ends each job with its budget of time, and leaves the rest to the next run', async () => {
    const jobs = [work('endless', Number.POSITIVE_INFINITY), work('other', 2)];
    let elapsed = 0;
    await keepHouse(deps(jobs), running, () => (elapsed += 1_000));
    expect(jobs[0]?.done()).toBeLessThan(12);
    expect(jobs[1]?.done()).toBe(2);
  });

  it('is left to the node that leads', async () => {
    const job = work('job', 1);
    await keepHouse(deps([job], { ...leader, hold: async () => undefined as never }), running);
    expect(job.done()).toBe(0);
  });

  it('goes on to the next job when one fails, and says which', async () => {
    const broken = { name: 'broken', step: () => Promise.reject(new Error('disk full')) };
    const next = work('next', 1);
    await keepHouse(deps([broken, next]), running);
    expect(next.done()).toBe(1);
    expect(logged).toContainEqual(expect.objectContaining({ job: 'broken' }));
  });

  it('survives a database that is away, and asks again the next time', async () => {
    const job = work('job', 1);
    const away = { ...leader, hold: () => Promise.reject(new Error('ECONNREFUSED')) };
    await keepHouse(deps([job], away), running);
    await keepHouse(deps([job]), running);
    expect(job.done()).toBe(1);
  });

  it('runs again and again; stopping waits for the present step, begins no other, and gives up the lead', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { promise: slow, resolve: finish } = Promise.withResolvers<boolean>();
    let runs = 0;
    let released = false;
    const step = async () => (++runs < 2 ? false : slow);
    const release = async () => {
      released = true;
    };
    const housekeeping = startHousekeeping(deps([{ name: 'slow', step }], { ...leader, release }));
    await vi.advanceTimersByTimeAsync(120_000);
    expect(runs).toBe(2);
    const stopped = housekeeping.stop();
    expect(released).toBe(false);
    finish(true);
    await stopped;
    expect([runs, released]).toEqual([2, true]);
    vi.useRealTimers();
  });
});
