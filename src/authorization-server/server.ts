import type { RequestListener } from 'node:http';
import Provider from 'oidc-provider';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import { createPool, REQUEST_TIMEOUTS } from '../database/connect.ts';
import { type ListeningServer, listen } from '../http/listen.ts';
import type { AccountStore } from './accounts/account.ts';
import { createAuthenticate } from './accounts/authenticate.ts';
import { createFindAccountId } from './accounts/find-by-hint.ts';
import { createPasswords } from './accounts/passwords.ts';
import { createAuthorizationServer } from './app.ts';
import { pushAgain } from './flows/pushed-authorization-request/push-again.ts';
import { createCookieSignatures } from './http/cookie-signatures.ts';
import { ageOf, loggedPath } from './http/request-id.ts';
import { type Housekeeping, LEASE_SECONDS, startHousekeeping } from './operations/housekeeping.ts';
import { measureProcess } from './operations/measure-process.ts';
import type { Demonstration } from './pages/demonstration.ts';
import { devicePages } from './pages/device.ts';
import { engineErrorPage } from './pages/error.ts';
import { createPage } from './pages/page.ts';
import { createRememberedRequests } from './pages/remembered-request.ts';
import { signOutPages } from './pages/sign-out.ts';
import { ONE_ANSWER, onPingError } from './provider/backchannel.ts';
import { createProvider } from './provider/create-provider.ts';
import { createCurrentRequest } from './provider/current-request.ts';
import { oncePerRequest } from './provider/once-per-request.ts';
import { createPageSessions } from './provider/page-sessions.ts';
import { loadServerSecrets } from './provider/server-secrets.ts';
import { sessionCookie } from './provider/session-settings.ts';
import { loadSigningKeys } from './provider/signing-keys.ts';
import type { ResourceStore } from './resources/resource-server.ts';
import { createSelfDescription } from './self-description.ts';
import { PostgresAccountStore } from './storage/accounts.ts';
import { type ArtifactStore, createArtifactStore } from './storage/artifacts.ts';
import { PostgresClientStore } from './storage/clients.ts';
import { reportUnavailability } from './storage/database-unavailable.ts';
import { DirectoryCache } from './storage/directory-cache.ts';
import { housekeepingJobs } from './storage/housekeeping-jobs.ts';
import { createLease } from './storage/leases.ts';
import { createRateLimits } from './storage/rate-limits.ts';
import { PostgresResourceStore } from './storage/resources.ts';
import { createSealing } from './storage/sealing.ts';
import { PostgresServerSecretStore } from './storage/server-secrets.ts';
import { PostgresSigningKeyStore } from './storage/signing-keys.ts';
import { readStorageFigures } from './storage/storage-figures.ts';
import { TokenPartitions } from './storage/token-partitions.ts';
import { PostgresTrustedIssuerStore } from './storage/trusted-issuers.ts';

export interface AuthorizationServer {
  readonly handle: RequestListener;
  /** Looks after the database from now on, in turn with other nodes. */
  keepHouse(): Housekeeping;
  /** Where they are asked for; of several workers the primary answers for all. */
  serveMetrics(): Promise<ListeningServer | undefined>;
  /** Resolves when this node acts upon every change of clients, resource servers and roles that was committed before. */
  confirmDirectory(): Promise<void>;
  /** Closes the connections to the database; requests must have ended. */
  close(): Promise<void>;
}

export interface AuthorizationServerOptions {
  readonly config: Config;
  readonly logger: Logger;
  /** Development mode only. */
  readonly demonstration?: Demonstration | undefined;
  /** What the directory kept in memory is aged by: monotonic, milliseconds. */
  readonly directoryClock?: (() => number) | undefined;
}

/** Makes everything from the configuration and wires it. The database is migrated already. */
export async function assembleAuthorizationServer(options: AuthorizationServerOptions): Promise<AuthorizationServer> {
  const { config, logger, demonstration } = options;
  const { url, poolSize: max, preparedStatements } = config.database;
  const pool = reportUnavailability(
    createPool({ url, max, preparedStatements, applicationName: 'concierge', timeouts: REQUEST_TIMEOUTS, logger }),
    logger,
  );
  const metrics = await measureProcess({ ...config.metrics, pool, readStorage: () => readStorageFigures(pool) });
  const sealing = createSealing(config.secrets);
  const cookieSignatures = createCookieSignatures(sealing.keys('cookies'));
  const currentRequest = createCurrentRequest(ageOf);
  const accounts = new PostgresAccountStore(pool);
  const clients = new PostgresClientStore(pool);
  const resources = new PostgresResourceStore(pool);
  const directory = new DirectoryCache({ url, clients, resources, now: options.directoryClock, logger });
  const artifacts = createArtifactStore({
    pool,
    sealing,
    currentRequest: currentRequest.read,
    refreshGrace: { seconds: config.lifetimes.refreshGrace, longest: () => longestLifetimes(config, directory) },
  });
  const accountsOfRequest = readAlong(accounts, artifacts);
  const passwords = await createPasswords(config.passwords);
  const authenticate = createAuthenticate({ accounts, passwords, lockout: config.lockout });
  const rateLimits = createRateLimits(pool, sealing);
  const page = createPage();
  const renderError = engineErrorPage({ page });
  const ofRequest = directoryOfRequest(directory, accountsOfRequest);
  const {
    clients: everyClient,
    selfDescribed,
    registration,
  } = createSelfDescription({
    config,
    pool,
    rateLimits,
    registered: ofRequest.clients,
    resources: directory,
    provider: () => provider,
    logger,
  });
  const provider: Provider = createProvider({
    issuer: config.issuer,
    profile: config.profile,
    ...ofRequest,
    clients: everyClient,
    selfDescribed,
    resourceServers: await resources.listResourceServers(),
    authenticate,
    artifacts,
    rateLimits,
    findAccountId: createFindAccountId(accounts),
    trustedIssuers: new PostgresTrustedIssuerStore(pool),
    signingKeys: await loadSigningKeys(new PostgresSigningKeyStore(pool, sealing)),
    serverSecrets: await loadServerSecrets(new PostgresServerSecretStore(pool, sealing)),
    cookieSignatures,
    mutualTls: config.mutualTls,
    trustedProxies: config.trustedProxies,
    dpopNonceSecret: Buffer.from(sealing.keys('dpop nonces')[0] ?? '', 'base64url'),
    lifetimes: config.lifetimes,
    pages: {
      ...signOutPages({ page }),
      ...devicePages({ page, findAccount: accountsOfRequest.findAccount, renderError }),
      renderError,
    },
    development: config.mode === 'development',
  });
  reportFailures(provider, logger);
  const handle = createAuthorizationServer({
    provider,
    page,
    authenticate,
    findAccount: accountsOfRequest.findAccount,
    duringPage: currentRequest.during,
    listResourceServers: () => directory.listResourceServers(),
    requests: createRememberedRequests({
      seal: {
        seal: (text) => sealing.seal('authorization request', text),
        open: (sealed) => sealing.open('authorization request', sealed),
      },
      pushAgain: (request) => pushAgain(provider, request),
    }),
    answering: {
      sessions: createPageSessions({
        provider: () => provider,
        cookie: sessionCookie(config.issuer),
        seconds: config.lifetimes.session,
      }),
      waitingRequests: artifacts.waitingRequests,
      permittedScopes: (roles) => directory.permittedScopes(roles),
      mayAnswer: (handle) => rateLimits.take(ONE_ANSWER, handle),
    },
    demonstration,
    registration,
    cookieSignatures,
    trustedProxies: config.trustedProxies,
    mutualTlsOrigin: config.mutualTls.origin,
    readiness: async () => void (await pool.query('select 1')),
    metrics,
    logger,
  });
  // Its statements may take longer than a request's, and no request waits for a connection that it has.
  const housekeeping = createPool({ ...config.database, max: 2, applicationName: 'concierge housekeeping', logger });
  const partitions = new TokenPartitions(housekeeping, logger);
  const lifetimes = () => tokenLifetimes(config, resources);
  await partitions.ensure(await lifetimes(), new Date());
  const jobs = housekeepingJobs({
    pool: housekeeping,
    partitions,
    tokenLifetimes: lifetimes,
    unusedRegistrations: config.registration.unusedLifetime,
    pendingSignIns: { kept: config.pendingSignIns, lifetime: config.lifetimes.interaction },
  });
  const leadership = createLease(housekeeping, 'housekeeping', LEASE_SECONDS);
  return {
    handle,
    keepHouse: () => startHousekeeping({ jobs, leadership, logger }),
    serveMetrics: async () => metrics?.serve(),
    confirmDirectory: () => directory.confirm(),
    async close() {
      await directory.close();
      await Promise.all([pool.end(), housekeeping.end()]);
    },
  };
}

/** Seconds: of everything that is kept in `tokens`. */
async function tokenLifetimes({ lifetimes }: Config, resources: ResourceStore): Promise<number[]> {
  const { accessToken, clientCredentials, authorizationCode, refreshToken } = lifetimes;
  const ofResourceServers = (await resources.listResourceServers()).flatMap((one) => one.accessTokenTtl ?? []);
  return [accessToken, clientCredentials, authorizationCode, refreshToken, ...ofResourceServers];
}

/** One request sees one state of the directory, and of an account: what it has read it does not read again. */
function directoryOfRequest(directory: DirectoryCache, accounts: AccountStore) {
  const ofRequest = () => (Provider.ctx === undefined ? directory : directory.of(Provider.ctx));
  return {
    accounts: { findAccount: oncePerRequest(() => Provider.ctx, accounts.findAccount) },
    clients: { findClient: (clientId: string) => ofRequest().findClient(clientId) },
    resources: {
      listResourceServers: () => ofRequest().listResourceServers(),
      permittedScopes: (roles: readonly string[]) => ofRequest().permittedScopes(roles),
    },
  };
}

/** The account of a token, a session or an interaction is read together with it. */
function readAlong(accounts: AccountStore, artifacts: ArtifactStore): AccountStore {
  return {
    async findAccount(accountId) {
      const read = artifacts.accountRead(accountId);
      return read === undefined ? accounts.findAccount(accountId) : read.value;
    },
  };
}

/** Of the tokens that a refresh may lead to, for whichever resource server. */
async function longestLifetimes({ lifetimes }: Config, resources: ResourceStore) {
  const own = (await resources.listResourceServers()).map(({ accessTokenTtl }) => accessTokenTtl ?? 0);
  return { refreshToken: lifetimes.refreshToken, accessToken: Math.max(lifetimes.accessToken, ...own) };
}

function reportFailures(provider: Provider, logger: Logger): void {
  onPingError(provider, (err, clientId) => {
    logger.warn({ err, clientId }, 'a client was not told of an answer');
  });
  provider.on('server_error', (ctx, error) => {
    logger.error({ err: error, requestId: ctx.state.requestId, path: loggedPath(ctx.path) }, 'the engine failed');
  });
  provider.on('backchannel.error', (ctx, err, { clientId }) => {
    logger.warn({ err, requestId: ctx.state.requestId, clientId }, 'a client was not told of a sign-out');
  });
}

export interface RunningAuthorizationServer {
  /** The one that was chosen, where port 0 was asked for. */
  readonly port: number;
  readonly metricsPort: number | undefined;
  /** Lets running requests end, then closes the connections to the database. */
  stop(): Promise<void>;
}

export async function startAuthorizationServer(
  options: AuthorizationServerOptions,
): Promise<RunningAuthorizationServer> {
  const authorizationServer = await assembleAuthorizationServer(options);
  let server: ListeningServer;
  let metrics: ListeningServer | undefined;
  try {
    metrics = await authorizationServer.serveMetrics();
    server = await listen(authorizationServer.handle, options.config.listen);
  } catch (error) {
    await metrics?.close();
    await authorizationServer.close();
    throw error;
  }
  const housekeeping = authorizationServer.keepHouse();
  return {
    port: server.port,
    metricsPort: metrics?.port,
    async stop() {
      await Promise.all([server.close(), metrics?.close()]);
      await housekeeping.stop();
      await authorizationServer.close();
    },
  };
}
