import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import type * as oidcClient from 'oidc-client-ts';
import { ISSUER, PLAYGROUND, RESOURCE_API } from './addresses.ts';
import { approve, signIn } from './steps.ts';
import { expect, test } from './test.ts';

/** What the page of the single-page application keeps in its `window`. */
interface Spa {
  readonly oidc: typeof oidcClient;
  manager: oidcClient.UserManager;
}
declare global {
  var spa: Spa;
}

const LIBRARY = join(createRequire(import.meta.url).resolve('oidc-client-ts'), '../../browser/oidc-client-ts.min.js');

const SETTINGS = {
  authority: ISSUER,
  client_id: 'demo-spa',
  redirect_uri: `${PLAYGROUND}/spa/callback`,
  post_logout_redirect_uri: `${PLAYGROUND}/`,
  scope: 'openid profile email records:read',
  loadUserInfo: true,
  automaticSilentRenew: false,
};

/** Somebody else's application at the registered redirect URI, in place of the playground's. `more` is JavaScript. */
async function serveSpa(page: Page, more = ''): Promise<void> {
  const html = `<!doctype html><title>SPA</title><script src="/oidc-client-ts.js"></script>
    <script>window.spa = { oidc, manager: new oidc.UserManager({ ...${JSON.stringify(SETTINGS)}, ${more} }) }</script>`;
  await page.route(`${PLAYGROUND}/oidc-client-ts.js`, (route) => route.fulfill({ path: LIBRARY }));
  for (const url of [`${PLAYGROUND}/spa`, `${PLAYGROUND}/spa/callback?*`]) {
    await page.route(url, (route) => route.fulfill({ contentType: 'text/html', body: html }));
  }
}

async function signInWithLibrary(page: Page) {
  await page.goto(`${PLAYGROUND}/spa`);
  await page.evaluate(() => void spa.manager.signinRedirect());
  await signIn(page);
  await approve(page);
  await page.waitForURL(`${PLAYGROUND}/spa/callback?*`);
  // The end of a redirect is not Playwright's to replace: the playground has it until the page is asked for by itself.
  await page.reload();
  return page.evaluate(async () => {
    const user = await spa.manager.signinCallback();
    return { profile: user?.profile, accessToken: user?.access_token ?? '', refreshToken: user?.refresh_token ?? '' };
  });
}

const callApi = (page: Page, accessToken: string) =>
  page.evaluate(
    async ([url, token]) => {
      const response = await fetch(url ?? '', { headers: { authorization: `Bearer ${token}` } });
      const challenge = response.headers.get('www-authenticate');
      return { status: response.status, challenge, body: await response.json() };
    },
    [`${RESOURCE_API}/whoami`, accessToken],
  );

// Chromium asks a person before a page from elsewhere may talk to this machine; a page that is served by Playwright is one.
test.use({ permissions: ['local-network-access'] });

test.beforeEach(({ page }) => serveSpa(page));

test('oidc-client-ts signs in across origins, reads userinfo, and calls the API', async ({ page }) => {
  const { profile, accessToken } = await signInWithLibrary(page);
  expect(profile).toMatchObject({ name: 'Alice Archer', email: 'alice@example.com' });
  const { status, body } = await callApi(page, accessToken);
  expect(status).toBe(200);
  expect(body).toMatchObject({ username: 'alice@example.com', client_id: 'demo-spa' });
});

test('oidc-client-ts signs in by a window of its own', async ({ context, page }) => {
  await page.goto(`${PLAYGROUND}/spa`);
  const opened = page.waitForEvent('popup');
  const name = page.evaluate(async () => (await spa.manager.signinPopup()).profile.name);
  const popup = await opened;
  await serveSpa(popup);
  await signIn(popup);
  await approve(popup);
  await popup.waitForURL(`${PLAYGROUND}/spa/callback?*`);
  await popup.reload();
  await Promise.all([popup.waitForEvent('close'), popup.evaluate(() => void spa.manager.signinPopupCallback())]);
  expect(await name).toBe('Alice Archer');
  expect(context.pages()).toEqual([page]);
});

test('oidc-client-ts renews silently with its refresh token', async ({ page }) => {
  const first = await signInWithLibrary(page);
  const renewed = await page.evaluate(async () => {
    const user = await spa.manager.signinSilent();
    return { accessToken: user?.access_token ?? '', refreshToken: user?.refresh_token ?? '' };
  });
  expect(renewed.refreshToken).not.toBe(first.refreshToken);
  expect(renewed.accessToken).not.toBe(first.accessToken);
  expect((await callApi(page, renewed.accessToken)).status).toBe(200);
});

test('oidc-client-ts binds its tokens to a key of the browser (DPoP)', async ({ page }) => {
  // It would show a bound token to userinfo as if it were a bearer's.
  await serveSpa(page, 'loadUserInfo: false, dpop: { store: new oidc.IndexedDbDPoPStore() }');
  await signInWithLibrary(page);
  const { tokenType, status, email, withoutProof } = await page.evaluate(async (url) => {
    const user = await spa.manager.signinSilent();
    const proof = user && (await spa.manager.dpopProof(url, user, 'GET'));
    const authorization = `DPoP ${user?.access_token}`;
    const answer = await fetch(url, { headers: { authorization, dpop: proof ?? '' } });
    const refused = await fetch(url, { headers: { authorization: `Bearer ${user?.access_token}` } });
    const { email } = await answer.json();
    return { tokenType: user?.token_type, status: answer.status, email, withoutProof: refused.status };
  }, `${ISSUER}/me`);
  expect({ tokenType, status, email, withoutProof }).toEqual({
    tokenType: 'DPoP',
    status: 200,
    email: 'alice@example.com',
    withoutProof: 401,
  });
});

test('C91: a script at an allowed origin reads why the API refused it, and no other origin reads anything', async ({
  page,
}) => {
  await page.goto(`${PLAYGROUND}/spa`);
  const refused = await callApi(page, 'made-up');
  expect(refused.status).toBe(401);
  expect(refused.challenge).toContain('error="invalid_token"');
  await page.route('http://localhost:4000/', (route) => route.fulfill({ contentType: 'text/html', body: 'elsewhere' }));
  await page.goto('http://localhost:4000/');
  await expect(callApi(page, 'made-up')).rejects.toThrow('Failed to fetch');
});

test('oidc-client-ts signs out, and the tokens of the session are dead', async ({ page }) => {
  const { accessToken } = await signInWithLibrary(page);
  await page.evaluate(() => void spa.manager.signoutRedirect());
  await page.getByTestId('sign-out-confirm').click();
  await page.waitForURL((url) => url.origin === PLAYGROUND && url.pathname === '/');
  await expect.poll(async () => (await callApi(page, accessToken)).status).toBe(401);
});
