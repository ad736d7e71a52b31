import { expect, it } from 'vitest';
import { pauseAfter } from './workers.ts';

it('replaces a worker at once, and ever more slowly one that ends as soon as it has started', () => {
  expect([0, 1, 2, 3, 4].map(pauseAfter)).toEqual([0, 100, 200, 400, 800]);
  expect(pauseAfter(100)).toBe(10_000);
});
