import type { Page } from '@playwright/test';
import { testAccessibility } from './accessible.ts';
import { ISSUER } from './addresses.ts';
import { answerAt, approve, mailedLink, signIn, startSession, web } from './steps.ts';
import { expect, test } from './test.ts';

const PASSWORD = 'seven swans a-swimming';
const NEW_PASSWORD = 'eight maids a-milking';

/** Of a test's own: what is kept of one address is nothing for another. */
const newcomer = (name: string) => ({ name, email: `${name.toLowerCase()}-${Date.now()}@example.com` });

async function signUp(page: Page, { name, email }: { name: string; email: string }): Promise<void> {
  await page.getByTestId('sign-up').click();
  await page.getByTestId('name').fill(name);
  await page.getByTestId('email').fill(email);
  await page.getByTestId('new-password').fill(PASSWORD);
  await page.getByTestId('sign-up-submit').click();
  await expect(page.getByTestId('sent')).toBeVisible();
}

test('signing up leads through the mail back to the client', async ({ page }) => {
  const nora = newcomer('Nora');
  await page.goto(web.authorizationUrl({ state: 'kept', scope: 'openid profile' }));
  await signUp(page, nora);
  await page.goto(await mailedLink(nora.email));
  await expect(page.getByTestId('link-email')).toHaveText(nora.email);
  await page.getByTestId('link-submit').click();
  await approve(page);
  const answer = (await answerAt(page)).searchParams;
  expect([answer.get('state'), answer.has('code')]).toEqual(['kept', true]);
});

test('a forgotten password is replaced through the mail, and the new one leads on to the client', async ({ page }) => {
  const olga = newcomer('Olga');
  await page.goto(web.authorizationUrl());
  await signUp(page, olga);
  await page.goto(await mailedLink(olga.email));
  await page.getByTestId('link-submit').click();
  await page.context().clearCookies();
  await page.goto(web.authorizationUrl({ state: 'still there' }));
  await page.getByTestId('forgot-password').click();
  await page.getByTestId('email').fill(olga.email);
  await page.getByTestId('forgot-password-submit').click();
  await expect(page.getByTestId('sent')).toBeVisible();
  await page.goto(await mailedLink(olga.email, /new password/));
  await page.getByTestId('new-password').fill(NEW_PASSWORD);
  await page.getByTestId('link-submit').click();
  await expect(page.getByTestId('email')).toHaveValue(olga.email);
  await signIn(page, olga, NEW_PASSWORD);
  await approve(page);
  expect((await answerAt(page)).searchParams.get('state')).toBe('still there');
});

test('another browser is asked for the password, and ends at a page that helps', async ({ page, browser }) => {
  const petra = newcomer('Petra');
  await page.goto(web.authorizationUrl());
  await signUp(page, petra);
  const link = await mailedLink(petra.email);
  const phone = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
  await phone.goto(link);
  await phone.getByTestId('password').fill(PASSWORD);
  await phone.getByTestId('link-submit').click();
  await expect(phone.getByTestId('link-done')).toHaveAttribute('data-outcome', 'account');
  await phone.goto(link);
  await expect(phone.getByTestId('link-over')).toBeVisible();
  await phone.context().close();
});

testAccessibility({
  'sign-up': async (page) => {
    await page.goto(`${ISSUER}/sign-up`);
    await page.getByTestId('name').fill('Nora');
    await page.locator('form').evaluate((form: HTMLFormElement) => {
      form.noValidate = true;
    });
    await page.getByTestId('sign-up-submit').click();
    await expect(page.getByTestId('problem')).toBeVisible();
  },
  'forgot password': (page) => page.goto(`${ISSUER}/forgot-password`),
  'mailbox and link': async (page) => {
    const rita = newcomer('Rita');
    await page.goto(web.authorizationUrl());
    await signUp(page, rita);
    const link = await mailedLink(rita.email);
    await page.context().clearCookies();
    await page.goto(link);
  },
  mailbox: (page) => page.goto(`${ISSUER}/mailbox`),
  'change of email': async (page) => {
    await startSession(page);
    await page.goto(`${ISSUER}/account/email`);
    await expect(page.getByTestId('email-form')).toBeVisible();
  },
});
