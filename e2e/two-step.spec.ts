import type { Page } from '@playwright/test';
import { decodeJwt } from 'jose';
import { createPkce } from '../src/testing/relying-party.ts';
import { App } from '../src/testing/second-factors.ts';
import { testAccessibility } from './accessible.ts';
import { ISSUER } from './addresses.ts';
import { answerAt, approve, signIn, startSession, web } from './steps.ts';
import { expect, test } from './test.ts';

const TIM = { email: 'tim@example.com' };

const appOn = async (page: Page) => new App((await page.getByTestId('totp-key').textContent()) ?? '');

/** Scans the picture, so to speak, and types the code that the app shows. */
async function setUp(page: Page, submit: string): Promise<App> {
  const app = await appOn(page);
  await page.getByTestId('code').fill(app.code());
  await page.getByTestId(submit).click();
  return app;
}

async function turnOn(page: Page, person: { email: string }) {
  await startSession(page, person);
  await page.goto(`${ISSUER}/account/two-step/app`);
  const app = await setUp(page, 'app-submit');
  const codes = await page.getByTestId('recovery-codes').getByRole('listitem').allTextContents();
  return { app, codes };
}

/** Another browser of the same person. */
const forgetSignIn = (page: Page) => page.context().clearCookies();

async function claimsAt(page: Page, pkce: ReturnType<typeof createPkce>) {
  const answer = await answerAt(page);
  const { body } = await web.exchange({ code: answer.searchParams.get('code') ?? '', verifier: pkce.verifier });
  const { acr, amr } = decodeJwt(String(body.id_token));
  return { acr, amr };
}

test('an app is set up in the console, and its code asked for after the password', async ({ page }) => {
  const { app, codes } = await turnOn(page, { email: 'tom@example.com' });
  expect(codes).toHaveLength(10);
  await page.getByTestId('codes-kept').click();
  await expect(page.getByTestId('recovery-left')).toHaveText('10 left');
  await forgetSignIn(page);
  const pkce = createPkce();
  await page.goto(web.authorizationUrl({ scope: 'openid' }, pkce));
  await signIn(page, { email: 'tom@example.com' });
  await expect(page).toHaveTitle('Two-step verification · Concierge');
  await expect(page.getByTestId('code')).toBeFocused();
  await page.keyboard.type('000000');
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('second-step-problem')).toBeVisible();
  await expect(page.getByTestId('code')).toBeFocused();
  await page.keyboard.type(app.code(1));
  await page.keyboard.press('Enter');
  await approve(page);
  expect(await claimsAt(page, pkce)).toEqual({ acr: 'mfa', amr: ['pwd', 'otp', 'mfa'] });
});

test('whoever has lost the phone gets in with a recovery code, and can turn the app off', async ({ page }) => {
  const { codes } = await turnOn(page, { email: 'tess@example.com' });
  await forgetSignIn(page);
  await page.goto(`${ISSUER}/account/two-step`);
  await signIn(page, { email: 'tess@example.com' });
  await page.getByTestId('recovery').locator('summary').click();
  await page.getByTestId('recovery-code').fill(codes[3] ?? '');
  await page.getByTestId('recovery-submit').click();
  await expect(page.getByTestId('recovery-left')).toHaveText('9 left');
  await page.getByTestId('remove-app').click();
  await page.getByTestId('confirm-remove-app').click();
  await expect(page.getByTestId('said')).toHaveText('The authenticator app is removed.');
  await expect(page.getByTestId('set-up-app')).toBeVisible();
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('whoever must have a second factor sets one up on the way to the client', async ({ page }) => {
    await page.goto(web.authorizationUrl({ scope: 'openid' }));
    await signIn(page, { email: 'carl@example.com' });
    await expect(page.getByTestId('totp-qr').locator('svg')).toBeVisible();
    await setUp(page, 'set-up-submit');
    const codes = await page.getByTestId('recovery-codes').getByRole('listitem').allTextContents();
    await page.getByTestId('set-up-done').click();
    await approve(page);
    expect((await answerAt(page)).searchParams.has('code')).toBe(true);
    await forgetSignIn(page);
    await page.goto(web.authorizationUrl({ scope: 'openid' }));
    await signIn(page, { email: 'carl@example.com' });
    await page.getByTestId('recovery').locator('summary').click();
    await page.getByTestId('recovery-code').fill(codes[0] ?? '');
    await page.getByTestId('recovery-submit').click();
    await expect(page.getByTestId('consent-form')).toBeVisible();
  });
});

testAccessibility({
  'set up a second factor': async (page) => {
    await page.goto(web.authorizationUrl({ scope: 'openid' }));
    await signIn(page, { email: 'cleo@example.com' });
    await page.locator('details.more summary').click();
    await expect(page.getByTestId('totp-key')).toBeVisible();
  },
  'recovery codes': async (page) => {
    await page.goto(web.authorizationUrl({ scope: 'openid' }));
    await signIn(page, { email: 'cyra@example.com' });
    await setUp(page, 'set-up-submit');
    await expect(page.getByTestId('recovery-codes')).toBeVisible();
  },
  'an app in the console, and the second step with a wrong code': async (page) => {
    await turnOn(page, TIM);
    await page.getByTestId('codes-kept').click();
    await forgetSignIn(page);
    await page.goto(web.authorizationUrl({ scope: 'openid' }));
    await signIn(page, TIM);
    await page.getByTestId('code').fill('000000');
    await page.getByTestId('second-step-submit').click();
    await page.getByTestId('recovery').locator('summary').click();
    await expect(page.getByTestId('second-step-problem')).toBeVisible();
  },
});
