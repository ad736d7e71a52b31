import type { APIRequestContext, Page } from '@playwright/test';
import { createRelyingParty, DEMO_SPA } from '../src/testing/relying-party.ts';
import { ISSUER, PLAYGROUND } from './addresses.ts';
import { answerAt, signInAndApprove, web } from './steps.ts';
import { expect, test } from './test.ts';

/** Does what the line on the page says, without a shell. */
async function runCurl(page: Page, request: APIRequestContext) {
  const line = (await page.getByTestId('unasked-curl').textContent()) ?? '';
  const words = line.split(/[\s\\]+/);
  const after = (option: string) => words.filter((_word, index) => words[index - 1] === option);
  const credentials = after('-u').map((pair) => `Basic ${Buffer.from(pair).toString('base64')}`);
  return request.post(words.at(-1) ?? '', {
    headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: credentials[0] ?? '' },
    data: after('-d').join('&'),
  });
}

test('is shown calmly, stays in the address bar, and its code is redeemed with the line on the page', async ({
  page,
  request,
}) => {
  const unprotected = { code_challenge: undefined, code_challenge_method: undefined };
  await signInAndApprove(
    page,
    web.authorizationUrl({ ...unprotected, scope: 'openid profile', state: 'from-the-terminal' }),
  );
  const { searchParams } = await answerAt(page);
  await expect(page.getByTestId('unasked')).toBeVisible();
  await expect(page.getByRole('alert')).toHaveCount(0);
  for (const name of ['code', 'state', 'iss']) {
    await expect(page.getByTestId(`unasked-${name}`)).toHaveText(searchParams.get(name) ?? '');
  }
  const answer = await runCurl(page, request);
  expect(answer.status()).toBe(200);
  expect(await answer.json()).toMatchObject({ token_type: 'Bearer', scope: 'openid profile' });
});

test('in the browser clients as well, with query and fragment left alone', async ({ page }) => {
  const spa = createRelyingParty(ISSUER, DEMO_SPA);
  await signInAndApprove(page, spa.authorizationUrl({ state: 'from-elsewhere' }));
  const { searchParams } = await answerAt(page, '/spa/callback');
  await expect(page.getByTestId('result')).toHaveAttribute('data-state', 'unasked');
  await expect(page.getByTestId('unasked-code')).toHaveText(searchParams.get('code') ?? '');
  await expect(page.getByTestId('unasked-curl')).toContainText('-d client_id=demo-spa');
  expect(new URL(page.url()).searchParams.get('state')).toBe('from-elsewhere');

  const fragment = '#access_token=abc&token_type=Bearer&state=from-elsewhere';
  await page.goto(`${PLAYGROUND}/implicit/callback${fragment}`);
  await expect(page.getByTestId('unasked-access_token')).toHaveText('abc');
  await expect(page.getByTestId('result-problem')).toBeHidden();
  expect(new URL(page.url()).hash).toBe(fragment);
});

test('is refused in red while this browser waits for an answer of its own', async ({ page }) => {
  await page.goto(PLAYGROUND);
  await page.getByTestId('grant-authorization-code').click();
  await expect(page.getByTestId('sign-in-form')).toBeVisible();
  const response = await page.goto(`${PLAYGROUND}/callback?code=abc&state=tampered&iss=${ISSUER}`);
  expect(response?.status()).toBe(400);
  await expect(page.getByTestId('problem')).toContainText('not the answer that was asked for');
});

test('is refused in red while this tab waits for an answer of its own', async ({ page }) => {
  await page.goto(PLAYGROUND);
  await page.getByTestId('grant-single-page-app').click();
  await expect(page.getByTestId('sign-in-form')).toBeVisible();
  await page.goto(`${PLAYGROUND}/spa/callback?code=abc&state=tampered&iss=${ISSUER}`);
  await expect(page.getByTestId('result')).toHaveAttribute('data-state', 'failed');
  await expect(page.getByTestId('result-problem')).toContainText('not the answer that was asked for');
  expect(new URL(page.url()).search).toBe('');
});
