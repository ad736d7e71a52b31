import type { Latencies } from '../load/open-loop.ts';
import type { ContenderName, Operation } from '../operations/operation.ts';
import type { Stage } from '../stage.ts';

export interface Arrivals {
  readonly rate: number;
  readonly seconds: number;
  readonly rounds: number;
}

/** By contender, one for each round. */
export type LatencySamples = Readonly<Record<string, readonly Latencies[]>>;

const CONNECTIONS = 256;
const WARM_UP_SECONDS = 1;

export async function measureLatency(
  stage: Stage,
  { name: operation }: Operation,
  contenders: readonly ContenderName[],
  { rate, seconds, rounds }: Arrivals,
): Promise<LatencySamples> {
  const samples: Record<string, Latencies[]> = {};
  const arrive = async (name: ContenderName, duration: number) => {
    const { target } = await stage.contender(name);
    return stage.load.openLoop({ target, operation, rate, seconds: duration, connections: CONNECTIONS });
  };
  for (const name of contenders) {
    samples[name] = [];
    await arrive(name, WARM_UP_SECONDS);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const name of contenders) {
      samples[name]?.push(await arrive(name, seconds));
    }
  }
  return samples;
}
