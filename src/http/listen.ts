import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { endUnreadBodies } from './unread-body.ts';

/** An HTTP server of any of our processes: what a connection may cost, and how it ends. */
export interface ListeningServer {
  /** The one that was chosen, where port 0 was asked for. */
  readonly port: number;
  /** Accepts no more connections, lets running requests end, and cuts off those that take too long. */
  close(): Promise<void>;
}

const DRAIN_MS = 10_000;

/** Bounds on what a connection may cost whoever is on its other end. */
const LIMITS = {
  maxHeaderSize: 16 * 1024, // beyond: 431
  headersTimeout: 10_000, // beyond: 408
  requestTimeout: 120_000, // the largest blob over a slow line
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 5_000,
};
const MAX_CONNECTIONS = 10_000;

/**
 * Connections that wait to be accepted, as far as the kernel agrees (net.core.somaxconn). Beyond them it drops what
 * arrives without a word, and a sender tries again only after a second: a busy server refuses sooner than that.
 */
const BACKLOG = 4096;

export async function listen(
  handler: RequestListener,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<ListeningServer> {
  const server = createServer(LIMITS, handler);
  server.maxConnections = MAX_CONNECTIONS;
  endUnreadBodies(server);
  server.listen({ port, host, backlog: BACKLOG });
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      // A connection that was busy at this moment is kept alive afterwards, and would hold up the end.
      const sweep = setInterval(() => server.closeIdleConnections(), 100);
      const deadline = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
      await closed;
      clearInterval(sweep);
      clearTimeout(deadline);
    },
  };
}
