import { describe, expect, it } from 'vitest';
import { purge } from './purge.ts';

/** Rows that expired, and what each batch asked for. */
function expired(count: number) {
  const asked: number[] = [];
  let left = count;
  return {
    asked,
    left: () => left,
    async removeExpired(limit: number) {
      asked.push(limit);
      const removed = Math.min(limit, left);
      left -= removed;
      return removed;
    },
  };
}

describe('C98: purging expired rows', () => {
  it('goes on in bounded batches until nothing is left', async () => {
    const rows = expired(2_500);
    expect(await purge(rows, () => false)).toBe(2_500);
    expect(rows.asked).toEqual([1_000, 1_000, 1_000]);
  });

  it('ends with its budget of time, and leaves the rest to the next run', async () => {
    const rows = expired(1_000_000);
    let now = 0;
    await purge(
      rows,
      () => false,
      () => (now += 2_000),
    );
    expect(rows.asked.length).toBeLessThan(10);
    expect(rows.left()).toBeGreaterThan(0);
  });

  it('ends after the present batch when the node stops', async () => {
    const rows = expired(1_000_000);
    expect(await purge(rows, () => rows.asked.length === 2)).toBe(2_000);
  });
});
