import type { Page } from '@playwright/test';
import { ISSUER, PLAYGROUND } from './addresses.ts';
import { startAttacker } from './servers/attacker.ts';
import { answerAt, approve, signIn, web } from './steps.ts';
import { expect, test } from './test.ts';

/** Opens a page elsewhere that posts this form by itself, and returns the status of the answer. */
async function postFromElsewhere(page: Page, host: 'localhost' | '127.0.0.1', action: string, fields: object) {
  const inputs = Object.entries(fields).map(([name, value]) => `<input name="${name}" value="${value}">`);
  const attacker = await startAttacker(
    `<form method="post" action="${action}">${inputs.join('')}</form><script>document.forms[0].submit()</script>`,
  );
  const answer = page.waitForResponse((response) => response.request().method() === 'POST');
  await page.goto(attacker.pageAt(host)).catch(() => {}); // The form may be faster than the page is done.
  const status = (await answer).status();
  await page.waitForLoadState();
  attacker.stop();
  return status;
}

/** The address of the step that is on the screen, without the copy of its request. */
const stepOf = (page: Page) => page.url().replace(/\?.*/, '');

for (const [host, place] of [
  ['127.0.0.1', 'another site'],
  ['localhost', 'another port of the same host, with all cookies'],
] as const) {
  test(`C51: nobody approves, denies or signs in from ${place}`, async ({ context, page }) => {
    const elsewhere = await context.newPage();
    await page.goto(web.authorizationUrl());
    const credentials = { email: 'guest@example.com', password: 'correct-horse-battery-staple' };
    expect(await postFromElsewhere(elsewhere, host, `${stepOf(page)}/sign-in`, credentials)).toBe(403);
    await signIn(page);
    await expect(page.getByTestId('consent-account')).toContainText('alice@example.com');
    for (const action of ['consent', 'abort']) {
      expect(await postFromElsewhere(elsewhere, host, `${stepOf(page)}/${action}`, {})).toBe(403);
      expect(elsewhere.url()).toContain(ISSUER);
    }
    await approve(page);
    expect((await answerAt(page)).searchParams.has('code')).toBe(true);
  });

  test(`C51: nobody signs the browser out or spends its tokens from ${place}`, async ({ context, page }) => {
    const elsewhere = await context.newPage();
    await page.goto(PLAYGROUND);
    await page.getByTestId('grant-authorization-code').click();
    await signIn(page);
    await approve(page);
    await expect(page.getByTestId('result')).toHaveAttribute('data-state', 'done');
    expect(await postFromElsewhere(elsewhere, host, `${PLAYGROUND}/actions/revoke`, {})).toBe(403);
    expect(
      await postFromElsewhere(elsewhere, host, `${ISSUER}/session/end/confirm`, { logout: 'yes', xsrf: 'guessed' }),
    ).toBe(400);
    await page.goto(web.authorizationUrl({ prompt: 'none', scope: 'openid profile' }));
    expect((await answerAt(page)).searchParams.has('code')).toBe(true);
  });
}
