import { readFileSync } from 'node:fs';
import { measureGuardMemory } from './measure/guard-memory.ts';
import { measureWhileHashing } from './measure/hashing.ts';
import { measureLatency } from './measure/latency.ts';
import { describeMachine } from './measure/machine.ts';
import { measureOverload } from './measure/overload.ts';
import { measureProcess } from './measure/process-costs.ts';
import { measureRevocationReach } from './measure/revocation-reach.ts';
import { type Effort, measureThroughput } from './measure/throughput.ts';
import { OPERATIONS } from './operations/catalogue.ts';
import { clientCredentials } from './operations/client-credentials.ts';
import type { ContenderName } from './operations/operation.ts';
import type { MeasuredOperation, Report } from './report.ts';
import { Stage } from './stage.ts';

export interface RunOptions extends Effort {
  /** Names of operations and of `EXPERIMENTS`; all of them unless given. */
  readonly only?: readonly string[] | undefined;
  /** All of them unless given. */
  readonly contenders?: readonly ContenderName[];
  /** Told what is being measured. */
  readonly report: (line: string) => void;
}

/** What is measured in other ways than operation by operation. */
const EXPERIMENTS = ['latency', 'while-hashing', 'revocation-reach', 'guard-memory', 'process', 'overload'] as const;

export const NAMES: readonly string[] = [...OPERATIONS.map(({ name }) => name), ...EXPERIMENTS];

const ARRIVALS_PER_SECOND = 1_000;
const WARNING = 40;

export async function run(options: RunOptions): Promise<Report> {
  const { rounds, seconds, connections } = options;
  const stage = await Stage.open();
  const giveUp = () => void stage.stop().finally(() => process.exit(130));
  process.once('SIGINT', giveUp).once('SIGTERM', giveUp);
  try {
    const machine = await describeMachine(stage.admin, stage.directory);
    const operations = await measureOperations(stage, options);
    const experiments = await measureExperiments(stage, options);
    const complaints = countComplaints(['P', 'P x2', 'P light'].map((name) => stage.logFile(name)));
    const effort = { rounds, seconds, connections };
    return { date: new Date().toISOString().slice(0, 16), machine, effort, operations, ...experiments, complaints };
  } finally {
    process.off('SIGINT', giveUp).off('SIGTERM', giveUp);
    await stage.stop();
  }
}

async function measureOperations(stage: Stage, options: RunOptions): Promise<MeasuredOperation[]> {
  const measured: MeasuredOperation[] = [];
  for (const operation of OPERATIONS.filter(({ name }) => isAsked(options, name))) {
    const { name, title } = operation;
    options.report(title);
    const contenders = operation.contenders.filter((one) => options.contenders?.includes(one) ?? true);
    const found = await measureThroughput(stage, { ...operation, contenders }, options).catch((error: Error) => ({
      samples: {},
      statementsAlone: {},
      failure: error.message,
    }));
    measured.push({ name, title, ...found });
  }
  return measured;
}

/** In the order of their list. The overload comes last: what it leaves behind is nobody else's burden. */
async function measureExperiments(stage: Stage, options: RunOptions): Promise<Partial<Report>> {
  const { rounds, seconds } = options;
  const experiments = {
    latency: () =>
      measureLatency(stage, clientCredentials, ['P', 'B0'], {
        rate: ARRIVALS_PER_SECOND,
        seconds: 2 * seconds,
        rounds,
      }),
    'while-hashing': () => measureWhileHashing(stage, 5 * seconds),
    'revocation-reach': () => measureRevocationReach(stage),
    'guard-memory': () => measureGuardMemory(stage),
    overload: () => measureOverload(stage, clientCredentials),
    process: () => measureProcess(stage),
  };
  const results = [];
  for (const name of EXPERIMENTS) {
    if (isAsked(options, name)) {
      options.report(name);
      const field = name.replaceAll(/-./g, (dash) => dash.slice(1).toUpperCase());
      results.push([field, await experiments[name]()] as const);
    }
  }
  return Object.fromEntries(results);
}

function isAsked({ only }: RunOptions, name: string): boolean {
  return only === undefined || only.includes(name);
}

/** By message: lines of a pino log from `warn` upwards. */
function countComplaints(logFiles: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const line of logFiles.flatMap(readLines).filter((one) => one.startsWith('{'))) {
    const { level, msg } = JSON.parse(line) as { level: number; msg: string };
    if (level >= WARNING) {
      counts[msg] = (counts[msg] ?? 0) + 1;
    }
  }
  return counts;
}

function readLines(logFile: string): string[] {
  try {
    return readFileSync(logFile, 'utf8').split('\n');
  } catch {
    return []; // (P) took no part.
  }
}
