/** A process with oidc-provider as it comes, on the adapter that `BENCH_ADAPTER` names. */
import { createServer } from 'node:http';
import { HASHING, LIGHT_HASHING } from '../directory.ts';
import { createStockEngine, hashPassword } from './stock-engine.ts';
import { stockPages } from './stock-pages.ts';
import type { OpenStorage } from './storage.ts';

const { BENCH_PORT: port, BENCH_ADAPTER: adapter, DATABASE_URL: databaseUrl = '' } = process.env;
const { openStorage } = (await import(`./${adapter}-adapter.ts`)) as { openStorage: OpenStorage };
const provider = await createStockEngine(`http://localhost:${port}`, await openStorage(databaseUrl));
const pages = stockPages({
  provider,
  passwordHash: await hashPassword(HASHING),
  lightPasswordHash: await hashPassword(LIGHT_HASHING),
});
const engine = provider.callback();
provider.on('server_error', (_ctx, error) => console.error(error));

const server = createServer({ keepAliveTimeout: 5_000 }, (request, response) => {
  if (request.url?.startsWith('/interaction/')) {
    pages(request, response).catch((error: unknown) => {
      console.error(error);
      response.writeHead(500).end();
    });
  } else {
    engine(request, response);
  }
});
server.listen(Number(port), '127.0.0.1');
