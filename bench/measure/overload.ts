import type { Latencies } from '../load/open-loop.ts';
import type { Operation } from '../operations/operation.ts';
import type { Stage } from '../stage.ts';

export interface Overload extends Latencies {
  /** Operations a second that the server does when it is asked for no more than it can do. */
  readonly capacity: number;
  /** Requests a second that it got. */
  readonly rate: number;
}

/** More than there are requests waiting, so that what waits, waits at the server: it takes 10,000 connections. */
const CONNECTIONS = 9_000;
const SECONDS = 4;

/** Twice as much as the product can do, for some seconds. */
export async function measureOverload(stage: Stage, { name: operation }: Operation): Promise<Overload> {
  const { target } = await stage.contender('P');
  const closed = { target, operation, connections: 64, seconds: 2 };
  await stage.load.closedLoop(closed);
  const { operations, seconds } = await stage.load.closedLoop(closed);
  const capacity = operations / seconds;
  const rate = 2 * capacity;
  const order = { target, operation, rate, seconds: SECONDS, connections: CONNECTIONS };
  return { capacity, rate, ...(await stage.load.openLoop(order)) };
}
