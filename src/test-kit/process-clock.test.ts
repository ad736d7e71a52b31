import { afterEach, expect, it } from 'vitest';
import { installProcessClock } from './process-clock.ts';

const Machine = globalThis.Date;
afterEach(() => {
  globalThis.Date = Machine;
});

it('moves what asks for the present, and leaves every other date alone', () => {
  const clock = installProcessClock();
  clock.moveTo(86_400_000);
  const ahead = Date.now() - Machine.now();
  expect(Math.abs(ahead - 86_400_000)).toBeLessThan(1_000);
  expect(new Date().toISOString()).toMatch(new Machine(Machine.now() + 86_400_000).toISOString().slice(0, 15));
  expect(Date()).toBe(new Machine(Date.now()).toString());
  expect(new Date(0).toISOString()).toBe('1970-01-01T00:00:00.000Z');
  expect(new Date('2026-01-02').getUTCDate()).toBe(2);
  expect(Date.UTC(2026, 0)).toBe(Machine.UTC(2026, 0));
});

it('makes dates that are dates to everybody', () => {
  installProcessClock();
  expect(new Date()).toBeInstanceOf(Machine);
  expect(new Machine()).toBeInstanceOf(Date);
  class Birthday extends Date {}
  expect(new Birthday()).toBeInstanceOf(Birthday);
});
