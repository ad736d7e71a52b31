import { ALICE, answerAt, approve, GUEST, signIn, web } from './steps.ts';
import { expect, test } from './test.ts';

const SCOPE = 'openid profile email records:read records:write';

test('C55: says who asks, for which account, for what in words, and where it leads', async ({ page }) => {
  await page.goto(web.authorizationUrl({ scope: SCOPE }));
  await signIn(page);
  await expect(page.getByTestId('consent-client')).toHaveText('Demo web app');
  await expect(page.getByTestId('consent-account')).toHaveText(`${ALICE.name} ${ALICE.email}`);
  await expect(page.getByTestId('consent-destination')).toHaveText('localhost:3002');
  const words = page.getByTestId('consent-scope');
  await expect(words.filter({ hasText: 'See your records' })).toHaveAttribute('data-scope', 'records:read');
  await expect(words.filter({ hasText: 'Create, change and delete your records' })).toBeVisible();
  for (const line of await words.allTextContents()) {
    expect(line).not.toMatch(/:|openid/);
  }
});

test('approving reaches the client at another origin; no policy stops the redirect', async ({ page }) => {
  const complaints: string[] = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  await page.goto(web.authorizationUrl({ scope: SCOPE }));
  await signIn(page);
  await approve(page);
  const { code = '', state } = Object.fromEntries((await answerAt(page)).searchParams);
  expect(code).not.toBe('');
  expect(state).toBe('a-state');
  expect(complaints).toEqual([]);
});

test('C55: denying tells the client, and grants nothing', async ({ page }) => {
  await page.goto(web.authorizationUrl({ state: 'kept' }));
  await signIn(page);
  await page.getByTestId('consent-deny').click();
  const answer = (await answerAt(page)).searchParams;
  expect([answer.get('error'), answer.get('state'), answer.get('code')]).toEqual(['access_denied', 'kept', null]);
  await page.goto(web.authorizationUrl());
  await expect(page.getByTestId('consent-form')).toBeVisible();
});

test('C55: fields that somebody adds to the form add nothing to what is granted', async ({ page }) => {
  await page.goto(web.authorizationUrl({ scope: 'openid' }));
  await signIn(page);
  await page.getByTestId('consent-form').evaluate((form) => {
    form.insertAdjacentHTML('beforeend', '<input name="scope" value="openid email records:write">');
  });
  await approve(page);
  await answerAt(page);
  await page.goto(web.authorizationUrl({ scope: 'openid records:write', prompt: 'none' }));
  expect((await answerAt(page)).searchParams.get('error')).toBe('consent_required');
});

test('somebody else may take over at the consent page', async ({ page }) => {
  await page.goto(web.authorizationUrl());
  await signIn(page);
  await page.getByTestId('consent-another-account').click();
  await signIn(page, GUEST);
  await expect(page.getByTestId('consent-account')).toContainText(GUEST.email);
  await approve(page);
  expect((await answerAt(page)).searchParams.has('code')).toBe(true);
});

test('what the account may not do is not offered to the client', async ({ page }) => {
  await page.goto(web.authorizationUrl({ scope: SCOPE }));
  await signIn(page, GUEST);
  await expect(page.locator('[data-scope="records:read"]')).toBeVisible();
  await expect(page.locator('[data-scope="records:write"]')).toHaveCount(0);
});
