/**
 * The authorization server as the OpenID certification plans need it: over TLS, with clients and a person of their own, and
 * open to clients that register themselves. Everything else is as it always is.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { createPasswordPolicy } from '../src/authorization-server/accounts/password-policy.ts';
import { createPasswords } from '../src/authorization-server/accounts/passwords.ts';
import { assembleAuthorizationServer } from '../src/authorization-server/server.ts';
import { applyContent, readDirectoryFile } from '../src/cli/apply.ts';
import { MIGRATIONS } from '../src/cli/migrate.ts';
import { loadConfig } from '../src/config/load.ts';
import type { Config } from '../src/config/schema.ts';
import { createPool } from '../src/database/connect.ts';
import { migrate } from '../src/database/migrate.ts';
import { endUnreadBodies } from '../src/http/unread-body.ts';
import { createLogger } from '../src/logging/create-logger.ts';
import { createCertificate } from './certificate.ts';

const HOSTED_SUITE = 'https://www.certification.openid.net';

/** Where the suite's own instructions put one that runs on this machine. */
const LOCAL_SUITES: readonly string[] = ['localhost', 'localhost.emobix.co.uk'];

export interface ConformanceOptions {
  readonly issuer: string;
  readonly listen: { readonly host: string; readonly port: number };
  /** Its address, and the name that its tests go by there. */
  readonly suite?: string | undefined;
  readonly alias: string;
  /** What is made at the first start is kept here. */
  readonly data: string;
  readonly databaseUrl: string;
}

/** Of this installation alone: the server may be reachable by everyone while it is tested. */
interface Secrets extends Record<string, string> {
  readonly CONCIERGE_SECRET: string;
  readonly CLIENT_SECRET: string;
  readonly PASSWORD: string;
}

export async function startConformanceServer(options: ConformanceOptions) {
  const { issuer, listen, suite = HOSTED_SUITE, alias, data } = options;
  const secrets = await keptSecrets(join(data, 'conformance-secrets.json'));
  const { key, cert } = await createCertificate(new URL(issuer).hostname);
  await writeFile(join(data, 'conformance-certificate.pem'), cert);
  const config = loadConfig({
    file: join(import.meta.dirname, 'server.yaml'),
    // A suite on this machine is called back at a loopback address, which only a development server does.
    mode: LOCAL_SUITES.includes(new URL(suite).hostname) ? 'development' : 'production',
    env: { ...secrets, DATABASE_URL: options.databaseUrl, CONCIERGE_ISSUER: issuer },
  });
  await migrate({ url: config.database.url, directory: MIGRATIONS });
  await applyDirectory(config, secrets, (text) =>
    text.replaceAll(`${HOSTED_SUITE}/test/a/concierge/`, `${suite}/test/a/${alias}/`),
  );
  const authorizationServer = await assembleAuthorizationServer({ config, logger: createLogger(config.log.level) });
  const housekeeping = authorizationServer.keepHouse();
  const deliveries = authorizationServer.deliver();
  const server = createServer({ key, cert, minVersion: 'TLSv1.2' }, authorizationServer.handle);
  endUnreadBodies(server);
  server.listen(listen);
  await once(server, 'listening');
  return {
    certificate: cert,
    person: { email: 'erin@example.com', password: secrets.PASSWORD },
    configuration: suiteConfiguration(options, secrets.CLIENT_SECRET),
    async stop() {
      server.closeAllConnections();
      server.close();
      await Promise.all([housekeeping.stop(), deliveries.stop()]);
      await authorizationServer.close();
    },
  };
}

async function applyDirectory(config: Config, env: Secrets, adapt: (text: string) => string): Promise<void> {
  const content = readDirectoryFile(join(import.meta.dirname, 'directory.yaml'), adapt);
  const pool = createPool({ url: config.database.url, max: 2, applicationName: 'concierge conformance' });
  try {
    const passwords = await createPasswords(config.passwords);
    const policy = createPasswordPolicy({ ...config.passwords, contextWords: [] });
    await applyContent(content, { pool, passwords, policy, env, mode: config.mode });
  } finally {
    await pool.end();
  }
}

/** The JSON that the suite's page "Create a new test plan" takes. Every plan picks out what it needs. */
function suiteConfiguration({ issuer, alias }: ConformanceOptions, client_secret: string) {
  return {
    alias,
    description: 'Concierge',
    server: { discoveryUrl: `${issuer}/.well-known/openid-configuration`, login_hint: 'erin@example.com' },
    client: { client_id: 'conformance-1', client_secret },
    client2: { client_id: 'conformance-2', client_secret },
    client_secret_post: { client_id: 'conformance-post', client_secret },
  };
}

async function keptSecrets(file: string): Promise<Secrets> {
  await mkdir(join(file, '..'), { recursive: true });
  const random = () => randomBytes(48).toString('base64url');
  const fresh: Secrets = {
    CONCIERGE_SECRET: random(),
    CLIENT_SECRET: random(),
    PASSWORD: randomBytes(12).toString('hex'),
  };
  try {
    await writeFile(file, JSON.stringify(fresh), { flag: 'wx', mode: 0o600 });
    return fresh;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw error;
    }
    return JSON.parse(await readFile(file, 'utf8'));
  }
}
