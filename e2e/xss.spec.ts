import type { Page } from '@playwright/test';
import { createRelyingParty } from '../src/testing/relying-party.ts';
import { ISSUER, PLAYGROUND } from './addresses.ts';
import { TEST_DIRECTORY, XSS } from './directory.ts';
import { answerAt, approve, signIn } from './steps.ts';
import { expect, test } from './test.ts';

/** Counts what must not happen: a dialog, or markup that only the policy stopped. */
async function watch(page: Page): Promise<string[]> {
  const seen: string[] = [];
  page.on('dialog', async (dialog) => {
    seen.push(`dialog ${dialog.message()}`);
    await dialog.dismiss();
  });
  await page.exposeFunction('reportViolation', (violation: string) => seen.push(violation));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sample }) => {
      (globalThis as unknown as { reportViolation(text: string): void }).reportViolation(
        `${violatedDirective} ${blockedURI} ${sample}`,
      );
    });
  });
  return seen;
}

XSS.forEach((text, index) => {
  const { client_id, redirect_uris } = TEST_DIRECTORY.clients.find((one) => one.client_name === text) ?? {};
  const client = createRelyingParty(ISSUER, { clientId: client_id ?? '', redirectUri: redirect_uris?.[0] ?? '' });
  const hostile = { state: text, login_hint: text, ui_locales: text, nonce: text };

  test(`C94: ${text} stays text, whoever says it`, async ({ page }) => {
    const seen = await watch(page);
    const resource = `https://xss-${index}.example`;
    await page.goto(client.authorizationUrl({ ...hostile, resource, scope: `openid profile xss:${index}` }));
    await expect(page.getByTestId('sign-in-client')).toContainText(text.slice(0, 20));
    await expect(page.getByTestId('email')).toHaveValue(text);
    await signIn(page, { email: `xss-${index}@example.com` });
    await expect(page.getByTestId('consent-client')).toContainText(text.slice(0, 20));
    await expect(page.getByTestId('consent-account')).toContainText(text);
    await expect(page.locator(`[data-scope="xss:${index}"]`)).toHaveText(text, { ignoreCase: true });
    await approve(page);
    const answer = await answerAt(page);
    expect(answer.searchParams.get('state')).toBe(text);
    await expect(page.getByTestId('unasked-state')).toHaveText(text);

    const parameters = { ...hostile, client_id: text, scope: text, response_type: text, redirect_uri: text };
    await page.goto(`${ISSUER}/auth?${new URLSearchParams(parameters)}`);
    await expect(page.getByTestId('error-words')).toBeVisible();
    await page.goto(client.authorizationUrl({ ...hostile, response_type: text }));
    await page.goto(
      `${ISSUER}/session/end?${new URLSearchParams({ state: text, post_logout_redirect_uri: text, client_id: text })}`,
    );
    const said = new URLSearchParams({ error: text, error_description: text, state: text, [text]: text });
    await page.goto(`${PLAYGROUND}/callback?${said}#${said}`);
    await expect(page.getByTestId('unasked-error_description')).toHaveText([text, text]);
    await page.goto(`${PLAYGROUND}/implicit/callback#${said}`);
    await expect(page.getByTestId('unasked-error_description')).toHaveText(text);
    expect(seen).toEqual([]);
  });
});

test('C94: a state with markup passes through form_post unharmed', async ({ page }) => {
  const seen = await watch(page);
  const hybrid = createRelyingParty(ISSUER, { clientId: 'e2e-hybrid', redirectUri: `${PLAYGROUND}/callback` });
  for (const [index, text] of XSS.entries()) {
    await page.goto(hybrid.authorizationUrl({ response_mode: 'form_post', state: text, scope: 'openid' }));
    if (index === 0) {
      await signIn(page);
      await approve(page);
    }
    await expect(page.getByTestId('unasked-state')).toHaveText(text);
  }
  expect(seen).toEqual([]);
});
