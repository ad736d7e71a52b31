import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import type axe from 'axe-core';
import { expect, test } from './test.ts';

/** Each screen, with the way there in a fresh browser. */
export type Screens = Readonly<Record<string, (page: Page) => Promise<unknown>>>;

/** WCAG 2.2 1.4.10: no scrolling in two directions at the width of 320 pixels. */
const SMALL_PHONE = { width: 320, height: 640 };

/** Bytes, before any compression, with everything that the page loads. */
const HEAVIEST = 60_000;

/** The dark scheme differs from the light one in its colours and in nothing else. */
const RULES_ABOUT_COLOUR = ['color-contrast', 'link-in-text-block'];

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** `SCREENS=1` leaves pictures of all of them in test-results/screens, for people to look at. */
export function testAccessibility(screens: Screens): void {
  test.describe('on a small phone', () => {
    test.use({ viewport: SMALL_PHONE });
    for (const [screen, visit] of Object.entries(screens)) {
      test(`accessible in light and dark, and no wider than a small phone: ${screen}`, async ({ page }, testInfo) => {
        await visit(page);
        expect(await weightOf(page)).toBeLessThanOrEqual(HEAVIEST);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(SMALL_PHONE.width);
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
          expect(await violationsOn(page, colorScheme === 'light' ? undefined : RULES_ABOUT_COLOUR)).toEqual([]);
          if (process.env.SCREENS) {
            const name = `${screen.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase()}-${colorScheme}.png`;
            await page.screenshot({ path: join(testInfo.project.outputDir, 'screens', name), fullPage: true });
          }
        }
      });
    }
  });
}

/** What axe finds, by all of its rules or by these, and where. */
export async function violationsOn(page: Page, rules?: string[]): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in window))) {
    await page.evaluate(AXE);
  }
  const violations = await page.evaluate(async (only) => {
    const { axe: runner } = window as unknown as { axe: typeof axe };
    const found = await runner.run(document, { resultTypes: ['violations'], ...(only ? { runOnly: only } : {}) });
    return found.violations.map(({ id, nodes }) => ({ id, places: nodes.map(({ html }) => html) }));
  }, rules);
  return violations.map(({ id, places }) => `${id}: ${places.join(' | ')}`);
}

/** What came from a cache counts, too. */
function weightOf(page: Page): Promise<number> {
  return page.evaluate(() => {
    const loaded = ['navigation', 'resource'].flatMap((type) => performance.getEntriesByType(type));
    return loaded.reduce((sum, entry) => sum + (entry as PerformanceResourceTiming).decodedBodySize, 0);
  });
}
