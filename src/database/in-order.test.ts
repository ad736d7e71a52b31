import { expect, it } from 'vitest';
import { createInOrder } from './in-order.ts';

function createWork() {
  const begun: string[] = [];
  const ends = new Map<string, { resolve(): void; reject(error: Error): void }>();
  const work = (name: string) => () => {
    begun.push(name);
    return new Promise<string>((resolve, reject) => {
      ends.set(name, { resolve: () => resolve(name), reject });
    });
  };
  return {
    begun,
    work,
    end: (name: string) => ends.get(name)?.resolve(),
    fail: (name: string) => ends.get(name)?.reject(new Error(name)),
  };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

const AWAY = new Error('away');

it('begins what concerns one key when what was asked for before has ended, and never waits for another key', async () => {
  const inOrder = createInOrder((error) => error === AWAY);
  const { begun, work, end } = createWork();
  const all = [
    inOrder.write('a', work('insert a')),
    inOrder.write('a', work('consume a')),
    inOrder.read('a', work('find a')),
    inOrder.write('b', work('insert b')),
  ];
  expect(begun).toEqual(['insert a', 'insert b']);
  end('insert a');
  await settle();
  expect(begun).toEqual(['insert a', 'insert b', 'consume a']);
  end('consume a');
  await settle();
  expect(begun).toEqual(['insert a', 'insert b', 'consume a', 'find a']);
  end('find a');
  end('insert b');
  expect(await Promise.all(all)).toEqual(['insert a', 'consume a', 'find a', 'insert b']);
});

it('lets reads pass each other, and a write go on that follows a failed one', async () => {
  const inOrder = createInOrder((error) => error === AWAY);
  const { begun, work, end, fail } = createWork();
  const reads = [inOrder.read('a', work('one')), inOrder.read('a', work('other'))];
  expect(begun).toEqual(['one', 'other']);
  end('one');
  end('other');
  await Promise.all(reads);
  const failing = inOrder.write('a', work('bad'));
  const next = inOrder.write('a', work('good'));
  fail('bad');
  await expect(failing).rejects.toThrow('bad');
  await settle();
  end('good');
  expect(await next).toBe('good');
});

it('does not let anything wait in vain behind what failed because the database is away', async () => {
  const inOrder = createInOrder((error) => error === AWAY);
  const { begun, work } = createWork();
  const all = [
    inOrder.write('a', () => Promise.reject(AWAY)),
    inOrder.write('a', work('one')),
    inOrder.write('a', work('other')),
    inOrder.read('a', work('find')),
  ];
  const outcomes = await Promise.allSettled(all);
  expect(outcomes.map((one) => one.status === 'rejected' && one.reason)).toEqual([AWAY, AWAY, AWAY, AWAY]);
  expect(begun).toEqual([]);
});
