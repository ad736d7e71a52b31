/**
 * `npm run bench:scale [-- --rows N] [--rounds N] [--seconds S] [--json FILE]`
 *
 * Compares the product with 10 million tokens in its tables to the product with next to none: in one run, at one
 * PostgreSQL, in turns. The tokens are made inside the database, and are as good as any: introspection picks among all.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { describeMachine } from '../measure/machine.ts';
import { median } from '../measure/median.ts';
import { asText, number, type Table } from '../table.ts';
import { compare, introspecting, issuing, type Purge, purge, revokeGrants, type Sample } from './measure.ts';
import { openStage } from './stage.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000000' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    json: { type: 'string' },
  },
});
const rows = Number(values.rows);
const effort = { rounds: Number(values.rounds), seconds: Number(values.seconds), connections: 48 };

/** What is asked about most: as much of the tokens as are issued in five minutes. */
const NEWEST = 0.1;

type Sides = Awaited<ReturnType<typeof compare>>;

console.error(`filling in ${rows.toLocaleString('en')} tokens`);
const stage = await openStage(rows);
try {
  const machine = await describeMachine(stage.admin, stage.directory);
  console.error('measuring client credentials');
  const issued = await compare(stage, issuing, effort);
  console.error('measuring introspection');
  const introspected = await compare(stage, introspecting(NEWEST), effort);
  const anyIntrospected = await compare(stage, introspecting(1), effort);
  console.error('measuring revocation by grant');
  const revoked = { empty: await revokeGrants(stage.empty), full: await revokeGrants(stage.full) };
  console.error('measuring the purge');
  const purged = await purge(stage, stage.full, Math.round(rows / 10));
  console.log(asText([['machine', ''], ...Object.entries(machine).map(([name, value]) => [name, String(value)])]));
  console.log(`\n${asText(comparison({ issued, introspected, anyIntrospected, revoked }))}`);
  console.log(`\n${asText(goals({ issued, introspected, anyIntrospected, purged }))}`);
  if (values.json !== undefined) {
    const report = { machine, rows, effort, issued, introspected, anyIntrospected, revoked, purged };
    await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
  }
} finally {
  await stage.stop();
}

interface Findings {
  readonly issued: Sides;
  readonly introspected: Sides;
  readonly anyIntrospected: Sides;
  readonly revoked: Record<keyof Sides, number>;
  readonly purged: Purge;
}

function comparison({ issued, introspected, anyIntrospected, revoked }: Omit<Findings, 'purged'>): Table {
  const cells = (samples: readonly Sample[]) =>
    (['rate', 'serverUs', 'databaseUs', 'walBytes'] as const).map((name) => number(medianOf(samples, name), 0));
  return [
    ['medians', 'ops/s', 'CPU µs server', 'CPU µs database', 'WAL B'],
    ['client credentials, empty', ...cells(issued.empty)],
    [`client credentials, full`, ...cells(issued.full)],
    ['introspection of recent tokens, empty', ...cells(introspected.empty)],
    ['introspection of recent tokens, full', ...cells(introspected.full)],
    ['introspection of any token, empty', ...cells(anyIntrospected.empty)],
    ['introspection of any token, full', ...cells(anyIntrospected.full)],
    ['revocation of a grant, empty', `${number(revoked.empty, 1)} ms`, '', '', ''],
    ['revocation of a grant, full', `${number(revoked.full, 1)} ms`, '', '', ''],
  ];
}

function goals({ issued, introspected, anyIntrospected, purged }: Omit<Findings, 'revoked'>): Table {
  const ratio = ({ full, empty }: Sides) =>
    median(full.map(({ rate }, round) => rate / (empty[round]?.rate ?? Number.NaN)));
  const cpu = (samples: readonly Sample[]) => medianOf(samples, 'serverUs') + medianOf(samples, 'databaseUs');
  const { p99Before, p99Meanwhile, maxMeanwhile } = purged;
  return [
    ['goal', 'measured', 'must', ''],
    judged('client credentials: throughput (full / empty)', ratio(issued), { least: 0.95 }),
    judged('the same: CPU (full / empty)', cpu(issued.full) / cpu(issued.empty), { most: 1 / 0.95 }),
    judged('introspection of recent tokens: throughput (full / empty)', ratio(introspected), { least: 0.95 }),
    judged('the same: CPU (full / empty)', cpu(introspected.full) / cpu(introspected.empty), { most: 1 / 0.95 }),
    judged('introspection of any token: throughput (full / empty)', ratio(anyIntrospected), { least: 0.95 }),
    judged('WAL for each token, full, B', medianOf(issued.full, 'walBytes'), { most: 500 }),
    judged(`purge of ${number(purged.rows, 0)} tokens, s`, purged.seconds, { most: 1 }),
    judged('WAL of that, MB', purged.walMB, { most: 1 }),
    judged(
      `p99 of 200/s while ${number(purged.rows, 0)} tokens are purged (${number(p99Meanwhile, 1)} ms, at most ${number(maxMeanwhile, 1)}) / before (${number(p99Before, 1)} ms)`,
      p99Meanwhile / p99Before,
      { most: 1.2 },
    ),
  ];
}

function judged(name: string, value: number, { least, most }: { least?: number; most?: number }): string[] {
  const reached = value >= (least ?? Number.NEGATIVE_INFINITY) && value <= (most ?? Number.POSITIVE_INFINITY);
  return [name, number(value, 2), most === undefined ? `≥ ${least}` : `≤ ${number(most, 2)}`, reached ? '✓' : '✗'];
}

function medianOf(samples: readonly Sample[], name: keyof Sample): number {
  return median(samples.map((sample) => sample[name] ?? Number.NaN));
}
