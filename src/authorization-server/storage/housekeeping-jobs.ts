import type { Pool } from 'pg';
import { removeBeyond, removeExpired } from './artifact-statements.ts';
import { removeOldAudit } from './audit.ts';
import { PostgresClientRegistrations } from './client-registrations.ts';
import { PostgresInitialAccessTokens } from './initial-access-tokens.ts';
import { removeExpiredLinks } from './mailed-links.ts';
import { removeUndelivered } from './outbox.ts';
import { removeEndedPersonalTokens } from './personal-access-tokens.ts';
import { removeRenewedLimits } from './rate-limits.ts';
import { removeAbandonedStreams, removeOldEvents } from './security-events.ts';
import { takeStorageSample } from './storage-figures.ts';
import type { TokenPartitions } from './token-partitions.ts';

export interface HousekeepingJobsDeps {
  /** Of its own: what takes long here is none of a request's connections. */
  readonly pool: Pick<Pool, 'query'>;
  readonly partitions: TokenPartitions;
  /** Seconds: of everything that is kept in `tokens`, as of now. */
  readonly tokenLifetimes: () => Promise<readonly number[]>;
  /** How many are kept of what strangers begin and nobody has signed in to yet, and how long a sign-in may take, in seconds. */
  readonly pendingSignIns: { readonly kept: number; readonly lifetime: number };
  /** Seconds until a client that registered itself and was never used is removed. */
  readonly unusedRegistrations: number;
  /** Seconds. */
  readonly auditRetention: number;
}

/** Small enough that no request waits long for the rows or the disk. */
const BATCH = 1_000;

/** Each batch has to count first, so there are fewer of them. */
const COUNTED_BATCH = 10_000;

/** Seconds: for so long a receiver may lag behind, and then begins anew (shared-signals/stream-configuration.ts says so). */
const LONGEST_LAG = 3600;

/** What keeps the tables from growing for ever: jobs of operations/housekeeping.ts. */
export function housekeepingJobs(deps: HousekeepingJobsDeps) {
  const { pool, partitions, tokenLifetimes, pendingSignIns, unusedRegistrations, auditRetention } = deps;
  const registrations = new PostgresClientRegistrations(pool);
  const { kept, lifetime } = pendingSignIns;
  // A pushed request is kept for two of its pages (flows/pushed-authorization-request), and what expires by the hour.
  const longest = 60 + 2 * lifetime + 3600;
  return [
    atOnce('partitions ahead', async (now) => partitions.ensure(await tokenLifetimes(), now)),
    atOnce('a past partition', (now) => partitions.dropPast(now)),
    inBatches('expired artifacts', async () => (await pool.query(removeExpired(BATCH))).rowCount ?? 0),
    inBatches(
      'pending sign-ins',
      async () => (await pool.query(removeBeyond(kept, longest, COUNTED_BATCH))).rowCount ?? 0,
      COUNTED_BATCH,
    ),
    inBatches('rate limits that are over', async () => (await pool.query(removeRenewedLimits(BATCH))).rowCount ?? 0),
    inBatches('expired tokens without a partition', (now) => partitions.removeExpiredFromDefault(now, BATCH)),
    inBatches('abandoned registrations', () => registrations.removeAbandoned(unusedRegistrations, BATCH)),
    inBatches('old audit events', async () => (await pool.query(removeOldAudit(auditRetention, BATCH))).rowCount ?? 0),
    inBatches('expired links', async () => (await pool.query(removeExpiredLinks(BATCH))).rowCount ?? 0),
    inBatches('what nobody has delivered', async () => (await pool.query(removeUndelivered(BATCH))).rowCount ?? 0),
    inBatches(
      'ended personal access tokens',
      async () => (await pool.query(removeEndedPersonalTokens(BATCH))).rowCount ?? 0,
    ),
    inBatches('old security events', async () => (await pool.query(removeOldEvents(LONGEST_LAG, BATCH))).rowCount ?? 0),
    inBatches(
      'abandoned event streams',
      async () => (await pool.query(removeAbandonedStreams(LONGEST_LAG, BATCH))).rowCount ?? 0,
    ),
    atOnce('expired initial access tokens', () => new PostgresInitialAccessTokens(pool).removeExpired()),
    atOnce('storage sample', () => takeStorageSample(pool)),
  ];
}

function atOnce(name: string, run: (now: Date) => Promise<unknown>) {
  return { name, step: (now: Date) => run(now).then(() => false) };
}

function inBatches(name: string, removed: (now: Date) => Promise<number>, batch = BATCH) {
  return { name, step: async (now: Date) => (await removed(now)) === batch };
}
