import type { Page } from '@playwright/test';
import { ISSUER, PLAYGROUND } from './addresses.ts';
import { startAttacker } from './servers/attacker.ts';
import { answerAt, approve, signIn, web } from './steps.ts';
import { expect, test } from './test.ts';

/** What is left in a frame at somebody else's page: Chromium's own error page when framing is refused. */
async function framed(page: Page, url: string): Promise<string | undefined> {
  const attacker = await startAttacker(`<iframe src="${url.replaceAll('&', '&amp;')}"></iframe>`);
  await page.goto(attacker.pageAt('localhost'));
  const [frame] = page.mainFrame().childFrames();
  attacker.stop();
  return frame?.url();
}

const REFUSED = 'chrome-error://chromewebdata/';

test('C53: sign-in, consent and sign-out refuse to be framed, for someone who is signed in as well', async ({
  page,
}) => {
  expect(await framed(page, web.authorizationUrl())).toBe(REFUSED);
  await page.goto(web.authorizationUrl());
  await signIn(page);
  await expect(page.getByTestId('consent-form')).toBeVisible();
  expect(await framed(page, page.url())).toBe(REFUSED);
  expect(await framed(page, web.authorizationUrl())).toBe(REFUSED);
  expect(await framed(page, `${ISSUER}/session/end`)).toBe(REFUSED);
  await page.goto(web.authorizationUrl());
  await approve(page);
  expect((await answerAt(page)).searchParams.has('code')).toBe(true);
});

test('C53: so do the first page, the error page and the playground', async ({ page }) => {
  for (const url of [`${ISSUER}/`, `${ISSUER}/auth?client_id=nobody`, `${PLAYGROUND}/`, `${PLAYGROUND}/spa/callback`]) {
    expect(await framed(page, url), url).toBe(REFUSED);
  }
});
