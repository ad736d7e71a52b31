import type { Perform } from './closed-loop.ts';
import type { Population } from './population.ts';

/** A server as the load sees it. */
export interface Target {
  readonly name: string;
  readonly port: number;
  /** The port of the server that issued the tokens this one is asked about: its own, where it issues any. */
  readonly populatedAt: number;
}

export interface Round {
  readonly seconds: number;
  readonly connections: number;
}

/** What is done over and over, in the process that makes the load. */
export interface Scenario {
  /** Before each round, and not measured: whatever is needed to begin with. */
  prepare?(round: Round): Promise<void>;
  readonly perform: Perform;
  /** Of an open loop. */
  readonly request?: () => string;
}

/** `population` is made when it is first asked for, in a `prepare`. */
export type ScenarioFactory = (target: Target, population: () => Promise<Population>) => Scenario;
