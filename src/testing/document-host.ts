import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface DocumentHost {
  readonly origin: string;
  /** How often each path was asked for. */
  readonly asked: Map<string, number>;
  /** What is at a path from now on: a status and, as JSON unless it is a text, a body. */
  serve(path: string, content: unknown, status?: number, headers?: Record<string, string>): string;
  stop(): Promise<void>;
}

/** A web server on this machine with documents on it; what nobody put there is 404. */
export async function startDocumentHost(): Promise<DocumentHost> {
  const contents = new Map<string, { body: string; status: number; headers: Record<string, string> }>();
  const asked = new Map<string, number>();
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.set(path, (asked.get(path) ?? 0) + 1);
    const { body, status, headers } = contents.get(path) ?? { body: 'nothing here', status: 404, headers: {} };
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    asked,
    serve(path, content, status = 200, headers = {}) {
      const body = typeof content === 'string' ? content : JSON.stringify(content);
      contents.set(path, { body, status, headers });
      return origin + path;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
