import { Connection } from './connection.ts';

const now = () => globalThis.performance.now();

export interface Throughput {
  readonly operations: number;
  readonly seconds: number;
}

/** False when there is nothing left to do. Throws when an answer is not the expected one, which ends the run. */
export type Perform = (connection: Connection, slot: number) => Promise<boolean>;

export interface ClosedLoop {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  readonly perform: Perform;
}

/** Each connection sends its next request when the last one is answered: how much can be done, not how long it takes. */
export async function closedLoop({ port, connections, seconds, perform }: ClosedLoop): Promise<Throughput> {
  const all = Array.from({ length: connections }, () => new Connection(port));
  let operations = 0;
  const startedAt = now();
  const deadline = startedAt + seconds * 1000;
  try {
    await Promise.all(
      all.map(async (connection, slot) => {
        while (now() < deadline && (await perform(connection, slot))) {
          operations += 1;
        }
      }),
    );
  } finally {
    for (const connection of all) {
      connection.close();
    }
  }
  return { operations, seconds: (now() - startedAt) / 1000 };
}
