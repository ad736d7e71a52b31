import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it arrived. */
export interface Notice {
  readonly path: string;
  readonly method: string;
  readonly contentType: string | undefined;
  readonly form: URLSearchParams;
}

/** A client's own server, which notes what it is told. `statusOf` decides by the path; `undefined` is no answer at all. */
export async function startReceiver(statusOf: (path: string) => number | undefined = () => 200) {
  const received: Notice[] = [];
  const server = createServer(async (request, response) => {
    const chunks = await request.toArray();
    const { url: path = '', method = '', headers } = request;
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    received.push({ path, method, contentType: headers['content-type'], form });
    const status = statusOf(path);
    if (status !== undefined) {
      response.writeHead(status, { location: '/elsewhere', 'cache-control': 'no-store' }).end();
    }
  });
  await new Promise<void>((listening) => server.listen(0, 'localhost', listening));
  return {
    received,
    url: (path: string) => `http://localhost:${(server.address() as AddressInfo).port}${path}`,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
