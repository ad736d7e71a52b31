import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { test as base } from '../src/test-kit/playwright.ts';

export { expect } from '@playwright/test';

/** What must never be read in a log (C92). */
const SECRETS = /correct-horse-battery-staple|(demo|sample|e2e)-[a-z]+-secret/;

/**
 * The processes under test write to files. After each test, what they wrote meanwhile may contain neither an error of
 * ours nor a secret; and it is shown when the test has failed, and only then.
 */
export const test = base.extend<{ logs: undefined }>({
  logs: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads from the pattern which fixtures this one needs.
    async ({}, use, testInfo) => {
      const files: string[] = JSON.parse(process.env.E2E_LOGS ?? '[]');
      const before = new Map(files.map((file) => [file, statSync(file).size]));
      await use(undefined);
      for (const file of files) {
        const written = readFileSync(file).subarray(before.get(file)).toString('utf8');
        if (testInfo.status !== testInfo.expectedStatus && written !== '') {
          console.error(`\n${basename(file)} during "${testInfo.title}":\n${written}`);
        }
        refuse(written, file);
      }
    },
    { auto: true },
  ],
});

function refuse(written: string, file: string): void {
  const suspicious = written.split('\n').find((line) => SECRETS.test(line) || /"level":[56]0/.test(line));
  if (suspicious !== undefined) {
    throw new Error(`${basename(file)} contains an error or a secret: ${suspicious}`);
  }
}
