/** Apps with access, and personal access tokens, in the account console. */
import type { Page } from '@playwright/test';
import { createRelyingParty, DEMO_WEB, introspect } from '../src/testing/relying-party.ts';
import { testAccessibility } from './accessible.ts';
import { ISSUER, PLAYGROUND, RESOURCE_API } from './addresses.ts';
import { OWNERS } from './directory.ts';
import { ADMIN, ALICE, approve, type Person, signInAndApprove, startSession, web } from './steps.ts';
import { expect, test } from './test.ts';

const [ANN = ALICE, BEN = ALICE, CEM = ALICE, DEE = ALICE] = OWNERS;
const SCOPE = 'openid profile records:read records:write';

/** Lets the playground in. */
async function connect(page: Page, person: Person) {
  await startSession(page, person);
  await page.goto(PLAYGROUND);
  await page.getByTestId('grant-authorization-code').click();
  await approve(page);
}

async function openApp(page: Page) {
  await page.goto(`${ISSUER}/account/apps`);
  await page.getByTestId('app-link').filter({ hasText: 'Demo web app' }).click();
}

test('an app is listed with what it used; a scope taken away is refused by the API, and so is all of it at the end', async ({
  page,
  context,
}) => {
  await connect(page, ANN);
  await page.getByTestId('call-records').click();
  await expect(page.getByTestId('api-status')).toHaveText('200');

  const account = await context.newPage();
  await openApp(account);
  await expect(account.getByTestId('app-verified')).toBeVisible();
  const read = account.locator('[data-testid="app-permission"][data-scope="records:read"]');
  await expect(read.getByTestId('app-used')).toBeVisible();
  await expect(account.getByTestId('app-never-used').first()).toBeVisible();

  await read.getByTestId('app-drop').click();
  await expect(account.getByTestId('said')).toContainText('Taken away');
  await expect(read).toHaveCount(0);
  await page.getByTestId('call-records').click();
  await expect(page.getByTestId('api-status')).toHaveText('403');

  await account.getByTestId('app-revoke').click();
  await account.getByTestId('app-revoke-confirm').click();
  await expect(account.getByTestId('said')).toContainText('The access was removed');
  await page.getByTestId('call-records').click();
  await expect(page.getByTestId('api-status')).toHaveText('401');
});

test('an access can be given another end, with a day of one’s own', async ({ page }) => {
  await connect(page, BEN);
  await openApp(page);
  await page.getByRole('radio', { name: /day of your choice/ }).check();
  const day = new Date(Date.now() + 10 * 86_400_000).toISOString().slice(0, 10);
  await page.getByLabel('Day', { exact: true }).fill(day);
  await page.getByRole('button', { name: 'Change the end' }).click();
  await expect(page.getByTestId('said')).toContainText('The end was changed');
  await expect(page.getByTestId('app-until')).toContainText('at the latest');
  await expect(page.getByTestId('app-until')).toContainText(new Date(day).getUTCFullYear().toString());
});

test('a personal access token is made, copied, used and revoked', async ({ page, context, request }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: ISSUER });
  await startSession(page, CEM);
  await page.goto(`${ISSUER}/account/tokens`);
  const name = `Backup ${test.info().workerIndex}`;
  await page.getByTestId('token-new').click();
  await page.getByLabel('What is it for?').fill(name);
  await page.getByRole('checkbox', { name: /See your records/ }).check();
  await page.getByTestId('token-make').click();
  const token = (await page.getByTestId('token-value').textContent()) ?? '';
  await page.getByTestId('token-copy').click();
  await expect(page.getByTestId('token-copy')).toHaveText('Copied');
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(token);

  const call = (method = 'get') =>
    request.fetch(`${RESOURCE_API}/records`, { method, headers: { authorization: `Bearer ${token}` } });
  expect((await call()).status()).toBe(200);
  expect((await call('post')).status()).toBe(403);

  await page.getByTestId('token-done').click();
  const listed = page.getByTestId('token').filter({ hasText: name });
  await expect(listed).toContainText('Last used now');
  await listed.getByTestId('token-revoke').click();
  await listed.getByTestId('token-revoke-confirm').click();
  await expect(page.getByTestId('said')).toContainText('was revoked');
  await expect(listed).toHaveCount(0);
  await expect.poll(async () => (await call()).status()).toBe(401);
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('an app is removed, and a token is made and revoked', async ({ page }) => {
    await signInAndApprove(page, web.authorizationUrl({ scope: SCOPE }), DEE);
    await openApp(page);
    await page.getByTestId('app-revoke').click();
    await page.getByTestId('app-revoke-confirm').click();
    await expect(page.getByTestId('said')).toContainText('The access was removed');
    await page.goto(`${ISSUER}/account/tokens/new`);
    await page.getByLabel('What is it for?').fill('Without scripts');
    await page.getByTestId('token-scope').first().check();
    await page.getByTestId('token-make').click();
    const token = (await page.getByTestId('token-value').textContent()) ?? '';
    await expect(page.getByTestId('token-copy')).toBeHidden();
    expect(await introspect(ISSUER, token)).toMatchObject({ active: true });
    await page.getByTestId('token-done').click();
    const listed = page.getByTestId('token').filter({ hasText: 'Without scripts' });
    await listed.getByTestId('token-revoke').click();
    await listed.getByTestId('token-revoke-confirm').click();
    await expect(listed).toHaveCount(0);
  });
});

testAccessibility({
  'account: no app': async (page) => {
    await startSession(page, ADMIN);
    await page.goto(`${ISSUER}/account/apps`);
  },
  'account: apps with access': async (page) => {
    await createRelyingParty(ISSUER, DEMO_WEB).obtainTokens({ scope: SCOPE }, BEN);
    await startSession(page, BEN);
    await page.goto(`${ISSUER}/account/apps`);
  },
  'account: one app': async (page) => {
    await connect(page, BEN);
    await openApp(page);
  },
  'account: tokens, and making one': async (page) => {
    await startSession(page, CEM);
    await page.goto(`${ISSUER}/account/tokens/new`);
    await page.getByTestId('token-form').evaluate((form) => form.setAttribute('novalidate', ''));
    await page.getByTestId('token-make').click();
  },
});
