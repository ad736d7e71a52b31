import type { Page } from '@playwright/test';
import { createPkce, createRelyingParty, introspect, type Parameters, tokensOf } from '../src/testing/relying-party.ts';
import { ISSUER } from './addresses.ts';
import { RESOLVED } from './directory.ts';
import { ALICE, answerAt, approve, type Person, signIn, web } from './steps.ts';
import { expect, test } from './test.ts';

const [EVE = ALICE, FINN = ALICE] = RESOLVED;
const SCOPE = 'openid profile email records:read records:write';

const choice = (page: Page, scope: string) => page.locator(`[data-scope="${scope}"] input`);
const duration = (page: Page, name: string) => page.locator(`input[name="duration"][value="${name}"]`);

/** Opens the consent page, where somebody signs in before unless they have; lets them choose, and says what the client then has. */
async function tokensAfter(
  page: Page,
  parameters: Parameters,
  choose: () => Promise<unknown>,
  person: Person | undefined = undefined,
) {
  const pkce = createPkce();
  await page.goto(web.authorizationUrl(parameters, pkce));
  if (person !== undefined) {
    await signIn(page, person);
  }
  await choose();
  const code = (await answerAt(page)).searchParams.get('code') ?? '';
  return tokensOf(await web.exchange({ code, verifier: pkce.verifier }));
}

test('a person leaves a scope out by keyboard alone, and the client goes without it, elsewhere too', async ({
  page,
  browser,
}) => {
  const leaveOut = async () => {
    await choice(page, 'email').focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('Tab');
    await expect(choice(page, 'records:read')).toBeFocused();
    await duration(page, 'session').focus();
    await page.keyboard.press('ArrowDown');
    await expect(duration(page, 'hour')).toBeChecked();
    await page.keyboard.press('Enter');
  };
  const { scope } = await tokensAfter(page, { scope: SCOPE }, leaveOut, EVE);
  expect(scope).toBe('openid profile records:read records:write');
  // And is not asked again.
  await page.goto(web.authorizationUrl({ scope: SCOPE }));
  expect((await answerAt(page)).searchParams.has('code')).toBe(true);
  const elsewhere = await browser.newPage();
  const nothing = async () => {};
  expect((await tokensAfter(elsewhere, { scope: SCOPE }, nothing, EVE)).scope).toBe(scope);
  await elsewhere.close();
});

test('a new scope asks for the new one alone, and shows what is there already', async ({ page }) => {
  await tokensAfter(page, { scope: 'openid records:read' }, () => approve(page), ALICE);
  const more = { scope: 'openid email records:read' };
  const { scope } = await tokensAfter(page, more, async () => {
    await expect(page.getByTestId('consent-scope')).toHaveCount(1);
    await expect(page.getByTestId('consent-scope')).toHaveAttribute('data-scope', 'email');
    const held = page.getByTestId('consent-held');
    await expect(held.getByTestId('consent-held-scope').first()).toBeHidden();
    await held.locator('summary').click();
    await expect(held.locator('[data-held="records:read"]')).toBeVisible();
    await approve(page);
  });
  expect(scope.split(' ').sort()).toEqual(more.scope.split(' ').sort());
});

test('what the app needs cannot be left out', async ({ page }) => {
  const redirectUri = 'http://127.0.0.1:7777/callback';
  const metadata = {
    redirect_uris: [redirectUri],
    token_endpoint_auth_method: 'none',
    client_name: 'Records of mine',
    required_scopes: 'records:read',
  };
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${ISSUER}/register`, { method: 'POST', headers, body: JSON.stringify(metadata) });
  const { client_id: clientId } = (await answer.json()) as { client_id: string };
  await page.goto(createRelyingParty(ISSUER, { clientId, redirectUri }).authorizationUrl({ scope: SCOPE }));
  await signIn(page);
  await expect(choice(page, 'records:read')).toBeDisabled();
  await expect(choice(page, 'records:read')).toBeChecked();
  await expect(choice(page, 'openid')).toBeDisabled();
  await expect(choice(page, 'records:write')).toBeEnabled();
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('a person chooses what, and for how long', async ({ page }) => {
    const offline = { scope: `${SCOPE} offline_access`, prompt: 'consent' };
    const chooseLess = async () => {
      await choice(page, 'records:write').uncheck();
      await expect(duration(page, 'revoked')).toBeChecked();
      await duration(page, 'hour').check();
      await approve(page);
    };
    const tokens = await tokensAfter(page, offline, chooseLess, FINN);
    expect(tokens.scope).not.toContain('records:write');
    const { exp } = await introspect(ISSUER, tokens.refresh_token, web.client as never);
    expect(Number(exp)).toBeLessThanOrEqual(Date.now() / 1000 + 3600);
  });

  test('nothing left is a refusal', async ({ page }) => {
    await page.goto(web.authorizationUrl({ scope: 'records:read' }));
    await signIn(page);
    await choice(page, 'records:read').uncheck();
    await approve(page);
    expect((await answerAt(page)).searchParams.get('error')).toBe('access_denied');
  });
});
