import { parseArgs } from 'node:util';
import {
  readStorageFigures,
  type StorageFigures,
  type TableFigures,
} from '../authorization-server/storage/storage-figures.ts';
import { loadDatabaseConfig } from '../config/load.ts';
import { createPool } from '../database/connect.ts';

/** `concierge storage [--config FILE] [--json]`: how much there is in the database, and how it grows. */
export async function run(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: { config: { type: 'string' }, json: { type: 'boolean', default: false } },
  });
  const { database } = loadDatabaseConfig({ env: process.env, file: values.config, mode: 'production' });
  const pool = createPool({ url: database.url, max: 1, applicationName: 'concierge storage' });
  try {
    const figures = await readStorageFigures(pool);
    console.log(values.json ? JSON.stringify(figures, undefined, 2) : describeStorage(figures));
  } finally {
    await pool.end();
  }
}

export function describeStorage({ tokens, artifacts, purgeLag, growth }: StorageFigures): string {
  const kinds = Object.entries(artifacts.kinds).map(([kind, rows]) => [`  ${kind}`, count(rows)]);
  const lines = [
    ['', 'live', 'expired', 'heap', 'indexes', 'toast'],
    tableLine(`tokens (${tokens.partitions} partitions)`, tokens),
    tableLine('artifacts', artifacts),
    ...kinds,
  ].map(([name = '', ...cells]) => name.padEnd(28) + cells.map((cell) => cell.padStart(14)).join(''));
  return [...lines, '', `purge lag   ${duration(purgeLag)}`, ...describeGrowth(growth)].join('\n');
}

function describeGrowth(growth: StorageFigures['growth']): string[] {
  if (growth === undefined) {
    return ['growth      not known yet: a sample is taken every hour while the server runs'];
  }
  const { rowsPerDay, bytesPerDay, observedDays, projectedBytes } = growth;
  return [
    `growth      ${count(rowsPerDay)} rows and ${size(bytesPerDay)} a day, as of the last ${duration(observedDays * 86_400)}`,
    `in 30 days  ${size(projectedBytes)}`,
  ];
}

function tableLine(name: string, { live, expired, bytes }: TableFigures): string[] {
  return [name, count(live), count(expired), size(bytes.heap), size(bytes.indexes), size(bytes.toast)];
}

function count(rows: number): string {
  return Math.round(rows).toLocaleString('en');
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

function size(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, Math.abs(bytes))) / 3));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${UNITS[power]}`;
}

function duration(seconds: number): string {
  if (seconds === 0) {
    return 'none';
  }
  const [unit, divisor] =
    seconds < 120 ? ['s', 1] : seconds < 7200 ? ['min', 60] : seconds < 172_800 ? ['h', 3600] : ['d', 86_400];
  return `${Math.round(seconds / Number(divisor))} ${unit}`;
}
