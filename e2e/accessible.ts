import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, test } from './test.ts';

/** Each screen, with the way there in a fresh browser. */
export type Screens = Readonly<Record<string, (page: Page) => Promise<unknown>>>;

/** WCAG 2.2 1.4.10: no scrolling in two directions at the width of 320 pixels. */
const SMALL_PHONE = { width: 320, height: 640 };

/** Bytes, before any compression, with everything that the page loads. */
const HEAVIEST = 60_000;

/** Pictures of all of them stay in test-results/screens, for people to look at. */
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
          const { violations } = await rulesFor(page, colorScheme).analyze();
          expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`)).toEqual([]);
          const name = `${screen.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase()}-${colorScheme}.png`;
          await page.screenshot({ path: join(testInfo.project.outputDir, 'screens', name), fullPage: true });
        }
      });
    }
  });
}

/**
 * All of them once; the other scheme differs in its colours and in nothing else. The legacy mode opens no second page to put
 * the findings of frames together: these pages have none.
 */
function rulesFor(page: Page, colorScheme: 'light' | 'dark'): AxeBuilder {
  const axe = new AxeBuilder({ page }).setLegacyMode(true);
  return colorScheme === 'light' ? axe : axe.withRules(['color-contrast', 'link-in-text-block']);
}

/** What came from a cache counts, too. */
function weightOf(page: Page): Promise<number> {
  return page.evaluate(() => {
    const loaded = ['navigation', 'resource'].flatMap((type) => performance.getEntriesByType(type));
    return loaded.reduce((sum, entry) => sum + (entry as PerformanceResourceTiming).decodedBodySize, 0);
  });
}
