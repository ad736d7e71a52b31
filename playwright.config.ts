import { join } from 'node:path';
import { defineConfig } from '@playwright/test';
import { findChromium } from './scripts/find-chromium.ts';

// Looked up once: worker processes read this file too, and inherit the answer.
process.env.CHROMIUM_PATH ??= findChromium() ?? '';
const executablePath = process.env.CHROMIUM_PATH;
const reports = process.env.TEST_REPORTS;

export default defineConfig({
  testDir: 'e2e',
  // A project of somebody else's, which third-party.spec.ts runs.
  testIgnore: '**/third-party/**',
  // How fast a machine is decides no test: this is for what hangs.
  timeout: 90_000,
  expect: { timeout: 15_000 },
  globalSetup: './e2e/servers/start-everything.ts',
  outputDir: 'test-results',
  // Each test has a browser context, and what must not be disturbed has a database of its own.
  workers: 2,
  retries: 0,
  forbidOnly: Boolean(process.env.CI),
  reporter: reports ? [['list'], ['json', { outputFile: join(reports, 'playwright.json') }]] : [['list']],
  use: {
    browserName: 'chromium',
    // Cookies and storage are emptied between tests; a context of each test's own is a third of the time of a run.
    reuseContext: true,
    // Tracing doubles the time of a run; `playwright test --trace on` turns it on for a failing test.
    trace: 'off',
    screenshot: 'only-on-failure',
    launchOptions: {
      ...(executablePath ? { executablePath } : {}),
      args: [
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
        // Chromium's sandbox refuses to run as root.
        ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      ],
    },
  },
});
