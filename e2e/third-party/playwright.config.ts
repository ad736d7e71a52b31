import { defineConfig } from '@playwright/test';
import type { ConciergeWorkerFixtures } from 'concierge/playwright';

const root = process.getuid?.() === 0 ? ['--no-sandbox'] : [];

export default defineConfig<object, ConciergeWorkerFixtures>({
  workers: 1,
  expect: { timeout: 15_000 },
  use: {
    conciergeOptions: { directory: 'directory.yaml' },
    launchOptions: { executablePath: process.env.CHROMIUM_PATH, args: root },
  },
});
