import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import { createPool } from '../../database/connect.ts';
import { LEASE_SECONDS, startHousekeeping } from '../operations/housekeeping.ts';
import type { ResourceStore } from '../resources/resource-server.ts';
import { housekeepingJobs } from '../storage/housekeeping-jobs.ts';
import { createLease } from '../storage/leases.ts';
import { TokenPartitions } from '../storage/token-partitions.ts';

/**
 * What looks after the database, with connections of its own: its statements may take longer than a request's, and no
 * request waits for a connection that it has. When this resolves there is a partition for every token to come.
 */
export async function prepareHousekeeping(config: Config, resources: ResourceStore, logger: Logger) {
  const pool = createPool({ ...config.database, max: 2, applicationName: 'concierge housekeeping', logger });
  const partitions = new TokenPartitions(pool, logger);
  const lifetimes = () => tokenLifetimes(config, resources);
  await partitions.ensure(await lifetimes(), new Date());
  const jobs = housekeepingJobs({
    pool,
    partitions,
    tokenLifetimes: lifetimes,
    unusedRegistrations: config.registration.unusedLifetime,
    auditRetention: config.audit.retention,
    pendingSignIns: { kept: config.pendingSignIns, lifetime: config.lifetimes.interaction },
  });
  const leadership = createLease(pool, 'housekeeping', LEASE_SECONDS);
  return {
    start: () => startHousekeeping({ jobs, leadership, logger }),
    close: () => pool.end(),
  };
}

/** Seconds: of everything that is kept in `tokens`. */
async function tokenLifetimes({ lifetimes }: Config, resources: ResourceStore): Promise<number[]> {
  const { accessToken, clientCredentials, authorizationCode, refreshToken } = lifetimes;
  const ofResourceServers = (await resources.listResourceServers()).flatMap((one) => one.accessTokenTtl ?? []);
  return [accessToken, clientCredentials, authorizationCode, refreshToken, ...ofResourceServers];
}
