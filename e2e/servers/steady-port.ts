import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those that operating systems hand out to connections, and to whoever asks for any port; each worker has its own. */
const FIRST = 10_000 + 4_000 * Number(process.env.TEST_PARALLEL_INDEX ?? 0);
const COUNT = 4_000;
const given = new Set<number>();

/** A port of the loopback interface for a server that goes and comes again: nobody gets it while the server is away. */
export async function steadyPort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, FIRST + COUNT);
    if (!given.has(port) && (await isFree(port))) {
      given.add(port);
      return port;
    }
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
