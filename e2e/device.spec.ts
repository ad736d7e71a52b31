import type { Page } from '@playwright/test';
import { postForm } from '../src/testing/relying-party.ts';
import { testAccessibility } from './accessible.ts';
import { ISSUER, PLAYGROUND } from './addresses.ts';
import { startAttacker } from './servers/attacker.ts';
import { approve, signIn, startSession } from './steps.ts';
import { expect, test } from './test.ts';

const TELEVISION = { clientId: 'demo-device' };

async function ask(): Promise<Record<string, string>> {
  const { body } = await postForm(`${ISSUER}/device/auth`, { scope: 'openid profile records:read' }, TELEVISION);
  return body as Record<string, string>;
}

async function poll({ device_code }: Record<string, string>) {
  const grant_type = 'urn:ietf:params:oauth:grant-type:device_code';
  const { body } = await postForm(`${ISSUER}/token`, { grant_type, device_code }, TELEVISION);
  return body;
}

async function type(page: Page, code = '') {
  await page.goto(`${ISSUER}/device`);
  await page.getByTestId('user-code').fill(code);
  await page.getByTestId('device-submit').click();
}

test('a code that is typed carelessly leads through sign-in and consent to a connected device', async ({ page }) => {
  const device = await ask();
  await type(page, device.user_code?.toLowerCase().replace('-', ' '));
  await expect(page.getByTestId('device-code')).toHaveText(device.user_code ?? '');
  await expect(page.getByTestId('device-client')).toHaveText('Demo television');
  await page.getByTestId('device-confirm').click();
  await signIn(page);
  await expect(page.getByTestId('consent-device')).toBeVisible();
  await approve(page);
  await expect(page.getByTestId('device-connected')).toBeVisible();
  expect(await poll(device)).toMatchObject({ token_type: 'Bearer', scope: 'openid profile records:read' });
});

test('the address with the code shows it for comparison, and the keyboard is enough for the rest', async ({ page }) => {
  const device = await ask();
  await page.goto(device.verification_uri_complete ?? '');
  await expect(page.getByTestId('device-code')).toHaveText(device.user_code ?? '');
  await page.getByTestId('device-confirm').focus();
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('email')).toBeFocused();
  await page.keyboard.type('alice@example.com');
  await page.keyboard.press('Tab');
  await page.keyboard.type('correct-horse-battery-staple');
  await page.keyboard.press('Enter');
  await page.getByTestId('consent-approve').focus();
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('device-connected')).toBeVisible();
});

test('who says no, at whichever step, gives the device nothing', async ({ page }) => {
  const [atOnce, atSignIn] = [await ask(), await ask()];
  await type(page, atOnce.user_code);
  await page.getByTestId('device-deny').click();
  await expect(page.getByTestId('device-denied')).toBeVisible();
  await type(page, atSignIn.user_code);
  await page.getByTestId('device-confirm').click();
  await page.getByTestId('sign-in-cancel').click();
  await expect(page.getByTestId('device-denied')).toBeVisible();
  for (const device of [atOnce, atSignIn]) {
    expect(await poll(device)).toMatchObject({ error: 'access_denied' });
  }
});

test('a wrong code is told, and the field keeps it and has the focus', async ({ page }) => {
  await type(page, 'wdjb-mjht');
  await expect(page.getByTestId('device-problem')).toContainText('don’t know that code');
  await expect(page.getByTestId('user-code')).toHaveValue('wdjb-mjht');
  await expect(page.getByTestId('user-code')).toBeFocused();
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });
  test('a device is connected all the same, and the playground’s television finds out by its button', async ({
    page,
  }) => {
    await page.goto(PLAYGROUND);
    await page.getByTestId('grant-device').click();
    const link = await page.getByTestId('verification-uri-complete').getAttribute('href');
    await page.goto(link ?? '');
    await page.getByTestId('device-confirm').click();
    await signIn(page);
    await approve(page);
    await expect(page.getByTestId('device-connected')).toBeVisible();
    await page.goto(`${PLAYGROUND}/flows/device`);
    await page.getByTestId('device-poll').click();
    await expect(page.getByTestId('result')).toHaveAttribute('data-state', 'done');
  });
});

test('the playground’s television shows a code and a picture of it, and goes on by itself', async ({
  page,
  context,
}) => {
  await page.goto(PLAYGROUND);
  await page.getByTestId('grant-device').click();
  await expect(page.getByTestId('qr-code').locator('svg')).toBeVisible();
  const code = await page.getByTestId('user-code').textContent();
  const phone = await context.newPage();
  await type(phone, code ?? '');
  await phone.getByTestId('device-confirm').click();
  await signIn(phone);
  await approve(phone);
  await expect(page.getByTestId('result')).toHaveAttribute('data-state', 'done', { timeout: 15_000 });
});

test('C53: the pages of a device refuse to be framed', async ({ page }) => {
  const { verification_uri_complete = '' } = await ask();
  for (const url of [`${ISSUER}/device`, verification_uri_complete]) {
    const attacker = await startAttacker(`<iframe src="${url}"></iframe>`);
    await page.goto(attacker.pageAt('localhost'));
    expect(page.mainFrame().childFrames()[0]?.url()).toBe('chrome-error://chromewebdata/');
    attacker.stop();
  }
});

testAccessibility({
  'the field for the code': (page) => page.goto(`${ISSUER}/device`),
  'a wrong code': (page) => type(page, 'wdjb-mjht'),
  'the question': async (page) => page.goto((await ask()).verification_uri_complete ?? ''),
  async 'the end'(page) {
    await startSession(page);
    await page.goto((await ask()).verification_uri_complete ?? '');
    await page.getByTestId('device-confirm').click();
    await approve(page);
    await expect(page.getByTestId('device-connected')).toBeVisible();
  },
  async 'the other end'(page) {
    await page.goto((await ask()).verification_uri_complete ?? '');
    await page.getByTestId('device-deny').click();
    await expect(page.getByTestId('device-denied')).toBeVisible();
  },
  async 'the television'(page) {
    await page.goto(PLAYGROUND);
    await page.getByTestId('grant-device').click();
    await expect(page.getByTestId('device')).toBeVisible();
  },
});
