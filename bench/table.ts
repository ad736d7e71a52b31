import type { Goal } from './goals.ts';
import { medianOf } from './intentions.ts';
import { figure, type MeasuredOperation, type Report, ratio } from './report.ts';

/** Rows of cells; the first row is the head. */
export type Table = readonly (readonly string[])[];

const HEAD = ['', 'ops/s', 'CPU µs server', 'CPU µs database', 'SQL', 'SQL alone', 'WAL B', 'rate / B0', 'CPU / M'];

/** One row for each contender: medians for one operation, and ratios where there is something to compare with. */
export function operationTable({ title, samples, statementsAlone, failure }: MeasuredOperation): Table {
  const rows = Object.keys(samples).map((name) => [
    name,
    number(figure(samples[name], 'rate'), 0),
    number(figure(samples[name], 'serverUs'), 0),
    number(figure(samples[name], 'databaseUs'), 0),
    number(figure(samples[name], 'statements'), 2),
    number(statementsAlone[name], 1),
    number(figure(samples[name], 'walBytes'), 0),
    number(ratio(samples, 'rate', name, 'B0'), 2),
    number(ratio(samples, 'serverUs', name, 'M'), 2),
  ]);
  return [
    [title, ...HEAD.slice(1)],
    ...rows,
    ...(failure === undefined ? [] : [[`failed: ${failure.split('\n').slice(0, 3).join(' ')}`]]),
  ];
}

const MARKS = { aim: '✓✓', must: '✓', open: '–', missed: '✗' };

export function goalTable(goals: readonly Goal[]): Table {
  const rows = goals
    .filter(({ reached }) => reached !== undefined)
    .map(({ name, must, aim, value, unit, reached }) => [
      name,
      `${number(value, unit === 'ms' || unit === 'MB' ? 1 : 2)}${unit === '' ? '' : ` ${unit}`}`,
      must,
      aim,
      reached === undefined ? '' : MARKS[reached],
    ]);
  return [['goal (✓✓ aim reached, ✓ must reached, ✗ missed)', 'measured', 'must', 'aim', ''], ...rows];
}

/** From the intended moment of sending; medians of the rounds. */
export function latencyTable({ latency = {}, whileHashing, overload, revocationReach }: Report): Table {
  const rows = Object.entries(latency).map(([name, rounds]) => [
    `client credentials, 1,000/s: ${name}`,
    ...(['p50', 'p95', 'p99'] as const).map((percentile) => number(medianOf(rounds, percentile), 2)),
    `${rounds.reduce((sum, { accepted }) => sum + accepted.count, 0)} answers`,
  ]);
  for (const [name, found] of Object.entries(whileHashing ?? {})) {
    const { p50, p95, p99, count } = found;
    rows.push([`/jwks, ${name}: P`, number(p50, 2), number(p95, 2), number(p99, 2), `${count} answers`]);
  }
  if (overload) {
    const { accepted, shed, others, late, capacity, rate } = overload;
    const says = `${accepted.count} accepted, ${shed.count} shed, others ${JSON.stringify(others)}, sent ${number(late.p99, 0)} ms late (p99)`;
    rows.push([
      `client credentials, ${number(rate, 0)}/s where ${number(capacity, 0)}/s can be done: P`,
      number(accepted.p50, 1),
      number(accepted.p95, 1),
      number(accepted.p99, 1),
      says,
    ]);
  }
  if (revocationReach) {
    const { delays, requests, questions } = revocationReach;
    const { p50, p95, p99, count } = delays;
    const says = `${count} revocations among ${number(requests, 0)} requests, which made ${questions} questions`;
    rows.push([
      'from a revocation at another node to the refusal',
      number(p50, 1),
      number(p95, 1),
      number(p99, 1),
      says,
    ]);
  }
  return [['latency in ms, open loop', 'p50', 'p95', 'p99', ''], ...rows];
}

/** Of a process with a guard and nothing else. */
export function memoryTable({ guardMemory = [] }: Report): Table {
  const rows = guardMemory.map(({ tokens, heapMB, residentMB }) => [
    `${number(tokens, 0)} tokens`,
    number(heapMB, 1),
    number(residentMB, 1),
  ]);
  return [['memory of a guard in MB', 'heap', 'resident'], ...rows];
}

export function number(value: number | undefined, digits: number): string {
  if (value === undefined || Number.isNaN(value)) {
    return '';
  }
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** For a terminal: columns as wide as their widest cell, figures to the right. */
export function asText(table: Table): string {
  const full = table.filter((row) => row.length > 1);
  const widths = (table[0] ?? []).map((_cell, column) => Math.max(...full.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ');
  return table.map((row) => line(row).trimEnd()).join('\n');
}

export function asMarkdown(table: Table): string {
  const [head = [], ...rows] = table;
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`;
  const rule = head.map((_cell, column) => (column === 0 ? '---' : '---:'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}
