import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Somebody's web application, which must know its address before it can be made. */
export async function startApplication(create: (url: string) => RequestListener, host = 'localhost') {
  const server = createServer();
  server.listen(0, host);
  await once(server, 'listening');
  const url = `http://${host}:${(server.address() as AddressInfo).port}`;
  server.on('request', create(url));
  return {
    url,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
