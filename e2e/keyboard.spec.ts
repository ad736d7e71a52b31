import type { Page } from '@playwright/test';
import { DEMO_PASSWORD } from '../src/testing/user-agent.ts';
import { ALICE, answerAt, web } from './steps.ts';
import { expect, test } from './test.ts';

/** Tab until the element with this test id has the focus; a keyboard trap ends in a failure. */
async function tabTo(page: Page, testId: string): Promise<void> {
  for (let presses = 0; presses < 15; presses += 1) {
    await page.keyboard.press('Tab');
    if (await page.getByTestId(testId).evaluate((element) => element === document.activeElement)) {
      return;
    }
  }
  throw new Error(`Tab never reaches ${testId}`);
}

test('signing in and approving takes a keyboard and nothing else', async ({ page }) => {
  await page.goto(web.authorizationUrl());
  await expect(page.getByTestId('email')).toBeFocused();
  await page.keyboard.type(ALICE.email);
  await page.keyboard.press('Tab');
  await page.keyboard.type(DEMO_PASSWORD);
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('consent-form')).toBeVisible();
  await tabTo(page, 'consent-approve');
  await page.keyboard.press('Enter');
  expect((await answerAt(page)).searchParams.has('code')).toBe(true);
});

test('every way out is reached with Tab, and the focus is seen', async ({ page }) => {
  await page.goto(web.authorizationUrl());
  await tabTo(page, 'sign-in-submit');
  await tabTo(page, 'sign-in-cancel');
  const outline = await page.getByTestId('sign-in-cancel').evaluate((button) => getComputedStyle(button).outlineStyle);
  expect(outline).not.toBe('none');
  await page.keyboard.press('Space');
  expect((await answerAt(page)).searchParams.get('error')).toBe('access_denied');
});
