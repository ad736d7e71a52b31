import { once } from 'node:events';
import type { Server } from 'node:http';
import { parseArgs } from 'node:util';
import { createPlayground } from '../playground/app.ts';
import { stopOnSignal } from './stop-on-signal.ts';

export interface PlaygroundAddress {
  readonly host: string;
  readonly port: number;
  readonly issuer: string;
  readonly resourceApi: string;
}

export interface RunningPlayground {
  readonly url: string;
  stop(): Promise<void>;
}

/** Rejects with the socket's error when the port cannot be had. */
export async function startPlayground({
  host,
  port,
  issuer,
  resourceApi,
}: PlaygroundAddress): Promise<RunningPlayground> {
  const url = `http://${hostForBrowsers(host)}:${port}`;
  const server = createPlayground({ issuer, resourceApi, ownUrl: url }).listen(port, host);
  await once(server, 'listening');
  return { url, stop: () => stop(server) };
}

/** The demo clients' redirect URIs say `localhost`, whichever address the socket is bound to. */
const hostForBrowsers = (host: string): string =>
  ['127.0.0.1', '::1', '0.0.0.0', '::'].includes(host) ? 'localhost' : host;

async function stop(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}

/** `concierge playground`: the demo client alone, beside an authorization server and an API that run elsewhere. */
export async function run(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '3002' },
      issuer: { type: 'string', default: 'http://localhost:3000' },
      'resource-api': { type: 'string', default: 'http://localhost:3001' },
    },
  });
  const playground = await startPlayground({
    host: values.host,
    port: Number(values.port),
    issuer: values.issuer,
    resourceApi: values['resource-api'],
  });
  console.log(`playground  ${playground.url}`);
  stopOnSignal(playground.stop);
}
