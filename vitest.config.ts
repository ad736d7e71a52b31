import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const reports = process.env.TEST_REPORTS;

export default defineConfig({
  test: {
    include: ['{src,scripts,migrations,bench,conformance}/**/*.test.ts'],
    globalSetup: ['src/testing/postgres-setup.ts'],
    pool: 'forks',
    // Modules hold no state that files could pass on to each other, so each is loaded once a process: a quarter of the time.
    isolate: false,
    setupFiles: ['src/testing/leave-no-trace.ts'],
    // Vitest leaves one core unused, which on a machine with two is half of it.
    maxWorkers: '100%',
    // How fast a machine is decides no test: these are for what hangs.
    testTimeout: 60_000,
    expect: { poll: { timeout: 15_000 } },
    hookTimeout: 60_000,
    reporters: reports ? ['default', ['json', { outputFile: join(reports, 'vitest.json') }]] : ['default'],
  },
});
