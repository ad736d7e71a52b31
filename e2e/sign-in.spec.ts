import { ISSUER } from './addresses.ts';
import { ALICE, answerAt, approve, signIn, web } from './steps.ts';
import { expect, test } from './test.ts';

test('the right password leads through consent to the client, with code, state and issuer', async ({ page }) => {
  await page.goto(web.authorizationUrl({ state: 'opaque to us', scope: 'openid profile' }));
  await expect(page).toHaveTitle('Sign in · Concierge');
  await expect(page.getByTestId('sign-in-client')).toHaveText('Demo web app');
  await signIn(page);
  await approve(page);
  const answer = Object.fromEntries((await answerAt(page)).searchParams);
  expect(answer).toEqual({ code: expect.stringMatching(/^[\w-]{43,}$/), state: 'opaque to us', iss: ISSUER });
});

test('a wrong password is refused, and the email that was typed stays', async ({ page }) => {
  await page.goto(web.authorizationUrl());
  await signIn(page, ALICE, 'not-my-password');
  await expect(page.getByTestId('sign-in-problem')).toBeVisible();
  await expect(page.getByTestId('email')).toHaveValue(ALICE.email);
  await expect(page.getByTestId('password')).toHaveValue('');
  await expect(page.getByTestId('password')).toBeFocused();
  await signIn(page);
  await expect(page.getByTestId('consent-form')).toBeVisible();
});

test('C57: an email that nobody has is refused in the very same words', async ({ page }) => {
  await page.goto(web.authorizationUrl());
  await signIn(page, { email: 'nobody@example.com' });
  const unknown = await page.getByTestId('sign-in-problem').textContent();
  await signIn(page, ALICE, 'not-my-password');
  await expect(page.getByTestId('sign-in-problem')).toHaveText(unknown ?? '');
});

test('cancelling goes back to the client with access_denied', async ({ page }) => {
  await page.goto(web.authorizationUrl({ state: 'kept' }));
  await page.getByTestId('sign-in-cancel').click();
  const answer = (await answerAt(page)).searchParams;
  expect(answer.get('error')).toBe('access_denied');
  expect(answer.get('state')).toBe('kept');
  expect(answer.has('code')).toBe(false);
});

test('the browser does not send a form that is not filled in', async ({ page }) => {
  await page.goto(web.authorizationUrl());
  const before = page.url();
  await page.getByTestId('sign-in-submit').click();
  await expect(page.getByTestId('email')).toBeFocused();
  expect(page.url()).toBe(before);
});

for (const delay of [0, 20, 60]) {
  test(`C52: a form that is sent twice gives one answer (${delay} ms a click)`, async ({ page }) => {
    await page.goto(web.authorizationUrl({ prompt: 'consent' }));
    await page.getByTestId('email').fill(ALICE.email);
    await page.getByTestId('password').fill('correct-horse-battery-staple');
    await page.getByTestId('sign-in-submit').dblclick({ delay });
    await page.getByTestId('consent-approve').dblclick({ delay });
    expect((await answerAt(page)).searchParams.has('code')).toBe(true);
  });
}

test('C54: two tabs of one browser both finish', async ({ context, page }) => {
  const other = await context.newPage();
  await page.goto(web.authorizationUrl({ state: 'one' }));
  await other.goto(web.authorizationUrl({ state: 'other' }));
  await signIn(page);
  await signIn(other);
  await approve(page);
  expect((await answerAt(page)).searchParams.get('state')).toBe('one');
  await approve(other);
  expect((await answerAt(other)).searchParams.get('state')).toBe('other');
});
