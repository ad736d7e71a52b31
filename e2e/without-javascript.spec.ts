import { PLAYGROUND } from './addresses.ts';
import { answerAt, approve, signIn, signInAndApprove, web } from './steps.ts';
import { expect, test } from './test.ts';

test.use({ javaScriptEnabled: false });

test('signing in and approving works', async ({ page }) => {
  await signInAndApprove(page, web.authorizationUrl());
  expect((await answerAt(page)).searchParams.has('code')).toBe(true);
  await expect(page.getByTestId('unasked-state')).toHaveText('a-state');
});

test('a wrong password, a denial and signing out work', async ({ page }) => {
  await page.goto(web.authorizationUrl());
  await signIn(page, undefined, 'not-my-password');
  await expect(page.getByTestId('sign-in-problem')).toBeVisible();
  await signIn(page);
  await page.getByTestId('consent-deny').click();
  expect((await answerAt(page)).searchParams.get('error')).toBe('access_denied');
  await page.goto('http://localhost:3000/session/end');
  await page.getByTestId('sign-out-confirm').click();
  await expect(page.getByTestId('signed-out')).toBeVisible();
});

test('the playground’s server-side grants work', async ({ page }) => {
  await page.goto(PLAYGROUND);
  await page.getByTestId('grant-authorization-code').click();
  await signIn(page);
  await approve(page);
  await page.getByTestId('call-records').click();
  await expect(page.getByTestId('api-status')).toHaveText('200');
});
