import type { GuardMemory } from './measure/guard-memory.ts';
import type { WhileHashing } from './measure/hashing.ts';
import type { LatencySamples } from './measure/latency.ts';
import type { Machine } from './measure/machine.ts';
import { median } from './measure/median.ts';
import type { Overload } from './measure/overload.ts';
import type { ProcessCosts } from './measure/process-costs.ts';
import type { RevocationReach } from './measure/revocation-reach.ts';
import type { Effort, Sample, Samples } from './measure/throughput.ts';

/** Everything that a run found out, as `--json` writes it. */
export interface Report {
  readonly date: string;
  readonly machine: Machine;
  readonly effort: Effort;
  readonly operations: readonly MeasuredOperation[];
  readonly latency?: LatencySamples;
  readonly overload?: Overload;
  readonly whileHashing?: WhileHashing;
  readonly process?: ProcessCosts;
  readonly revocationReach?: RevocationReach;
  readonly guardMemory?: readonly GuardMemory[];
  /** How often (P)'s log says what is a warning or worse. */
  readonly complaints: Readonly<Record<string, number>>;
}

export interface MeasuredOperation {
  readonly name: string;
  readonly title: string;
  readonly samples: Samples;
  /** By contender: statements of one operation when there is nobody to share them with. */
  readonly statementsAlone: Readonly<Record<string, number>>;
  /** Why there are no samples: a contender did not answer as it should. */
  readonly failure?: string;
}

export type Figure = 'rate' | 'serverUs' | 'databaseUs' | 'statements' | 'walBytes';

/** The median over the rounds. */
export function figure(samples: readonly Sample[] | undefined, name: Figure): number | undefined {
  const values = samples?.map((sample) => sample[name]) ?? [];
  return values.length > 0 && values.every((value) => value !== undefined) ? median(values) : undefined;
}

/** The median of the ratios of the rounds: what disturbed a round disturbed both. */
export function ratio(samples: Samples, name: Figure, one: string, other: string): number | undefined {
  const others = samples[other] ?? [];
  const ratios = (samples[one] ?? []).map(
    (sample, round) => (sample[name] ?? Number.NaN) / (others[round]?.[name] ?? Number.NaN),
  );
  return ratios.length > 0 && ratios.every(Number.isFinite) ? median(ratios) : undefined;
}
