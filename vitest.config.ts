import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'migrations/**/*.test.ts', 'scripts/**/*.test.ts'],
    globalSetup: ['src/testing/postgres-setup.ts'],
    pool: 'forks',
    // Vitest leaves one core unused, which on a machine with two is half of it.
    maxWorkers: '100%',
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});
