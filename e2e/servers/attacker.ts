import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Attacker {
  /** `localhost` is the same site at another port, `127.0.0.1` another site altogether. */
  pageAt(host: 'localhost' | '127.0.0.1'): string;
  stop(): void;
}

/** A web server that means no good: it answers every request with this page. */
export async function startAttacker(html: string): Promise<Attacker> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8').end(`<!doctype html>${html}`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    pageAt: (host) => `http://${host}:${port}/`,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
