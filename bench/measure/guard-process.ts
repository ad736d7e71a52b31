/** A process with a guard and nothing else, through which more and more tokens go, none of them twice. */
import type { IncomingMessage } from 'node:http';
import { createGuard } from '../../src/resource-server/guard/guard.ts';
import { API, API_CLIENT } from '../directory.ts';

const AT_ONCE = 48;
const [issuer = '', ...counts] = process.argv.slice(2);
const guard = createGuard({
  issuer,
  audience: API,
  clientId: API_CLIENT.clientId,
  clientSecret: API_CLIENT.secret,
  timeoutMs: 60_000,
  logger: { warn: () => undefined }, // that there is no stream of events
});
let presented = 0;

for (const count of counts.map(Number)) {
  await Promise.all(Array.from({ length: AT_ONCE }, () => presentUpTo(count)));
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  process.send?.({ tokens: count, heapMB: (heapUsed + external) / 1e6, residentMB: rss / 1e6 });
}
process.disconnect();
await guard.close();

async function presentUpTo(count: number): Promise<void> {
  while (presented < count) {
    presented += 1;
    const authorization = `Bearer ${'token'.padEnd(36, '-')}${presented}`;
    const request = {
      method: 'GET',
      url: '/',
      headers: { authorization },
      rawHeaders: ['authorization', authorization],
    };
    await guard.authenticate(request as unknown as IncomingMessage, 'records:read');
  }
}
