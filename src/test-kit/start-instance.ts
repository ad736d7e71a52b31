import { randomBytes } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { listen } from '../http/listen.ts';
import { createClock } from './clock.ts';
import { dropLeftovers } from './leftovers.ts';
import type { Announcement } from './protocol.ts';
import { makeSigningKeys } from './signing-keys.ts';
import { refuseProduction, testConfig } from './test-config.ts';
import { openTestPostgres } from './test-postgres.ts';
import { prepareDatabase } from './throwaway-database.ts';

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

/** A test server and the API that drives it. What was begun is undone when it cannot be had. */
export async function startTestInstance(options: TestInstanceOptions): Promise<TestInstance> {
  const begun = new AsyncDisposableStack();
  try {
    return { announcement: await start(options, begun), stop: () => begun.disposeAsync() };
  } catch (error) {
    await begun.disposeAsync();
    throw error;
  }
}

async function start(options: TestInstanceOptions, begun: AsyncDisposableStack): Promise<Announcement> {
  const { env } = process;
  const settings = { env, file: options.config };
  const path = refuseProduction(settings);
  const clock = createClock();
  // The issuer has its port in it, so both listen before there is anybody to answer; whoever comes so early waits.
  const started = Promise.withResolvers<Started>();
  const issuerSocket = await listenFor(started.promise, 'handle', options.issuerPort, begun);
  const controlSocket = await listenFor(started.promise, 'control', 0, begun);
  const secret = randomBytes(32).toString('base64url');
  const issuer = `http://localhost:${issuerSocket.port}${path}`;
  // The address and not its name: at ::1, which localhost is as well, somebody else may listen, and be told the secret.
  const controlUrl = `http://${HOST}:${controlSocket.port}`;
  try {
    const postgres = await openTestPostgres(options.databaseUrl, env);
    begun.defer(postgres.stop);
    const { create } = await prepareDatabase(postgres.url);
    const creating = create();
    begun.defer(() => creating.then((database) => database.drop()).catch(() => {}));
    // What PostgreSQL and other threads do meanwhile takes as long as loading the server.
    const [{ url: databaseUrl }, signingKeys, { startInstance }, { controlServer }] = await Promise.all([
      creating,
      makeSigningKeys(),
      import('./instance.ts'),
      import('./control/control-server.ts'),
    ]);
    const config = testConfig(settings, { issuer, databaseUrl });
    const instance = await startInstance({
      config,
      clock,
      signingKeys,
      directory: options.directory ?? DEMO_DIRECTORY,
    });
    begun.defer(instance.stop);
    started.resolve({ handle: instance.handle, control: controlServer(instance, secret) });
    const sweeping = dropLeftovers(postgres.url).catch(() => {});
    begun.defer(() => sweeping);
    return { issuer, controlUrl, secret, databaseUrl };
  } catch (error) {
    started.reject(error);
    throw error;
  }
}

interface Started {
  readonly handle: RequestListener;
  readonly control: RequestListener;
}

async function listenFor(started: Promise<Started>, part: keyof Started, port: number, begun: AsyncDisposableStack) {
  const socket = await listen(
    (request, response) => {
      started.then(
        (one) => one[part](request, response),
        () => response.destroy(),
      );
    },
    { host: HOST, port },
  );
  begun.defer(() => socket.close());
  started.catch(() => {}); // Who waits for it hears of it as well.
  return socket;
}
