/**
 * What concerns one key happens in the order in which it was asked for, whoever waited for whose answer: statements take
 * different connections, and these know nothing of each other. Different keys never wait for each other.
 */
export interface InOrder {
  /** Runs once everything that was asked for this key before has ended, well or not. */
  write<Result>(key: string, work: () => Promise<Result>): Promise<Result>;
  /** The same, and nothing waits for it. */
  read<Result>(key: string, work: () => Promise<Result>): Promise<Result>;
}

/** What fails with one of `endsAll` fails for everything that waits behind it: each would wait as long, in vain. */
export function createInOrder(endsAll: (error: unknown) => boolean): InOrder {
  const last = new Map<string, Promise<unknown>>();
  const after = <Result>(key: string, work: () => Promise<Result>) => {
    const goOn = (error: unknown) => (endsAll(error) ? Promise.reject(error) : work());
    return last.get(key)?.then(work, goOn) ?? work();
  };
  return {
    async write(key, work) {
      const done = after(key, work);
      last.set(key, done);
      try {
        return await done;
      } finally {
        if (last.get(key) === done) {
          last.delete(key);
        }
      }
    },
    read: after,
  };
}
