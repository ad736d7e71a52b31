import type { Latencies } from './load/open-loop.ts';
import { median } from './measure/median.ts';
import { type Figure, type Report, ratio } from './report.ts';

export type Unit = 'x' | 'ms' | 'MB' | '';

export interface Bound {
  readonly most?: number;
  readonly least?: number;
}

/** What the product promises itself, and where a report has it. */
export interface Intention {
  readonly name: string;
  readonly unit: Unit;
  readonly must?: Bound;
  readonly aim?: Bound;
  readonly value: (report: Report) => number | undefined;
}

/** Longer than this nobody waits for a token, so an answer that comes later was work for nothing. */
const BOUNDED_MS = 1_000;

const compared = (operation: string, name: Figure, one: string, other: string) => (report: Report) =>
  ratio(samplesOf(report, operation), name, one, other);
/** To a tenth: what a node asks by the clock, and for no request, is less. */
const counted = (operation: string, contender: string) => (report: Report) => {
  const statements = operationIn(report, operation)?.statementsAlone[contender];
  return statements && Math.round(statements * 10) / 10;
};
const latency = (contender: string, percentile: 'p50' | 'p99') => (report: Report) =>
  medianOf(report.latency?.[contender], percentile);

export const INTENTIONS: readonly Intention[] = [
  {
    name: 'client credentials: CPU, our store in M’s place (S / M)',
    unit: 'x',
    must: { most: 1.05 },
    value: compared('client-credentials', 'serverUs', 'S', 'M'),
  },
  {
    name: 'client credentials: CPU, whole product (P / M)',
    unit: 'x',
    must: { most: 1.25 },
    value: compared('client-credentials', 'serverUs', 'P', 'M'),
  },
  {
    name: 'client credentials: throughput (P / B0)',
    unit: 'x',
    must: { least: 2.2 },
    aim: { least: 3 },
    value: compared('client-credentials', 'rate', 'P', 'B0'),
  },
  {
    name: 'client credentials: throughput with two workers (P x2 / B0)',
    unit: 'x',
    must: { least: 2.2 },
    aim: { least: 3 },
    value: compared('client-credentials', 'rate', 'P x2', 'B0'),
  },
  {
    name: 'introspection: statements (P)',
    unit: '',
    must: { most: 1 },
    value: counted('introspection', 'P'),
  },
  {
    name: 'introspection: throughput (P / B0)',
    unit: 'x',
    must: { least: 4 },
    aim: { least: 6 },
    value: compared('introspection', 'rate', 'P', 'B0'),
  },
  {
    name: 'introspection: throughput with two workers (P x2 / B0)',
    unit: 'x',
    must: { least: 4 },
    aim: { least: 6 },
    value: compared('introspection', 'rate', 'P x2', 'B0'),
  },
  {
    name: 'introspection: CPU, whole product (P / M)',
    unit: 'x',
    must: { most: 1.3 },
    value: compared('introspection', 'serverUs', 'P', 'M'),
  },
  {
    name: 'refresh with rotation: throughput (P / B0)',
    unit: 'x',
    must: { least: 3 },
    value: compared('refresh', 'rate', 'P', 'B0'),
  },
  {
    name: 'journey without the hash: throughput (P / B0)',
    unit: 'x',
    must: { least: 2 },
    value: compared('journey', 'rate', 'P light', 'B0'),
  },
  {
    name: 'journey without the hash: statements (P)',
    unit: '',
    must: { most: 10 },
    aim: { most: 6 },
    value: counted('journey', 'P light'),
  },
  {
    name: 'password grant: rate (P / raw verification)',
    unit: 'x',
    must: { least: 0.85 },
    aim: { least: 0.92 },
    value: compared('password', 'rate', 'P', 'hash'),
  },
  {
    name: 'guarded request, a token that the guard knows: throughput (guarded / unguarded)',
    unit: 'x',
    must: { least: 0.85 },
    value: compared('guard-warm', 'rate', 'guarded', 'unguarded'),
  },
  {
    name: 'guarded request, a token that it never saw: throughput (guarded / proxy)',
    unit: 'x',
    must: { least: 0.5 },
    value: compared('guard-cold', 'rate', 'guarded', 'proxy'),
  },
  {
    name: 'revoked at another node, refused by the resource API: p99',
    unit: 'ms',
    must: { most: 100 },
    value: ({ revocationReach }) => revocationReach?.delays.p99,
  },
  {
    name: 'requests that the guard knows the token of, under load and revocations: share',
    unit: '',
    must: { least: 0.99 },
    value: ({ revocationReach }) => revocationReach && 1 - revocationReach.questions / revocationReach.requests,
  },
  {
    name: 'guard: memory with a million tokens beside 100,000, by heap',
    unit: 'x',
    must: { most: 1.1 },
    value: ({ guardMemory }) => grown(guardMemory, 'heapMB'),
  },
  {
    name: 'guard: memory with a million tokens beside 100,000, resident',
    unit: 'x',
    must: { most: 1.25 },
    value: ({ guardMemory }) => grown(guardMemory, 'residentMB'),
  },
  {
    name: '/jwks while passwords are verified: p99 (busy / idle)',
    unit: 'x',
    must: { most: 5 },
    aim: { most: 2 },
    value: ({ whileHashing }) => whileHashing && whileHashing.hashing.p99 / whileHashing.idle.p99,
  },
  {
    name: 'discovery: throughput (P / B0)',
    unit: 'x',
    must: { least: 2 },
    aim: { least: 4 },
    value: compared('discovery', 'rate', 'P', 'B0'),
  },
  {
    name: 'JWKS: throughput (P / B0)',
    unit: 'x',
    must: { least: 2 },
    aim: { least: 4 },
    value: compared('jwks', 'rate', 'P', 'B0'),
  },
  {
    name: 'client credentials at 1,000/s: p99 (P / B0)',
    unit: 'x',
    must: { most: 0.5 },
    value: (report) => quotient(latency('P', 'p99')(report), latency('B0', 'p99')(report)),
  },
  { name: 'client credentials at 1,000/s: p50 (P)', unit: 'ms', aim: { most: 1 }, value: latency('P', 'p50') },
  { name: 'client credentials at 1,000/s: p99 (P)', unit: 'ms', aim: { most: 5 }, value: latency('P', 'p99') },
  {
    name: 'twice the capacity: p99 of what is accepted; the rest gets 503 and Retry-After',
    unit: 'ms',
    must: { most: BOUNDED_MS },
    value: ({ overload }) =>
      overload && (Object.keys(overload.others).length > 0 ? Number.POSITIVE_INFINITY : overload.accepted.p99),
  },
  {
    name: 'start of serve on a migrated database',
    unit: 'ms',
    must: { most: 1000 },
    value: (report) => report.process?.startMs,
  },
  {
    name: 'start of serve with the compile cache',
    unit: 'ms',
    must: { most: 1000 },
    aim: { most: 500 },
    value: (report) => report.process?.cachedStartMs,
  },
  {
    name: 'memory, idle',
    unit: 'MB',
    must: { most: 130 },
    aim: { most: 110 },
    value: (report) => report.process?.idleMB,
  },
  {
    name: 'memory, at most in the whole run',
    unit: 'MB',
    must: { most: 250 },
    aim: { most: 220 },
    value: (report) => report.process?.loadedMB,
  },
];

function operationIn(report: Report, operation: string) {
  return report.operations.find(({ name }) => name === operation);
}

function samplesOf(report: Report, operation: string) {
  return operationIn(report, operation)?.samples ?? {};
}

export function medianOf(rounds: readonly Latencies[] | undefined, percentile: 'p50' | 'p95' | 'p99') {
  return rounds && median(rounds.map(({ accepted }) => accepted[percentile]));
}

/** From the second measurement to the last. */
function grown(memory: Report['guardMemory'], name: 'heapMB' | 'residentMB'): number | undefined {
  return quotient(memory?.at(-1)?.[name], memory?.[1]?.[name]);
}

function quotient(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? undefined : one / other;
}
