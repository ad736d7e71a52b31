import type { Page } from '@playwright/test';
import { ISSUER } from './addresses.ts';
import { RESOLVED } from './directory.ts';
import { ALICE, answerAt, signIn, web } from './steps.ts';
import { expect, test } from './test.ts';

const SIGN_IN = { en: 'Sign in', de: 'Anmelden', ja: 'サインイン', 'pt-BR': 'Entrar' };

const [, FINN = ALICE] = RESOLVED;
const PHONE = 320;
const overflow = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);

test.describe('on a small phone, of somebody who reads German', () => {
  test.use({ viewport: { width: PHONE, height: 640 }, locale: 'de-AT' });

  test('a sign-in speaks the language of the browser, or the one that the client asks for', async ({ page }) => {
    await page.goto(web.authorizationUrl());
    await expect(page.locator('h1')).toHaveText(SIGN_IN.de);
    for (const [language, words] of Object.entries(SIGN_IN)) {
      await page.goto(web.authorizationUrl({ ui_locales: `tlh ${language}` }));
      await expect(page.locator('html')).toHaveAttribute('lang', language);
      await expect(page.locator('h1')).toHaveText(words);
      await expect(page.getByTestId('sign-in-submit')).toBeVisible();
      expect(await overflow(page), language).toBeLessThanOrEqual(0);
    }
  });

  test('so do the pages that come after it, as narrow as they are', async ({ page }) => {
    await page.goto(
      web.authorizationUrl({ prompt: 'consent', scope: 'openid profile email offline_access blobs:write' }),
    );
    await signIn(page, FINN, 'not-my-password');
    await expect(page.getByTestId('sign-in-problem')).toHaveText(/Passwort/);
    await signIn(page, FINN);
    await expect(page.getByTestId('consent-approve')).toHaveText('Erlauben');
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    await page.getByTestId('consent-approve').click();
    expect((await answerAt(page)).searchParams.has('code')).toBe(true);
  });
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false, locale: 'de' });

  test('another language is chosen at the foot of a page, which stays where it was', async ({ page }) => {
    await page.goto(web.authorizationUrl({ ui_locales: 'ja', state: 'kept' }));
    await expect(page.locator('h1')).toHaveText(SIGN_IN.ja);
    const before = page.url();
    await page.getByTestId('languages').getByRole('link', { name: 'Português (Brasil)' }).click();
    await expect(page.locator('h1')).toHaveText(SIGN_IN['pt-BR']);
    expect(page.url()).toBe(before);
    await signIn(page);
    await expect(page.getByTestId('consent-approve')).toHaveText('Permitir');
    await page.getByTestId('consent-approve').click();
    expect((await answerAt(page)).searchParams.get('state')).toBe('kept');
    // And it counts from now on.
    await page.goto(web.authorizationUrl({ ui_locales: 'ja', prompt: 'login' }));
    await expect(page.locator('h1')).toHaveText(SIGN_IN['pt-BR']);
  });
});

/** What stands where it does for a reason of its own, and not because of the words beside it. */
const PLACED =
  '.mark, .avatar, .bell, .field, .actions > *, .button, .choice input, .side, .page main, .page-head .brand';

test.describe('from right to left', () => {
  const edgesOf = (page: Page) =>
    page.evaluate((selector) => {
      const shown = [...document.querySelectorAll(selector)].map((one) => one.getBoundingClientRect());
      return shown.filter(({ width }) => width > 0).map(({ left, right }) => [left, right]);
    }, PLACED);

  async function expectMirrored(page: Page): Promise<void> {
    for (const width of [PHONE, 1100]) {
      await page.setViewportSize({ width, height: 700 });
      const usual = await edgesOf(page);
      await page.evaluate(() => document.documentElement.setAttribute('dir', 'rtl'));
      expect(await overflow(page)).toBeLessThanOrEqual(0);
      const mirrored = (await edgesOf(page)).map(([left = 0, right = 0]) => [width - right, width - left]);
      expect(usual.length).toBeGreaterThan(2);
      for (const [index, edges] of usual.entries()) {
        for (const side of [0, 1]) {
          expect(Math.abs((mirrored[index]?.[side] ?? Number.NaN) - (edges[side] ?? 0)), `${index}`).toBeLessThan(1);
        }
      }
      await page.evaluate(() => document.documentElement.setAttribute('dir', 'ltr'));
    }
  }

  test('a page is its mirror, and no wider', async ({ page }) => {
    await page.goto(web.authorizationUrl({ prompt: 'consent' }));
    await expectMirrored(page);
    await signIn(page);
    await expect(page.getByTestId('consent-form')).toBeVisible();
    await expectMirrored(page);
    await page.goto(`${ISSUER}/account/sessions`);
    await expect(page.locator('.page')).toBeVisible();
    await expectMirrored(page);
  });
});
