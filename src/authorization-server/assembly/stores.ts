import Provider from 'oidc-provider';
import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import { createPool, REQUEST_TIMEOUTS, type Timeouts } from '../../database/connect.ts';
import type { AccountStore } from '../accounts/account.ts';
import { ageOf } from '../http/request-id.ts';
import { createCurrentRequest } from '../provider/current-request.ts';
import { oncePerRequest } from '../provider/once-per-request.ts';
import type { ResourceStore } from '../resources/resource-server.ts';
import { PostgresAccountStore } from '../storage/accounts.ts';
import { type ArtifactStore, createArtifactStore } from '../storage/artifacts.ts';
import { createAudit } from '../storage/audit.ts';
import { PostgresClientStore } from '../storage/clients.ts';
import { reportUnavailability } from '../storage/database-unavailable.ts';
import { DirectoryCache } from '../storage/directory-cache.ts';
import { createGrantUsage } from '../storage/grant-usage.ts';
import { createGrantStore } from '../storage/grants.ts';
import { PostgresOutbox } from '../storage/outbox.ts';
import { createPersonalAccessTokens } from '../storage/personal-access-tokens.ts';
import { createRateLimits } from '../storage/rate-limits.ts';
import { PostgresResourceStore } from '../storage/resources.ts';
import { createSealing } from '../storage/sealing.ts';
import { PostgresSecondStepStore } from '../storage/second-steps.ts';
import { SecurityEventFeed } from '../storage/security-event-feed.ts';

export type Stores = ReturnType<typeof openStores>;

export interface Patience {
  /** Of every request with the database. */
  readonly timeouts?: Timeouts | undefined;
  /** What the directory kept in memory is aged by: monotonic, milliseconds. */
  readonly directoryClock?: (() => number) | undefined;
}

/** Everything that requests read and write. */
export function openStores(
  config: Config,
  logger: Logger,
  { timeouts = REQUEST_TIMEOUTS, directoryClock }: Patience = {},
) {
  const { url, poolSize: max, preparedStatements } = config.database;
  const pool = reportUnavailability(
    createPool({ url, max, preparedStatements, applicationName: 'concierge', timeouts, logger }),
    logger,
  );
  const sealing = createSealing(config.secrets);
  const currentRequest = createCurrentRequest(ageOf);
  const accounts = new PostgresAccountStore(pool);
  const clients = new PostgresClientStore(pool);
  const resources = new PostgresResourceStore(pool);
  const directory = new DirectoryCache({ url, clients, resources, now: directoryClock, logger });
  const securityEvents = new SecurityEventFeed({ url, logger });
  const sessionsEnded = createSignal();
  const artifacts = createArtifactStore({
    pool,
    sessionsEnded: sessionsEnded.give,
    sealing,
    currentRequest: currentRequest.read,
    refreshGrace: { seconds: config.lifetimes.refreshGrace, longest: () => longestLifetimes(config, directory) },
  });
  const accountsReadAlong = readAlong(accounts, artifacts);
  const grantUsage = createGrantUsage(pool, logger);
  return {
    pool,
    sealing,
    currentRequest,
    accounts,
    /** The account of a token, a session or an interaction is read together with it. */
    accountsReadAlong,
    resources,
    directory,
    ofRequest: directoryOfRequest(directory, accountsReadAlong),
    artifacts,
    securityEvents,
    /** Given whenever sessions were ended that have clients to be told. */
    sessionsEnded,
    grants: createGrantStore(pool),
    grantUsage,
    personalAccessTokens: createPersonalAccessTokens(pool),
    secondSteps: new PostgresSecondStepStore(pool),
    rateLimits: createRateLimits(pool, sealing),
    audit: createAudit(pool, currentRequest.read),
    outbox: new PostgresOutbox(pool, sealing),
    async close() {
      await grantUsage.close();
      await directory.close();
      await securityEvents.close();
      await pool.end();
    },
  };
}

/** From who causes something to the one who waits for it, if anybody does. */
function createSignal() {
  let hear = () => {};
  return {
    give: () => hear(),
    listen(listener: () => void) {
      hear = listener;
    },
  };
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
