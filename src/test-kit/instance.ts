import type { RequestListener } from 'node:http';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { createPasswords } from '../authorization-server/accounts/passwords.ts';
import type { SigningKey } from '../authorization-server/provider/signing-keys.ts';
import { type AuthorizationServer, assembleAuthorizationServer } from '../authorization-server/server.ts';
import { createSealing } from '../authorization-server/storage/sealing.ts';
import { PostgresSigningKeyStore } from '../authorization-server/storage/signing-keys.ts';
import { applyContent, readDirectoryFile } from '../cli/apply.ts';
import type { Config } from '../config/schema.ts';
import { createPool, type Timeouts } from '../database/connect.ts';
import { createLogger } from '../logging/create-logger.ts';
import type { Clock } from './clock.ts';
import { startReplaceable } from './replaceable-server.ts';
import { addSigningKeys } from './signing-keys.ts';
import { takeSnapshot } from './snapshot.ts';

/** A test server as the control API drives it. */
export interface Instance {
  readonly config: Config;
  readonly handle: RequestListener;
  readonly clock: Clock;
  /** Of the kit alone: its statements may take their time. */
  readonly pool: Pool;
  /** The one that answers at present. */
  readonly server: AuthorizationServer;
  /** What a directory file says. Counts in the next request. */
  apply(content: unknown): Promise<void>;
  rotateSigningKeys(): Promise<void>;
  /** Back to the state after the start. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

export interface InstanceOptions {
  readonly config: Config;
  readonly clock: Clock;
  /** A directory file. */
  readonly directory: string;
  /** Made while there was nothing else to do: that takes as long as all the rest. */
  readonly signingKeys: readonly SigningKey[];
}

/** How busy a machine is decides nobody's test: this is for what hangs. */
const PATIENT: Timeouts = { acquire: 15_000, statement: 15_000 };

export async function startInstance(options: InstanceOptions): Promise<Instance> {
  const { config, clock, directory, signingKeys } = options;
  const pool = createPool({
    url: config.database.url,
    max: 4,
    applicationName: 'concierge test-kit',
    timeouts: PATIENT,
  });
  const passwords = await createPasswords(config.passwords);
  const apply = (content: unknown) =>
    applyContent(content, { pool, passwords, policy: ANY_PASSWORD, env: process.env, mode: 'development' });
  const keys = new PostgresSigningKeyStore(pool, createSealing(config.secrets));
  await Promise.all([apply(readDirectoryFile(directory)), keys.keepFirstSigningKeys(signingKeys)]);
  // The standard output is for the announcement.
  const logger = createLogger(config.log.level, pino.destination({ dest: 2, sync: true }));
  const server = await startReplaceable(() =>
    assembleAuthorizationServer({ config, logger, patience: { timeouts: PATIENT } }),
  );
  const snapshot = await takeSnapshot(pool);
  return {
    config,
    clock,
    pool,
    handle: server.handle,
    get server() {
      return server.current;
    },
    async apply(content) {
      await apply(content);
      await server.current.confirmDirectory();
    },
    async rotateSigningKeys() {
      await addSigningKeys(pool, createSealing(config.secrets));
      await server.replace();
    },
    reset: () =>
      server.replaceAfter(async () => {
        await snapshot.restore();
        await clock.reset(pool);
      }),
    async stop() {
      await server.stop();
      await pool.end();
    },
  };
}

/** Whoever writes a test chooses what is typed in it. */
const ANY_PASSWORD = { offlineProblem: () => undefined };
