import type { Pool } from 'pg';
import type { ArtifactStore } from './artifacts.ts';
import { takeStorageSample } from './storage-figures.ts';
import type { TokenPartitions } from './token-partitions.ts';

export interface HousekeepingJobsDeps {
  readonly pool: Pick<Pool, 'query'>;
  readonly partitions: TokenPartitions;
  readonly artifacts: Pick<ArtifactStore, 'removeExpired'>;
  /** Seconds: of everything that is kept in `tokens`, as of now. */
  readonly tokenLifetimes: () => Promise<readonly number[]>;
}

/** Small enough that no request waits long for the rows or the disk. */
const BATCH = 1_000;

/** What keeps the tables from growing for ever: jobs of operations/housekeeping.ts. */
export function housekeepingJobs({ pool, partitions, artifacts, tokenLifetimes }: HousekeepingJobsDeps) {
  return [
    atOnce('partitions ahead', async (now) => partitions.ensure(await tokenLifetimes(), now)),
    atOnce('a past partition', (now) => partitions.dropPast(now)),
    inBatches('expired artifacts', () => artifacts.removeExpired(BATCH)),
    inBatches('expired tokens without a partition', (now) => partitions.removeExpiredFromDefault(now, BATCH)),
    atOnce('storage sample', () => takeStorageSample(pool)),
  ];
}

function atOnce(name: string, run: (now: Date) => Promise<unknown>) {
  return { name, step: (now: Date) => run(now).then(() => false) };
}

function inBatches(name: string, removed: (now: Date) => Promise<number>) {
  return { name, step: async (now: Date) => (await removed(now)) === BATCH };
}
