import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { readDirectoryFile } from '../cli/apply.ts';
import { listen } from '../http/listen.ts';
import { createClock } from './clock.ts';
import { controlServer } from './control/control-server.ts';
import { type Instance, startInstance } from './instance.ts';
import type { Announcement } from './protocol.ts';
import { makeSigningKeys } from './signing-keys.ts';
import { refuseProduction, testConfig } from './test-config.ts';
import { openTestPostgres } from './test-postgres.ts';
import { createThrowawayDatabase, dropLeftovers } from './throwaway-database.ts';

const DEMO_DIRECTORY = join(import.meta.dirname, '../../config/demo.yaml');

const HOST = '127.0.0.1';

export interface TestInstanceOptions {
  readonly databaseUrl: string | undefined;
  /** 0 for a free one. */
  readonly issuerPort: number;
  readonly directory: string | undefined;
  readonly config: string | undefined;
}

export interface TestInstance {
  readonly announcement: Announcement;
  /** Ends everything, and drops the database. */
  stop(): Promise<void>;
}

/** Undoes in reverse what was done so far. */
class Undo {
  readonly #steps: (() => Promise<unknown>)[] = [];

  add(step: () => Promise<unknown>): void {
    this.#steps.push(step);
  }

  async all(): Promise<void> {
    for (const step of this.#steps.splice(0).reverse()) {
      await step();
    }
  }
}

/** A test server and the API that drives it. What was begun is undone when it cannot be had. */
export async function startTestInstance(options: TestInstanceOptions): Promise<TestInstance> {
  const undo = new Undo();
  try {
    return { announcement: await start(options, undo), stop: () => undo.all() };
  } catch (error) {
    await undo.all();
    throw error;
  }
}

async function start(options: TestInstanceOptions, undo: Undo): Promise<Announcement> {
  const { env } = process;
  const settings = { env, file: options.config };
  const path = refuseProduction(settings);
  const directory = readDirectoryFile(options.directory ?? DEMO_DIRECTORY);
  // The issuer has its port in it, so both listen before there is anybody to answer; whoever comes so early waits.
  const started = Promise.withResolvers<Instance>();
  const secret = randomBytes(32).toString('base64url');
  const issuerSocket = await listen(
    (...exchange) => void started.promise.then(({ handle }) => handle(...exchange), hangUp(exchange)),
    { host: HOST, port: options.issuerPort },
  );
  undo.add(() => issuerSocket.close());
  const controlSocket = await listen(
    (...exchange) => void started.promise.then((one) => controlServer(one, secret)(...exchange), hangUp(exchange)),
    { host: HOST, port: 0 },
  );
  undo.add(() => controlSocket.close());
  const issuer = `http://localhost:${issuerSocket.port}${path}`;
  try {
    const postgres = await openTestPostgres(options.databaseUrl, env);
    undo.add(postgres.stop);
    const [database, signingKeys] = await Promise.all([createThrowawayDatabase(postgres.url), makeSigningKeys()]);
    undo.add(database.drop);
    const config = testConfig(settings, { issuer, databaseUrl: database.url });
    const instance = await startInstance({ config, clock: createClock(), directory, signingKeys });
    undo.add(instance.stop);
    started.resolve(instance);
    const sweeping = dropLeftovers(postgres.url);
    undo.add(() => sweeping.catch(() => {}));
    return { issuer, controlUrl: `http://localhost:${controlSocket.port}`, secret, databaseUrl: database.url };
  } catch (error) {
    started.reject(error);
    throw error;
  }
}

function hangUp([, response]: readonly [unknown, ServerResponse]) {
  return () => response.destroy();
}
