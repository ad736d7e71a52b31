import { readFile } from 'node:fs/promises';
import type { Browser, Page } from '@playwright/test';
import { createPkce, tokensOf } from '../src/testing/relying-party.ts';
import { testAccessibility } from './accessible.ts';
import { ISSUER } from './addresses.ts';
import { ACCOUNT_HOLDERS } from './directory.ts';
import { answerAt, approve, type Person, signIn, startSession, web } from './steps.ts';
import { expect, test } from './test.ts';

const [CORA, LEE, KAY] = ACCOUNT_HOLDERS as [Person, Person, Person];

async function openConsole(page: Page, path = '', person: Person = CORA) {
  await startSession(page, person);
  await page.goto(`${ISSUER}/account${path}`);
  await expect(page.getByTestId('account-email')).toHaveText(person.email);
}

testAccessibility({
  'account: overview': (page) => openConsole(page),
  async 'account: profile, refused'(page) {
    await openConsole(page, '/profile');
    await page.getByTestId('birthdate').fill('yesterday');
    await page.getByTestId('profile-save').click();
    await expect(page.getByTestId('profile-problem')).toBeVisible();
  },
  async 'account: sessions'(page) {
    const elsewhere = await newPage(page.context().browser());
    await openConsole(elsewhere);
    await elsewhere.context().close();
    await openConsole(page, '/sessions');
    await page.getByTestId('end-others').click();
  },
  'account: activity': (page) => openConsole(page, '/activity'),
  'account: data': (page) => openConsole(page, '/data'),
  async 'account: deletion, refused'(page) {
    await openConsole(page, '/data/delete');
    await page.getByTestId('confirm-email').fill('somebody@example.com');
    await page.getByTestId('delete-confirm').click();
    await expect(page.getByTestId('delete-problem')).toBeVisible();
  },
});

test('a browser that is signed out from another one has to sign in again', async ({ browser, page }) => {
  await openConsole(page, '', LEE);
  const elsewhere = await newPage(browser);
  await openConsole(elsewhere, '/sessions', LEE);
  await expect(elsewhere.getByTestId('session')).toHaveCount(2);
  await expect(elsewhere.getByTestId('session').filter({ has: elsewhere.getByTestId('this-session') })).toHaveCount(1);
  await elsewhere.getByTestId('end-session').click();
  await expect(elsewhere.getByTestId('said')).toBeVisible();
  await expect(elsewhere.getByTestId('no-other-sessions')).toBeVisible();
  await page.reload();
  await expect(page.getByTestId('sign-in-form')).toBeVisible();
  await elsewhere.context().close();
});

test('what somebody says of themselves is what apps are told', async ({ page }) => {
  await openConsole(page, '/profile', LEE);
  await page.getByTestId('name').fill('Lee the Lucky');
  await page.getByTestId('zoneinfo').selectOption('Asia/Tokyo');
  await page.getByTestId('profile-save').click();
  await expect(page.getByTestId('said')).toHaveText('Your profile is saved.');
  const pkce = createPkce();
  await page.goto(web.authorizationUrl({ scope: 'openid profile' }, pkce));
  await approve(page);
  const code = (await answerAt(page)).searchParams.get('code') ?? '';
  const { access_token } = tokensOf(await web.exchange({ code, verifier: pkce.verifier }));
  const userinfo = await fetch(`${ISSUER}/me`, { headers: { authorization: `Bearer ${access_token}` } });
  expect(await userinfo.json()).toMatchObject({ name: 'Lee the Lucky', zoneinfo: 'Asia/Tokyo' });
});

test('the whole console by keyboard: through its pages to a copy of all data', async ({ page }) => {
  await openConsole(page);
  for (const section of ['profile', 'sessions', 'activity', 'data']) {
    await page.getByTestId(`nav-${section}`).focus();
    await page.keyboard.press('Enter');
    await expect(page.getByTestId(`nav-${section}`)).toHaveAttribute('aria-current', 'page');
  }
  await tabTo(page, 'export');
  const download = page.waitForEvent('download');
  await page.keyboard.press('Enter');
  const copy = JSON.parse(await readFile(await (await download).path(), 'utf8'));
  expect(copy.account).toMatchObject({ email: CORA.email, name: CORA.name });
});

test('an account that is deleted is gone, and everywhere signed out', async ({ browser, page }) => {
  const elsewhere = await newPage(browser);
  await openConsole(elsewhere, '', KAY);
  await openConsole(page, '/data', KAY);
  await page.getByTestId('delete-account').click();
  await page.getByTestId('confirm-email').fill(KAY.email);
  await page.getByTestId('delete-confirm').click();
  await expect(page.getByTestId('account-deleted')).toBeVisible();
  await elsewhere.reload();
  await signIn(elsewhere, KAY);
  await expect(elsewhere.getByTestId('sign-in-problem')).toBeVisible();
  await elsewhere.context().close();
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('the console works: a profile is saved, the other sessions end', async ({ page }) => {
    await openConsole(page, '/profile');
    await page.getByTestId('nickname').fill('Cor');
    await page.getByTestId('profile-save').click();
    await expect(page.getByTestId('said')).toBeVisible();
    await page.goto(`${ISSUER}/account/sessions`);
    await page.getByTestId('end-others').click();
    await page.getByTestId('end-others-confirm').click();
    await expect(page.getByTestId('no-other-sessions')).toBeVisible();
  });
});

async function newPage(browser: Browser | null): Promise<Page> {
  const context = await browser?.newContext();
  if (context === undefined) {
    throw new Error('there is no browser');
  }
  return context.newPage();
}

/** By the tab key alone, as far as it takes. */
async function tabTo(page: Page, testId: string): Promise<void> {
  const target = page.getByTestId(testId);
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press('Tab');
    if (await target.evaluate((element) => element === document.activeElement)) {
      return;
    }
  }
  throw new Error(`the tab key does not lead to ${testId}`);
}
