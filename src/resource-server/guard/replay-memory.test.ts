import { expect, it } from 'vitest';
import { createNonces, NONCE_LIFETIME } from './dpop-nonces.ts';
import { createReplayMemory } from './replay-memory.ts';

it('remembers what was used as long as it is good, and forgets it then', () => {
  let now = 0;
  const isFirstUse = createReplayMemory(() => now);
  expect([isFirstUse('a', 10), isFirstUse('b', 20), isFirstUse('a', 10)]).toEqual([true, true, false]);
  now = 10_000;
  expect([isFirstUse('a', 10), isFirstUse('b', 20)]).toEqual([true, false]);
});

it('takes no more than it can remember, and never forgets one to remember another', () => {
  let now = 0;
  const isFirstUse = createReplayMemory(() => now, 2);
  expect([isFirstUse('a', 10), isFirstUse('b', 10)]).toEqual([true, true]);
  expect(() => isFirstUse('c', 10)).toThrow(/remembered already/);
  expect(isFirstUse('a', 10)).toBe(false);
  now = 10_000;
  expect(isFirstUse('c', 10)).toBe(true);
});

it('knows a nonce of now and of a moment ago, of whoever shares the secret', () => {
  let now = 1_000_000_000_000;
  const nonces = createNonces('secret', () => now);
  const nonce = nonces.current();
  expect(createNonces('secret', () => now).isRecent(nonce)).toBe(true);
  expect(createNonces('other', () => now).isRecent(nonce)).toBe(false);
  now += (NONCE_LIFETIME / 2) * 1000;
  expect([nonces.isRecent(nonce), nonces.current() === nonce]).toEqual([true, false]);
  now += (NONCE_LIFETIME / 2) * 1000;
  expect([nonces.isRecent(nonce), nonces.isRecent(''), nonces.isRecent('é'.repeat(22))]).toEqual([false, false, false]);
});
