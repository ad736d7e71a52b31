import type { Cookie, Page } from '@playwright/test';
import { testAccessibility } from './accessible.ts';
import { ISSUER, SAMPLE_WEB_APP } from './addresses.ts';
import { LEAVER } from './directory.ts';
import { ADMIN, ALICE, approve, GUEST, type Person, signIn } from './steps.ts';
import { expect, test } from './test.ts';

async function enter(page: Page, person: Person = ALICE): Promise<void> {
  await page.goto(SAMPLE_WEB_APP);
  await page.getByTestId('sign-in').click();
  await signIn(page, person);
  await approve(page);
  await expect(page.getByTestId('greeting')).toHaveText(`Hello, ${person.name}`);
}

const permission = (page: Page, scope: string) => page.locator(`[data-testid="permission"][data-scope="${scope}"]`);

async function createRecord(page: Page, title: string): Promise<void> {
  await page.getByTestId('record-title').fill(title);
  await page.getByTestId('record-create').click();
  await expect(page.getByTestId('record').filter({ hasText: title })).toBeVisible();
}

test('a user signs in, reads and writes records and signs out, and the browser never holds a token', async ({
  page,
  context,
}) => {
  const addresses: string[] = [];
  page.on('request', (request) => addresses.push(request.url()));
  await enter(page);
  await expect(page.getByTestId('person-email')).toHaveText(ALICE.email);
  await expect(page.getByTestId('role')).toHaveText(['user']);
  await createRecord(page, '<b>Bells</b> & whistles');
  expect(page.url()).toBe(`${SAMPLE_WEB_APP}/`);
  expect(await page.evaluate(() => document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage }))).toBe(
    '{}',
  );
  const [cookie] = (await context.cookies()).filter(({ name }) => name === 'sample_web_session');
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax', value: expect.stringMatching(/^[\w-]{43}$/) });
  // The callback is sent away from at once, so that no code stays in the history.
  expect(addresses.filter((address) => /[?&]\w*token=|eyJ[\w-]+\.eyJ/.test(address))).toEqual([]);
  await page.goBack();
  await page.goForward();
  await expect(page.getByTestId('greeting')).toBeVisible();

  await page.getByTestId('sign-out').click();
  await page.getByTestId('sign-out-confirm').click();
  await expect(page).toHaveURL(`${SAMPLE_WEB_APP}/`);
  await context.addCookies([cookie as Cookie]); // A copy of it opens nothing, and nobody is signed in over there either.
  await page.reload();
  await page.getByTestId('sign-in').click();
  await expect(page.getByTestId('password')).toBeVisible();
});

test('a guest is told what the app may not do, and an administrator sees what others wrote', async ({
  page,
  browser,
}) => {
  await enter(page, GUEST);
  await expect(page.getByTestId('role')).toHaveText(['guest']);
  await expect(permission(page, 'records:read')).toHaveAttribute('data-granted', 'true');
  await expect(permission(page, 'records:write')).toContainText('It may not write records');
  await expect(page.getByTestId('record-create')).toBeHidden();
  // The page only leaves the form out: who sends it all the same is refused by the API.
  await page.evaluate(() => {
    const form = Object.assign(document.createElement('form'), { method: 'post', action: '/records' });
    form.append(
      ...['title', 'body'].map((name) => Object.assign(document.createElement('input'), { name, value: name })),
    );
    document.body.append(form);
    form.submit();
  });
  await expect(page.getByTestId('problem-detail')).toContainText('403 insufficient_scope');

  const desk = await browser.newPage();
  await enter(desk, ALICE);
  await createRecord(desk, 'For an administrator to find');
  await desk.context().clearCookies();
  await enter(desk, ADMIN);
  await expect(desk.getByTestId('role')).toHaveText(['admin']);
  await expect(desk.getByTestId('record').filter({ hasText: 'For an administrator to find' }).first()).toBeVisible();
  await desk.close();
});

test('who allows less is told so, and may choose again', async ({ page }) => {
  await page.goto(`${SAMPLE_WEB_APP}/sign-in`);
  await signIn(page);
  for (const scope of ['email', 'roles', 'records:read', 'records:write']) {
    await page.locator(`[data-scope="${scope}"] input`).uncheck();
  }
  await approve(page);
  await expect(page.getByTestId('person-email')).toContainText('did not tell');
  await expect(page.getByTestId('record')).toHaveCount(0);
  await expect(permission(page, 'records:read')).toHaveAttribute('data-granted', 'false');
  await page.getByTestId('ask-again').click();
  await page.locator('[data-scope="records:write"] input').check();
  await approve(page);
  await expect(permission(page, 'records:write')).toHaveAttribute('data-granted', 'true');
});

test('signing out everywhere ends the session of this app, which the server is told of', async ({ page, browser }) => {
  await enter(page, LEAVER);
  const elsewhere = await browser.newPage();
  await enter(elsewhere, LEAVER);
  await elsewhere.goto(`${ISSUER}/session/end`);
  await elsewhere.getByTestId('sign-out-everywhere').check();
  await elsewhere.getByTestId('sign-out-confirm').click();
  await expect(elsewhere.getByTestId('signed-out')).toBeVisible();
  await expect(async () => {
    await page.goto(SAMPLE_WEB_APP);
    await expect(page.getByTestId('greeting')).toBeHidden({ timeout: 100 });
  }).toPass();
  await elsewhere.close();
});

test('a person who says no, or comes back with somebody else’s answer, is told so', async ({ page, browser }) => {
  await page.goto(`${SAMPLE_WEB_APP}/sign-in`);
  await page.getByTestId('sign-in-cancel').click();
  await expect(page.getByTestId('problem')).toHaveText('You did not let this app in');
  // The link that somebody else was sent off with, to be signed in as them.
  const planted = page.waitForRequest((request) => request.url().startsWith(`${ISSUER}/auth?`));
  await page.getByTestId('sign-in').click();
  const victim = await browser.newPage();
  await victim.goto((await planted).url());
  await signIn(victim);
  await approve(victim);
  await expect(victim.getByTestId('problem')).toHaveText('That sign-in is over');
  await victim.close();
});

testAccessibility({
  'sample web app: welcome': (page) => page.goto(SAMPLE_WEB_APP),
  'sample web app: signed in': (page) => enter(page, GUEST),
  'sample web app: a problem': (page) => page.goto(`${SAMPLE_WEB_APP}/callback?state=unknown`),
});
