/** The product in every respect but one: verifying a password costs next to nothing. */
import { startAuthorizationServer } from '../../src/authorization-server/server.ts';
import { stopOnSignal } from '../../src/cli/stop-on-signal.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createLogger } from '../../src/logging/create-logger.ts';
import { LIGHT_HASHING } from '../directory.ts';

const config = loadConfig({ env: process.env, mode: 'production' });
const server = await startAuthorizationServer({
  config: { ...config, passwords: { ...config.passwords, ...LIGHT_HASHING } },
  logger: createLogger(config.log.level),
});
stopOnSignal(() => server.stop());
