import { describe, expect, it } from 'vitest';
import { oncePerRequest } from './once-per-request.ts';

function reader() {
  let reads = 0;
  let request: object | undefined;
  const read = oncePerRequest(
    () => request,
    async (name: string) => {
      reads += 1;
      return `${name} ${reads}`;
    },
  );
  return {
    read,
    begin: (one: object | undefined) => {
      request = one;
    },
  };
}

describe('one request', () => {
  it('reads the same once, also when it asks twice at the same moment', async () => {
    const { read, begin } = reader();
    begin({});
    expect(await Promise.all([read('a'), read('a'), read('b')])).toEqual(['a 1', 'a 1', 'b 2']);
    expect(await read('a')).toBe('a 1');
  });

  it('knows nothing of another, and outside of one nothing is kept', async () => {
    const { read, begin } = reader();
    begin({});
    expect(await read('a')).toBe('a 1');
    begin({});
    expect(await read('a')).toBe('a 2');
    begin(undefined);
    expect(await read('a')).toBe('a 3');
    expect(await read('a')).toBe('a 4');
  });
});
