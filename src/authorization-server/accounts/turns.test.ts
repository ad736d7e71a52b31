import { expect, it } from 'vitest';
import { TooBusy } from './too-busy.ts';
import { Turns } from './turns.ts';

/** Work that ends when the test says so. */
function held() {
  const ends: (() => void)[] = [];
  return { work: () => new Promise<void>((resolve) => ends.push(resolve)), ends };
}

it('C65: runs as much as its concurrency, lets as many wait as its queue, and refuses the rest with a time to retry', async () => {
  const turns = new Turns({ concurrency: 2, queue: 1 });
  const { work, ends } = held();
  const admitted = [turns.take(work), turns.take(work), turns.take(work)];

  const refused = await turns.take(work).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(TooBusy);
  expect((refused as TooBusy).retryAfterSeconds).toBeGreaterThan(0);
  expect(ends).toHaveLength(2);

  ends[0]?.();
  await admitted[0];
  await Promise.resolve();
  expect(ends).toHaveLength(3);

  ends.forEach((end) => {
    end();
  });
  await Promise.all(admitted);
});

it('gives the turn of work that failed to the next in line', async () => {
  const turns = new Turns({ concurrency: 1, queue: 1 });
  const failing = turns.take(() => Promise.reject(new Error('no')));
  const waiting = turns.take(async () => 'done');
  await expect(failing).rejects.toThrow('no');
  await expect(waiting).resolves.toBe('done');
  await expect(turns.take(async () => 'free again')).resolves.toBe('free again');
});

it('works with no queue at all', async () => {
  const turns = new Turns({ concurrency: 1, queue: 0 });
  const { work, ends } = held();
  const running = turns.take(work);
  await expect(turns.take(work)).rejects.toBeInstanceOf(TooBusy);
  ends[0]?.();
  await running;
});
