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

export function createInOrder(): InOrder {
  const last = new Map<string, Promise<unknown>>();
  const after = <Result>(key: string, work: () => Promise<Result>) => {
    const before = last.get(key);
    return before === undefined ? work() : before.then(work, work);
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
