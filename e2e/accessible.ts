import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, test } from './test.ts';

/** Each screen, with the way there in a fresh browser. */
export type Screens = Readonly<Record<string, (page: Page) => Promise<unknown>>>;

const SMALL_PHONE = { width: 360, height: 740 };

export function testAccessibility(screens: Screens): void {
  test.describe('on a small phone', () => {
    test.use({ viewport: SMALL_PHONE });
    for (const [screen, visit] of Object.entries(screens)) {
      test(`accessible in light and dark, and no wider than a small phone: ${screen}`, async ({ page }) => {
        await visit(page);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(SMALL_PHONE.width);
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
          const { violations } = await new AxeBuilder({ page }).analyze();
          expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`)).toEqual([]);
        }
      });
    }
  });
}
