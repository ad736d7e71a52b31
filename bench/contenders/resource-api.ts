/** The resource API as an operator starts it, and one of its routes without the guard. */
import { join } from 'node:path';
import { freePort } from '../../src/database/embedded/free-port.ts';
import { API, API_CLIENT } from '../directory.ts';
import { type Child, startChild } from './child.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

export interface ResourceApiOptions {
  readonly databaseUrl: string;
  /** The port of the authorization server. */
  readonly issuerPort: number;
  readonly logFile: string;
}

export async function startResourceApi({ databaseUrl, issuerPort, logFile }: ResourceApiOptions): Promise<Child> {
  const port = await freePort();
  return startChild({
    argv: [MAIN, 'resource-api'],
    env: {
      RESOURCE_API_DATABASE_URL: databaseUrl,
      CONCIERGE_RESOURCE_API_CLIENT_SECRET: API_CLIENT.secret,
      CONCIERGE_RESOURCE_API_CLIENT_ID: API_CLIENT.clientId,
      CONCIERGE_RESOURCE_API_IDENTIFIER: API,
      CONCIERGE_RESOURCE_API_ISSUER: `http://localhost:${issuerPort}`,
      CONCIERGE_RESOURCE_API_LISTEN_PORT: String(port),
    },
    port,
    logFile,
  });
}
