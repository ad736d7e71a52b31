import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { createTestDatabase } from '../testing/database.ts';
import { describeStorage } from './storage.ts';

const MAIN = join(import.meta.dirname, '../main.ts');

const FIGURES = {
  tokens: { live: 9_000_000, expired: 1_000_000, bytes: { heap: 2.9e9, indexes: 4.2e8, toast: 0 }, partitions: 7 },
  artifacts: {
    live: 1_200,
    expired: 34,
    bytes: { heap: 450_000, indexes: 120_000, toast: 8192 },
    kinds: { Grant: 400, Session: 834 },
  },
  purgeLag: 420,
  growth: undefined,
};

it('prints rows, bytes, the purge lag and, before there are two samples, that the growth is not known', () => {
  const text = describeStorage(FIGURES);
  expect(text).toMatch(/tokens \(7 partitions\) +9,000,000 +1,000,000 +2\.9 GB +420\.0 MB +0 B/);
  expect(text).toMatch(/artifacts +1,200 +34 +450\.0 kB/);
  expect(text).toMatch(/ {2}Session +834/);
  expect(text).toMatch(/purge lag +7 min/);
  expect(text).toMatch(/growth +not known yet/);
});

it('prints the growth a day and the size that it leads to', () => {
  const growth = { rowsPerDay: 250_000, bytesPerDay: 8e7, observedDays: 3, projectedBytes: 5.8e9 };
  const text = describeStorage({ ...FIGURES, growth });
  expect(text).toMatch(/250,000 rows and 80\.0 MB a day, as of the last 3 d/);
  expect(text).toMatch(/in 30 days +5\.8 GB/);
});

it('reads the database that the configuration names, and prints for programs with --json', async () => {
  const { url, drop } = await createTestDatabase('authorization-server');
  const env = { DATABASE_URL: url };
  const run = promisify(execFile);
  const text = await run(process.execPath, [MAIN, 'storage'], { env });
  expect(text.stdout).toMatch(/tokens \(0 partitions\) +0 +0/);
  const { stdout } = await run(process.execPath, [MAIN, 'storage', '--json'], { env });
  expect(JSON.parse(stdout)).toMatchObject({ tokens: { live: 0, partitions: 0 }, purgeLag: 0 });
  await drop();
});
