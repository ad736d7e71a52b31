import { ISSUER, PLAYGROUND } from './addresses.ts';
import { answerAt, signInAndApprove, web } from './steps.ts';
import { expect, test } from './test.ts';

const SIGN_OUT = `${ISSUER}/session/end`;
const BACK = new URLSearchParams({
  client_id: 'demo-web',
  post_logout_redirect_uri: `${PLAYGROUND}/`,
  state: 'after the end',
});

test.beforeEach(async ({ page }) => {
  await signInAndApprove(page, web.authorizationUrl());
  await answerAt(page);
});

test('C66: signing out is confirmed, and the next request asks for the password', async ({ page }) => {
  await page.goto(SIGN_OUT);
  await page.getByTestId('sign-out-confirm').click();
  await expect(page.getByTestId('signed-out')).toBeVisible();
  await page.goto(web.authorizationUrl());
  await expect(page.getByTestId('password')).toBeVisible();
});

test('who stays signed in is told so, and is', async ({ page }) => {
  await page.goto(SIGN_OUT);
  await page.getByTestId('sign-out-cancel').click();
  await expect(page.getByTestId('still-signed-in')).toBeVisible();
  await page.goto(web.authorizationUrl({ prompt: 'none' }));
  expect((await answerAt(page)).searchParams.has('code')).toBe(true);
});

test('C68: leads back to the client that asked, with its state', async ({ page }) => {
  await page.goto(`${SIGN_OUT}?${BACK}`);
  await expect(page.getByTestId('sign-out-client')).toHaveText('Demo web app');
  await page.getByTestId('sign-out-confirm').click();
  await page.waitForURL((url) => url.origin === PLAYGROUND);
  expect(new URL(page.url()).searchParams.get('state')).toBe('after the end');
});

test('C68: never leads to an address that the client has not registered', async ({ page }) => {
  const elsewhere = new URLSearchParams({
    ...Object.fromEntries(BACK),
    post_logout_redirect_uri: 'https://evil.example/',
  });
  const response = await page.goto(`${SIGN_OUT}?${elsewhere}`);
  expect(response?.status()).toBe(400);
  await expect(page.getByTestId('error-words')).toBeVisible();
  expect(page.url()).toContain(ISSUER);
});
