import type { Page } from '@playwright/test';
import { PLAYGROUND } from './addresses.ts';
import { approve, signIn } from './steps.ts';
import { expect, test } from './test.ts';

const API_CALLS = { 'call-whoami': 200, 'call-records': 200, 'call-create-record': 201 };

/** Every grant of the first page, with the buttons that its result offers and the status that each is answered with. */
const GRANTS = {
  'authorization-code': {
    asks: true,
    calls: { ...API_CALLS, 'call-userinfo': 200, refresh: 200, introspect: 200, revoke: 200 },
  },
  spa: { asks: true, calls: { ...API_CALLS, 'call-userinfo': 200, refresh: 200, revoke: 200 } },
  'implicit-token': { asks: true, calls: { ...API_CALLS, revoke: 200 } },
  'implicit-id-token': { asks: true, calls: {} },
  'implicit-id-token-token': { asks: true, calls: { ...API_CALLS, 'call-userinfo': 200, revoke: 200 } },
  password: { asks: false, calls: { ...API_CALLS, refresh: 200, introspect: 200, revoke: 200 } },
  'client-credentials': { asks: false, calls: { ...API_CALLS, introspect: 200, revoke: 200 } },
} as const;

const BUTTONS = [...Object.keys(API_CALLS), 'call-userinfo', 'refresh', 'introspect', 'revoke'];

/** What each button calls: the answer on the page is the one to it, and not to the button before. */
const TARGETS: Readonly<Record<string, RegExp>> = {
  'call-whoami': /^GET .*\/whoami$/,
  'call-records': /^GET .*\/records$/,
  'call-create-record': /^POST .*\/records$/,
  'call-userinfo': /\/me$/,
  refresh: /\/token$/,
  introspect: /\/token\/introspection$/,
  revoke: /\/token\/revocation$/,
};

async function call(page: Page, button: string, status: number): Promise<void> {
  await page.getByTestId(button).click();
  await expect(page.getByTestId('api-target')).toHaveText(TARGETS[button] as RegExp);
  await expect(page.getByTestId('api-status')).toHaveText(String(status));
}

async function walk(page: Page, grant: string, asks: boolean): Promise<void> {
  await page.goto(PLAYGROUND);
  await page.getByTestId(`grant-${grant}`).click();
  if (asks) {
    await signIn(page);
    await approve(page);
  }
  await expect(page.getByTestId('result')).toHaveAttribute('data-state', 'done');
}

for (const [grant, { asks, calls }] of Object.entries(GRANTS)) {
  test(`${grant}: from the button to the tokens, and every call with them`, async ({ page }) => {
    await walk(page, grant, asks);
    expect(new URL(page.url()).search + new URL(page.url()).hash).toBe('');
    const offered = await Promise.all(BUTTONS.map((button) => page.getByTestId(button).isVisible()));
    expect(BUTTONS.filter((_button, index) => offered[index])).toEqual(Object.keys(calls));
    for (const [button, status] of Object.entries(calls)) {
      await call(page, button, status);
      await expect(page.getByTestId('answer-problem')).toBeHidden();
    }
    if ('revoke' in calls) {
      await call(page, 'call-whoami', 401);
    }
  });
}

test('a refreshed access token is another one, and works', async ({ page }) => {
  await walk(page, 'authorization-code', true);
  const before = (await page.getByTestId('result-access-token').textContent()) ?? '';
  await call(page, 'refresh', 200);
  await expect(page.getByTestId('result-access-token')).not.toHaveText(before);
  await page.getByTestId('call-whoami').click();
  await expect(page.getByTestId('api-response')).toContainText('"username": "alice@example.com"');
});

for (const grant of ['authorization-code', 'spa']) {
  test(`${grant}: signing out asks, and comes back here`, async ({ page }) => {
    await walk(page, grant, true);
    await page.getByTestId('sign-out').click();
    await page.getByTestId('sign-out-confirm').click();
    await expect(page).toHaveURL(`${PLAYGROUND}/`);
    await page.getByTestId(`grant-${grant}`).click();
    await expect(page.getByTestId('password')).toBeVisible();
  });

  test(`${grant}: a denial is told in the server’s words`, async ({ page }) => {
    await page.goto(PLAYGROUND);
    await page.getByTestId(`grant-${grant}`).click();
    await signIn(page);
    await page.getByTestId('consent-deny').click();
    await expect(page.getByTestId('result')).toHaveAttribute('data-state', 'failed');
    await expect(page.getByTestId('result-problem-error')).toHaveText('access_denied');
  });
}

test('a wrong password at the password grant is told, and the page works on', async ({ page }) => {
  await page.goto(PLAYGROUND);
  await page.getByTestId('password-password').fill('not-my-password');
  await page.getByTestId('grant-password').click();
  await expect(page.getByTestId('result-problem-error')).toHaveText('invalid_grant');
  await walk(page, 'password', false);
});
