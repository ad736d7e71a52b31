/**
 * `npm run bench [-- --json FILE] [--only NAME,...] [--rounds N] [--seconds S] [--connections N] [--write-results]`
 *
 * Compares the product with what one would have otherwise, in one run on one machine: bench/RESULTS.md tells how.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { judge } from './goals.ts';
import { printed, resultsFile } from './results.ts';
import { NAMES, run } from './run.ts';

const RESULTS = join(import.meta.dirname, 'RESULTS.md');

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    only: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '0.7' },
    connections: { type: 'string', default: '48' },
    'write-results': { type: 'boolean', default: false },
  },
});

const only = values.only?.split(',');
const unknown = only?.filter((name) => !NAMES.includes(name)) ?? [];
if (unknown.length > 0) {
  console.error(`There is no ${unknown.join(', ')}. Choose from ${NAMES.join(', ')}.`);
  process.exit(2);
}

const report = await run({
  only,
  rounds: positive('rounds'),
  seconds: positive('seconds'),
  connections: positive('connections'),
  report: (line) => console.error(`measuring ${line}`),
});
console.log(printed(report));
if (values.json !== undefined) {
  await writeFile(values.json, `${JSON.stringify({ ...report, goals: judge(report) }, null, 2)}\n`);
}
if (values['write-results']) {
  await writeFile(RESULTS, resultsFile(report));
}
if (report.operations.some(({ failure }) => failure !== undefined)) {
  process.exitCode = 1;
}

function positive(name: 'rounds' | 'seconds' | 'connections'): number {
  const value = Number(values[name]);
  if (!(value > 0)) {
    console.error(`--${name} takes a number above 0.`);
    process.exit(2);
  }
  return value;
}
