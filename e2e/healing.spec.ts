import type { Browser, Page } from '@playwright/test';
import { testAccessibility } from './accessible.ts';
import { ISSUER } from './addresses.ts';
import { ALICE, answerAt, approve, GUEST, signIn, web } from './steps.ts';
import { expect, test } from './test.ts';

/** The address of a sign-in page, as somebody bookmarks it. */
async function bookmark(browser: Browser): Promise<string> {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(web.authorizationUrl({ state: 'bookmarked' }));
  const address = page.url();
  await context.close();
  return address;
}

async function hasAnswer(page: Page, state: string) {
  const { searchParams } = await answerAt(page);
  expect(searchParams.get('state')).toBe(state);
  expect(searchParams.has('code')).toBe(true);
}

/** Alice looks at a consent page; the guest signs in in another tab of her browser. */
async function takenOver(page: Page) {
  await page.goto(web.authorizationUrl({ state: 'of alice', prompt: 'consent' }));
  await signIn(page);
  await expect(page.getByTestId('consent-form')).toBeVisible();
  const other = await page.context().newPage();
  await other.goto(web.authorizationUrl({ prompt: 'login' }));
  await signIn(other, GUEST);
  await expect(other.getByTestId('consent-form')).toBeVisible();
  await other.close();
}

test('C52: the Back button after the answer leads to the client once more', async ({ page }) => {
  await page.goto(web.authorizationUrl({ state: 'back' }));
  await signIn(page);
  await approve(page);
  const first = (await answerAt(page)).searchParams.get('code');
  await page.goBack();
  await hasAnswer(page, 'back');
  expect(new URL(page.url()).searchParams.get('code')).not.toBe(first);
});

test('C54: who had the page goes on as herself, whoever has signed in since', async ({ page }) => {
  await takenOver(page);
  await approve(page);
  await expect(page.getByTestId('other-account-current')).toHaveText(GUEST.email);
  await page.getByTestId('other-account-sign-in').click();
  await expect(page.getByTestId('email')).toHaveValue(ALICE.email);
  await signIn(page);
  await expect(page.getByTestId('consent-form')).toBeVisible();
  await expect(page.locator('main')).toContainText(ALICE.email);
  await approve(page);
  await hasAnswer(page, 'of alice');
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('C52: a bookmarked sign-in page signs in', async ({ page, browser }) => {
    await page.goto(await bookmark(browser));
    await signIn(page);
    await approve(page);
    await hasAnswer(page, 'bookmarked');
  });

  test('C52: cookies that are gone cost the password, and what was typed stays', async ({ page }) => {
    await page.goto(web.authorizationUrl({ state: 'cleared' }));
    await page.context().clearCookies();
    await signIn(page);
    await expect(page.getByTestId('email')).toHaveValue(ALICE.email);
    await expect(page.getByTestId('password')).toHaveValue('');
    await signIn(page);
    await approve(page);
    await hasAnswer(page, 'cleared');
  });
});

testAccessibility({
  'cookies are needed': async (page) => {
    const first = await bookmark(page.context().browser() as Browser);
    await page.goto(first);
    const second = page.url();
    await page.context().clearCookies();
    await page.goto(second);
    await expect(page.getByTestId('error-code')).toHaveText('cookies_needed');
    await expect(page.getByTestId('error-again')).toBeVisible();
  },
  'somebody else is signed in': async (page) => {
    await takenOver(page);
    await page.reload();
    await expect(page.getByTestId('other-account')).toBeVisible();
  },
  'an error for the developer of an app': async (page) => {
    const request = new URLSearchParams({
      client_id: 'demo-web',
      response_type: 'code',
      redirect_uri: 'http://127.0.0.1:3002/callback/',
      scope: 'openid everything',
      code_challange: 'x',
    });
    const response = await page.goto(`${ISSUER}/auth?${request}`);
    expect(response?.status()).toBe(400);
    await expect(page.getByTestId('error-words')).toBeVisible();
    await expect(page.getByTestId('error-client-home')).toBeVisible();
    await expect(page.getByTestId('finding-redirect_uri').locator('mark').first()).toBeVisible();
    await expect(page.getByTestId('finding-code_challange')).toContainText('code_challenge');
    await expect(page.getByTestId('error-fix')).toContainText('redirect_uris');
    await expect(page.getByTestId('error-audit-id')).toHaveText(/^[0-9a-f-]{36}$/);
  },
});
