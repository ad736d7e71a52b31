import type { Logger } from 'pino';
import { TokenPartitions } from '../../src/authorization-server/storage/token-partitions.ts';
import { API_CLIENT, MACHINES } from '../directory.ts';
import { closedLoop, type Perform } from '../load/closed-loop.ts';
import { Connection } from '../load/connection.ts';
import { openLoop } from '../load/open-loop.ts';
import { populate } from '../load/population.ts';
import { expectStatus, pick, postForm } from '../load/requests.ts';
import { median } from '../measure/median.ts';
import { type Cost, costBetween } from '../measure/meter.ts';
import type { ScaleStage, Side } from './stage.ts';
import { fill, idOf } from './store.ts';

export interface Sample extends Cost {
  readonly rate: number;
}

export interface Effort {
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
}

const issueRequest = () =>
  postForm('/token', { grant_type: 'client_credentials', scope: 'records:read' }, pick(MACHINES));

export const issuing = (): Perform => async (connection) => {
  expectStatus(await connection.exchange(issueRequest()), 200);
  return true;
};

/** Of any of the tokens in the table, most of which nobody has asked about before. */
export const introspecting =
  ({ tokens }: Side): Perform =>
  async (connection) => {
    const token = idOf(tokens, Math.floor(Math.random() * tokens.count));
    const { body } = expectStatus(
      await connection.exchange(postForm('/token/introspection', { token }, API_CLIENT)),
      200,
    );
    if (!body.toString('latin1').startsWith('{"active":true')) {
      throw new Error(`a live token was expected, the answer is ${body}`);
    }
    return true;
  };

/** Empty, full, full, empty, and so on; by side a sample for each round. */
export async function compare(
  { meter, empty, full, admin }: ScaleStage,
  perform: (side: Side) => Perform,
  { rounds, seconds, connections }: Effort,
): Promise<Record<Side['name'], Sample[]>> {
  const samples = { empty: [] as Sample[], full: [] as Sample[] };
  const run = (side: Side, duration: number) =>
    closedLoop({ port: side.port, connections, seconds: duration, perform: perform(side) });
  for (const side of [empty, full]) {
    await run(side, 2 * seconds);
  }
  await admin.query('checkpoint');
  for (let round = 0; round < rounds; round += 1) {
    for (const side of round % 2 === 0 ? [empty, full] : [full, empty]) {
      const before = await meter.read(side);
      const { operations, seconds: took } = await run(side, seconds);
      const cost = costBetween(before, await meter.read(side), operations);
      samples[side.name].push({ rate: operations / took, ...cost });
    }
  }
  return samples;
}

/** Milliseconds, the median: one refresh token after another is revoked, and with it its grant and some twenty tokens. */
export async function revokeGrants({ port }: Side): Promise<number> {
  const { chains } = await populate({ name: 'P', port, populatedAt: port });
  const connection = new Connection(port);
  const taken = [];
  for (const { client, refreshToken } of chains) {
    const startedAt = performance.now();
    const form = { token: refreshToken, token_type_hint: 'refresh_token' };
    expectStatus(await connection.exchange(postForm('/token/revocation', form, client)), 200);
    taken.push(performance.now() - startedAt);
  }
  connection.close();
  return median(taken);
}

/** Of each of three partitions that were dropped one after another. */
export interface Purge {
  readonly rowsEach: number;
  readonly seconds: number;
  readonly walMB: number;
  readonly p99Before: number;
  readonly p99Meanwhile: number;
  readonly maxMeanwhile: number;
}

const HOURS_PAST = [5, 4, 3];
const ARRIVALS = { rate: 200, seconds: 8, connections: 64 };
const MARGIN_MS = 1_000;

/** What housekeeping does when an hour has passed, of three hours at once, while tokens are issued. */
export async function purge({ admin }: ScaleStage, { client, port }: Side, rowsEach: number): Promise<Purge> {
  const silent = { info() {}, warn() {} } as unknown as Logger;
  const partitions = new TokenPartitions(client as never, silent);
  const now = new Date();
  const hour = Math.floor(now.getTime() / 3_600_000) * 3600;
  await partitions.ensure([3600], new Date(now.getTime() - (Math.max(...HOURS_PAST) + 1) * 3_600_000));
  for (const ago of HOURS_PAST) {
    await fill(client, { count: rowsEach, from: hour - ago * 3600, until: hour - (ago - 1) * 3600 });
  }
  await admin.query('checkpoint');
  const load = () => openLoop({ ...ARRIVALS, port, request: issueRequest });
  const before = await load();
  const meanwhile = load();
  await new Promise((resolve) => setTimeout(resolve, MARGIN_MS));
  const startedAt = performance.now();
  const dropped = await partitions.dropPast(now);
  const seconds = (performance.now() - startedAt) / 1000;
  const { accepted } = await meanwhile;
  if (dropped.length !== HOURS_PAST.length) {
    throw new Error(`${HOURS_PAST.length} partitions have passed, and ${dropped.length} were dropped`);
  }
  return {
    rowsEach,
    seconds: seconds / dropped.length,
    walMB: (await walOfDrop(admin, client, partitions, now)) / 1e6,
    p99Before: before.accepted.p99,
    p99Meanwhile: accepted.p99,
    maxMeanwhile: accepted.max,
  };
}

/** The same while nobody else writes, because the log belongs to everybody; it does not depend on the number of rows. */
async function walOfDrop(
  admin: ScaleStage['admin'],
  client: Side['client'],
  partitions: TokenPartitions,
  now: Date,
): Promise<number> {
  const position = async () =>
    Number((await admin.query(`select pg_current_wal_insert_lsn() - '0/0' as wal`)).rows[0].wal);
  const hour = Math.floor(now.getTime() / 3_600_000) * 3600;
  await partitions.ensure([3600], new Date((hour - 6 * 3600) * 1000));
  await fill(client, { count: 100_000, from: hour - 5 * 3600, until: hour - 4 * 3600 });
  const before = await position();
  await partitions.dropPast(now);
  return ((await position()) - before) / HOURS_PAST.length;
}
