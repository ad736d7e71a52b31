import { createRelyingParty, DEMO_SPA } from '../src/testing/relying-party.ts';
import { ISSUER } from './addresses.ts';
import { answerAt, approve, signInAndApprove, web } from './steps.ts';
import { expect, test } from './test.ts';

const spa = createRelyingParty(ISSUER, DEMO_SPA);

test.beforeEach(async ({ page }) => {
  await signInAndApprove(page, web.authorizationUrl({ scope: 'openid profile' }));
  await answerAt(page);
});

test('a second client gets its code without a second password, and with a consent of its own', async ({ page }) => {
  await page.goto(spa.authorizationUrl());
  await expect(page.getByTestId('consent-client')).toHaveText('Demo single-page app');
  await approve(page);
  expect((await answerAt(page, '/spa/callback')).searchParams.has('code')).toBe(true);
});

test('the same request again asks nothing at all, and more scopes ask for consent alone', async ({ page }) => {
  await page.goto(web.authorizationUrl({ scope: 'openid profile' }));
  expect((await answerAt(page)).searchParams.has('code')).toBe(true);
  await page.goto(web.authorizationUrl({ scope: 'openid profile records:read' }));
  await expect(page.getByTestId('consent-form')).toBeVisible();
});

test('C14: prompt=none finds the session, prompt=login asks for the password all the same', async ({ page }) => {
  await page.goto(web.authorizationUrl({ scope: 'openid profile', prompt: 'none' }));
  expect((await answerAt(page)).searchParams.has('code')).toBe(true);
  await page.goto(web.authorizationUrl({ scope: 'openid profile', prompt: 'login' }));
  await expect(page.getByTestId('password')).toBeVisible();
});

test('another browser knows nothing of it', async ({ browser }) => {
  const page = await browser.newPage();
  await page.goto(web.authorizationUrl({ prompt: 'none', state: 'elsewhere' }));
  const answer = (await answerAt(page)).searchParams;
  expect([answer.get('error'), answer.get('state')]).toEqual(['login_required', 'elsewhere']);
  await page.close();
});
