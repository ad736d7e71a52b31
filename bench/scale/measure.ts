import type { Logger } from 'pino';
import { TokenPartitions } from '../../src/authorization-server/storage/token-partitions.ts';
import { API_CLIENT, MACHINES } from '../directory.ts';
import { closedLoop, type Perform } from '../load/closed-loop.ts';
import { type Answer, Connection } from '../load/connection.ts';
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

/** A process that has just started is slow, and refuses some of what comes at once; that is sent again, and not counted. */
async function exchange(connection: Connection, request: string): Promise<Answer> {
  const answer = await connection.exchange(request);
  return answer.status === 503 ? exchange(connection, request) : expectStatus(answer, 200);
}

export const issuing = (): Perform => async (connection) => {
  await exchange(connection, issueRequest());
  return true;
};

/**
 * Of the newest tokens, so large a share of all. With 1 it is mostly tokens that nobody has asked about before, and of
 * which the page has left the buffers of PostgreSQL; resource servers ask about those that were issued lately.
 */
export const introspecting =
  (share: number) =>
  ({ tokens }: Side): Perform =>
  async (connection) => {
    const token = idOf(tokens, tokens.count - 1 - Math.floor(Math.random() * tokens.count * share));
    const { body } = await exchange(connection, postForm('/token/introspection', { token }, API_CLIENT));
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

export interface Purge {
  readonly rows: number;
  readonly seconds: number;
  readonly walMB: number;
  readonly p99Before: number;
  readonly p99Meanwhile: number;
  readonly maxMeanwhile: number;
}

const ARRIVALS = { rate: 200, connections: 64 };
/** Half of the minute that housekeeping lets pass until the next time. */
const SECONDS = 30;
const MARGIN_MS = 1_000;

/** What housekeeping does when an hour has passed, while tokens are issued. */
export async function purge({ admin }: ScaleStage, { client, port }: Side, rows: number): Promise<Purge> {
  const silent = { info() {}, warn() {} } as unknown as Logger;
  const partitions = new TokenPartitions(client as never, silent);
  const walPosition = async () =>
    Number((await admin.query(`select pg_current_wal_insert_lsn() - '0/0' as wal`)).rows[0].wal);
  const drop = async () => {
    const [startedAt, position] = [performance.now(), await walPosition()];
    if ((await partitions.dropPast(new Date())) === undefined) {
      throw new Error('no partition was dropped');
    }
    return { seconds: (performance.now() - startedAt) / 1000, walMB: ((await walPosition()) - position) / 1e6 };
  };
  const load = () => openLoop({ ...ARRIVALS, seconds: SECONDS, port, request: issueRequest });

  await fillPastHours(client, partitions, rows);
  await admin.query('checkpoint');
  const before = await load();
  const meanwhile = load();
  await new Promise((resolve) => setTimeout(resolve, MARGIN_MS));
  const { seconds } = await drop();
  const { accepted } = await meanwhile;
  // The next hour's, now that nobody else writes: the log belongs to everybody.
  const { walMB } = await drop();
  const [p99Before, p99Meanwhile] = [before.accepted.p99, accepted.p99];
  return { rows, seconds, walMB, p99Before, p99Meanwhile, maxMeanwhile: accepted.max };
}

const HOUR = 3600;

async function fillPastHours(client: Side['client'], partitions: TokenPartitions, rows: number): Promise<void> {
  const hour = Math.floor(Date.now() / 1000 / HOUR) * HOUR;
  // Those that tokens of then need, and of the six hours after.
  await partitions.ensure([HOUR], new Date((hour - 6 * HOUR) * 1000));
  for (const from of [hour - 5 * HOUR, hour - 4 * HOUR]) {
    await fill(client, { count: rows, from, until: from + HOUR });
  }
}
