import type { Operation } from '../operations/operation.ts';
import type { Contender, Stage } from '../stage.ts';
import { median } from './median.ts';
import { type Cost, costBetween } from './meter.ts';

/** One round of one contender. */
export interface Sample extends Cost {
  readonly operations: number;
  readonly rate: number;
}

/** By contender, a sample for each round: the same place in two lists is the same round. */
export type Samples = Readonly<Record<string, readonly Sample[]>>;

export interface Throughputs {
  readonly samples: Samples;
  /** By contender: statements of one operation when there is nobody to share them with. */
  readonly statementsAlone: Readonly<Record<string, number>>;
}

export interface Effort {
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
}

/** Turns that nobody counts: the compiler of the process has to have seen the code, the caches the rows. */
const WARM_UPS = 2;

/** Round by round and in each the contenders one after another, so that whatever else the machine does falls on all. */
export async function measureThroughput(stage: Stage, operation: Operation, effort: Effort): Promise<Throughputs> {
  const { rounds, seconds } = effort;
  const contenders: Contender[] = [];
  for (const name of operation.contenders) {
    contenders.push(await stage.contender(name));
  }
  const samples: Record<string, Sample[]> = {};
  const statementsAlone: Record<string, number> = {};
  for (const contender of contenders) {
    const { name } = contender;
    samples[name] = [];
    await oneRound(stage, operation, contender, { ...effort, seconds: seconds * WARM_UPS });
    statementsAlone[name] = await countAlone(stage, operation, contender, effort);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
      samples[contender.name]?.push(await oneRound(stage, operation, contender, effort));
    }
  }
  return { samples, statementsAlone };
}

/** Of three turns the middle one: into one of them a node's housekeeping may fall. */
async function countAlone(stage: Stage, operation: Operation, contender: Contender, effort: Effort): Promise<number> {
  const alone = { ...operation, connections: 1 };
  const counts: number[] = [];
  for (let turn = 0; turn < 3; turn += 1) {
    const sample = await oneRound(stage, alone, contender, { ...effort, seconds: effort.seconds / 8 });
    counts.push(sample.statements);
  }
  return median(counts);
}

async function oneRound(stage: Stage, operation: Operation, contender: Contender, effort: Effort): Promise<Sample> {
  const { seconds, connections } = effort;
  const { target } = contender;
  const order = { target, operation: operation.name, seconds, connections: operation.connections ?? connections };
  try {
    await stage.load.prepare(order);
    const before = await stage.meter.read(contender);
    const { operations, seconds: took } = await stage.load.closedLoop(order);
    const after = await stage.meter.read(contender);
    return { operations, rate: operations / took, ...costBetween(before, after, operations) };
  } catch (error) {
    throw new Error(`${contender.name}: ${(error as Error).message}`, { cause: error });
  }
}
