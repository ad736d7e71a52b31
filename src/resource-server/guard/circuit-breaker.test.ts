import { beforeEach, expect, it } from 'vitest';
import { circuitBreaker } from './circuit-breaker.ts';

let time: number;
let calls: number;
let guarded: ReturnType<typeof circuitBreaker>;
beforeEach(() => {
  time = 0;
  calls = 0;
  guarded = circuitBreaker({ failures: 3, restMs: 1000, now: () => time });
});

const fail = () =>
  guarded(async () => {
    calls += 1;
    throw new Error('broken');
  });
const succeed = () =>
  guarded(async () => {
    calls += 1;
    return 'fine';
  });

async function breakIt() {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    await expect(fail()).rejects.toThrow('broken');
  }
}

it('lets calls through as long as failures are not in a row', async () => {
  for (let round = 0; round < 5; round += 1) {
    await expect(fail()).rejects.toThrow('broken');
    await expect(fail()).rejects.toThrow('broken');
    expect(await succeed()).toBe('fine');
  }
});

it('fails at once after several failures in a row, and recovers after a rest', async () => {
  await breakIt();
  time = 999;
  await expect(succeed()).rejects.toThrow('not asked');
  expect(calls).toBe(3);
  time = 1000;
  expect(await succeed()).toBe('fine');
  expect(await succeed()).toBe('fine');
});

it('lets a single call try after the rest, and rests again when that fails', async () => {
  await breakIt();
  time = 1000;
  const outcomes = await Promise.allSettled([fail(), succeed(), succeed()]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(calls).toBe(4);
  time = 1999;
  await expect(succeed()).rejects.toThrow('not asked');
});
