import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { parse } from 'yaml';
import { createPasswords } from '../authorization-server/accounts/passwords.ts';
import { type AuthorizationServer, assembleAuthorizationServer } from '../authorization-server/server.ts';
import { applyContent } from '../cli/apply.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { createPool, type Timeouts } from '../database/connect.ts';
import { endUnreadBodies } from '../http/unread-body.ts';
import { createLogger } from '../logging/create-logger.ts';
import { createTestDatabase } from './database.ts';
import { HASHING, POLICY } from './sign-in.ts';

export const SECRET = 'a-secret-for-tests-that-is-long-enough-to-be-accepted';

const PATIENT: Timeouts = { acquire: 15_000, statement: 15_000 };

const DEMO_DIRECTORY = new URL('../../config/demo.yaml', import.meta.url);

export type TestServer = Awaited<ReturnType<typeof startTestServer>>;

interface Options {
  /** Over the configuration of a development server with the demo directory. */
  readonly config?: (config: Config) => Config;
  /** With the database. No request fails because the machine is slow, unless a test is about that. */
  readonly timeouts?: Timeouts;
  /** Silent unless told, or `TEST_LOG` names a level. */
  readonly logger?: Logger;
  /** Of the issuer: `/login` for one at `http://localhost:1234/login`. */
  readonly issuerPath?: string;
}

/** The real authorization server over HTTP with a database of its own, which holds the demo directory. */
export async function startTestServer(options: Options = {}) {
  const database = await createTestDatabase('demonstration');
  const pool = createPool({ url: database.url, max: 4, applicationName: 'test' });
  const apply = (content: unknown) => applyTo(pool, content);
  const first = await startNode(database.url, options);
  const { issuer } = first;
  const nodes = [first];
  const confirm = () => Promise.all(nodes.map((node) => node.confirmDirectory()));
  return {
    issuer,
    /** What is changed through it counts at every node in the next request. */
    pool: confirmed(pool, confirm),
    databaseUrl: database.url,
    url: (path: string) => issuer + path,
    /** Adds to the directory, in the words of config/demo.yaml: `{ clients: [...] }`. Counts in the next request. */
    async apply(content: unknown) {
      const changes = await apply(content);
      await confirm();
      return changes;
    },
    /** One more node at the same database and issuer, configured alike unless told; returns the address to reach it at. */
    async addNode(its: Options = options): Promise<string> {
      const node = await startNode(database.url, its, issuer);
      nodes.push(node);
      return node.address;
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
      await pool.end();
      await database.drop();
    },
  };
}

/**
 * Leaves in a database what every test server needs before it can start: the demo directory, keys, partitions. They are made
 * once for all of them.
 */
export async function runOnce(databaseUrl: string): Promise<void> {
  const pool = createPool({ url: databaseUrl, max: 1, applicationName: 'test' });
  await applyTo(pool, parse(readFileSync(DEMO_DIRECTORY, 'utf8')));
  await pool.end();
  const node = await startNode(databaseUrl, {});
  await node.stop();
}

async function applyTo(pool: Pool, content: unknown) {
  const passwords = await createPasswords(HASHING);
  return applyContent(content, { pool, passwords, policy: POLICY, mode: 'development', env: {} });
}

/** The same pool, of which a query ends when every node has seen what it did to the directory. */
function confirmed(pool: Pool, confirm: () => Promise<unknown>): Pool {
  const query: (...args: unknown[]) => Promise<unknown> = pool.query.bind(pool);
  pool.query = (async (...args: unknown[]) => {
    const result = await query(...args);
    await confirm();
    return result;
  }) as Pool['query'];
  return pool;
}

/** The port must be known before the issuer is, so the server listens before it has anything to say. */
async function startNode(
  databaseUrl: string,
  { config = (one) => one, logger, issuerPath = '', timeouts = PATIENT }: Options,
  sharedIssuer?: string,
) {
  const server = createServer();
  endUnreadBodies(server);
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const address = `http://localhost:${(server.address() as AddressInfo).port}`;
  const issuer = sharedIssuer ?? address + issuerPath;
  const env = { DATABASE_URL: databaseUrl, CONCIERGE_SECRET: SECRET, CONCIERGE_ISSUER: issuer };
  const loaded = loadConfig({ env, mode: 'development' });
  const authorizationServer: AuthorizationServer = await assembleAuthorizationServer({
    config: config({ ...loaded, passwords: { ...loaded.passwords, ...HASHING } }),
    logger: logger ?? createLogger(process.env.TEST_LOG ?? 'silent'),
    patience: {
      // Stands still: what a node remembers is dropped when it changes, and not because the machine is slow.
      directoryClock: () => 0,
      timeouts,
    },
  });
  await authorizationServer.confirmDirectory();
  server.on('request', authorizationServer.handle);
  const deliveries = authorizationServer.deliver();
  return {
    issuer,
    address,
    confirmDirectory: () => authorizationServer.confirmDirectory(),
    async stop() {
      server.closeAllConnections();
      server.close();
      await deliveries.stop();
      await authorizationServer.close();
    },
  };
}
