import { spawnSync } from 'node:child_process';
import { chromium } from '@playwright/test';

const SYSTEM_BROWSERS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/**
 * A Chromium for the browser tests: the one named by CHROMIUM_PATH, else Playwright's own, else the system's.
 * Each is asked for its version, because Playwright's download is of no use where the libraries it needs are missing.
 */
export function findChromium(): string | undefined {
  const named = process.env.CHROMIUM_PATH;
  return named || [chromium.executablePath(), ...SYSTEM_BROWSERS].find(runs);
}

function runs(path: string): boolean {
  return spawnSync(path, ['--version'], { stdio: 'ignore' }).status === 0;
}
