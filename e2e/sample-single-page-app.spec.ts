import type { BrowserContext, Page } from '@playwright/test';
import { introspect } from '../src/testing/relying-party.ts';
import { testAccessibility } from './accessible.ts';
import { ISSUER, RESOURCE_API, SAMPLE_SINGLE_PAGE_APP } from './addresses.ts';
import { ADMIN, ALICE, approve, GUEST, type Person, signIn } from './steps.ts';
import { expect, test } from './test.ts';

const REFRESH_COOKIE = '__Host-sample-spa-refresh';

async function enter(page: Page, person: Person = ALICE, path = '/'): Promise<void> {
  await page.goto(SAMPLE_SINGLE_PAGE_APP + path);
  await page.getByTestId('sign-in').click();
  await signIn(page, person);
  await approve(page);
  await expect(page.getByTestId('sign-out')).toBeVisible();
}

/** The access tokens that the page was given, the latest last: what a script in it could get hold of. */
function watchTokens(page: Page): string[] {
  const tokens: string[] = [];
  page.on('response', async (response) => {
    if (response.url() === `${SAMPLE_SINGLE_PAGE_APP}/bff/token` && response.ok()) {
      tokens.push((await response.json()).access_token);
    }
  });
  return tokens;
}

async function sealedCookie(context: BrowserContext): Promise<string | undefined> {
  return (await context.cookies(SAMPLE_SINGLE_PAGE_APP)).find(({ name }) => name === REFRESH_COOKIE)?.value;
}

/** The API stops a report that takes too long, and on a busy machine any does. */
async function tableAfter(page: Page, ask: () => Promise<unknown>): Promise<void> {
  await expect(async () => {
    await ask();
    const answer = page.getByTestId('table').or(page.getByTestId('api-answer'));
    await expect(answer).not.toContainText('temporarily_unavailable');
    await expect(page.getByTestId('table')).toBeVisible();
  }).toPass();
}

const menu = (page: Page) => page.locator('#nav a').allTextContents();

test('a script in the page finds one access token, no address has any, and one at another port finds nothing', async ({
  page,
  context,
}) => {
  const addresses: string[] = [];
  const bodies: Promise<string>[] = [];
  page.on('request', (request) => addresses.push(request.url()));
  page.on('response', (response) => {
    if (response.url().startsWith(`${SAMPLE_SINGLE_PAGE_APP}/bff/`) && response.status() === 200) {
      bodies.push(response.text());
    }
  });
  const tokens = watchTokens(page);
  await enter(page, ALICE, '/records');
  // Where the sign-in began.
  await expect(page).toHaveURL(`${SAMPLE_SINGLE_PAGE_APP}/records`);
  await page.getByTestId('record-title').fill('<img src=x onerror=alert(1)>');
  await page.getByTestId('record-create').click();
  await expect(page.getByTestId('record').filter({ hasText: 'onerror' }).first()).toBeVisible();

  expect(await page.evaluate(() => document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage }))).toBe(
    '{}',
  );
  const [cookie] = (await context.cookies()).filter(({ name }) => name === REFRESH_COOKIE);
  expect(cookie).toMatchObject({ httpOnly: true, secure: true, sameSite: 'Strict', path: '/', domain: 'localhost' });
  for (const body of await Promise.all(bodies)) {
    expect(Object.keys(JSON.parse(body))).toEqual(['access_token', 'expires_in']);
  }
  expect(tokens.length).toBeGreaterThan(0);
  expect(addresses.filter((address) => /[?&]\w*token\w*=|eyJ[\w-]+\.eyJ/.test(address))).toEqual([]);
  expect(addresses.filter((address) => tokens.some((token) => address.includes(token)))).toEqual([]);

  const elsewhere = 'http://localhost:3999'; // The same site, to cookies, and without a policy that forbids the call.
  await page.route(`${elsewhere}/`, (route) => route.fulfill({ contentType: 'text/html', body: '<p>Hello</p>' }));
  await page.goto(elsewhere);
  for (const path of ['/bff/token', '/bff/sign-out']) {
    const read = await page.evaluate(
      (url) =>
        fetch(url, { method: 'POST', credentials: 'include' }).then(
          (response) => response.text(),
          () => 'kept by the browser',
        ),
      SAMPLE_SINGLE_PAGE_APP + path,
    );
    expect(read).toBe('kept by the browser');
    const headers = { cookie: `${REFRESH_COOKIE}=${await sealedCookie(context)}`, origin: elsewhere };
    expect((await fetch(SAMPLE_SINGLE_PAGE_APP + path, { method: 'POST', headers })).status).toBe(403);
  }
  await page.goto(SAMPLE_SINGLE_PAGE_APP);
  await expect(page.getByTestId('renew')).toBeVisible();
});

test('what roles see is for the eye, and the API decides', async ({ page, browser }) => {
  await enter(page, GUEST);
  expect(await menu(page)).toEqual(['Home', 'Records']);
  await expect(page.locator('[data-testid="permission"][data-scope="records:write"]')).toContainText('It may not');
  for (const path of ['/reports', '/owners']) {
    await page.goto(SAMPLE_SINGLE_PAGE_APP + path);
    await expect(page.getByTestId('guarded')).toBeVisible();
    await page.getByTestId('ask-anyway').click();
    await expect(page.getByTestId('api-answer')).toContainText('403');
  }

  const desk = await browser.newPage();
  await enter(desk, ADMIN);
  expect(await menu(desk)).toEqual(['Home', 'Records', 'Reports', 'Owners']);
  await desk.getByTestId('nav-owners').click();
  await expect(desk.getByRole('heading', { level: 1 })).toBeFocused();
  await tableAfter(desk, () => desk.reload());
  await desk.getByTestId('nav-reports').click();
  await tableAfter(desk, () => desk.getByTestId('run-report').click());
  await desk.goBack();
  await expect(desk).toHaveURL(`${SAMPLE_SINGLE_PAGE_APP}/owners`);
  await desk.close();
});

test('reloading keeps a person signed in, with another token, in two tabs at once as well', async ({
  page,
  context,
}) => {
  const tokens = watchTokens(page);
  await enter(page);
  const other = await context.newPage();
  await other.goto(SAMPLE_SINGLE_PAGE_APP);
  for (let round = 0; round < 3; round += 1) {
    await Promise.all([page.reload(), other.reload()]);
    await expect(page.getByTestId('renew')).toBeVisible();
    await expect(other.getByTestId('renew')).toBeVisible();
  }
  expect(new Set(tokens).size).toBe(tokens.length);
  expect(await introspect(ISSUER, String(tokens.at(-1)))).toMatchObject({ active: true });

  await other.getByTestId('sign-out').click();
  await other.getByTestId('sign-out-confirm').waitFor();
  await expect(page.getByTestId('sign-in')).toBeVisible();
});

test('a token that is over, or that the API no longer takes, is replaced without a word', async ({ page }) => {
  await page.clock.install();
  const tokens = watchTokens(page);
  await enter(page);
  await expect.poll(() => tokens.length).toBe(1);
  await page.clock.fastForward('59:45');
  await page.getByTestId('nav-records').click();
  await expect(page.getByTestId('record').or(page.getByTestId('no-records')).first()).toBeVisible();
  await expect.poll(() => tokens.length).toBe(2);

  // Once the page sends what is no token; what follows is the API's own 401.
  await page.route(
    `${RESOURCE_API}/records`,
    (route) => route.continue({ headers: { ...route.request().headers(), authorization: 'Bearer revoked' } }),
    { times: 1 },
  );
  const refused = page.waitForResponse((response) => response.status() === 401);
  await page.getByTestId('nav-records').click();
  await refused;
  await expect.poll(() => tokens.length).toBe(3);
  await expect(page.getByTestId('record').or(page.getByTestId('no-records')).first()).toBeVisible();
});

test('signing out revokes the tokens, ends the session there, and no copy of the cookie brings it back', async ({
  page,
  context,
}) => {
  const tokens = watchTokens(page);
  await enter(page);
  const stolen = await sealedCookie(context);
  await page.getByTestId('sign-out').click();
  await page.getByTestId('sign-out-confirm').waitFor();
  expect(await introspect(ISSUER, String(tokens.at(-1)))).toEqual({ active: false });
  expect(await sealedCookie(context)).toBeUndefined();
  await page.getByTestId('sign-out-confirm').click();
  await expect(page).toHaveURL(`${SAMPLE_SINGLE_PAGE_APP}/`);
  const answer = await fetch(`${SAMPLE_SINGLE_PAGE_APP}/bff/token`, {
    method: 'POST',
    headers: { cookie: `${REFRESH_COOKIE}=${stolen}`, origin: SAMPLE_SINGLE_PAGE_APP },
  });
  expect([answer.status, await answer.json()]).toEqual([401, { error: 'signed_out' }]);
  await page.getByTestId('sign-in').click();
  await expect(page.getByTestId('password')).toBeVisible();
});

test('a person who says no is told so, once, and a link leads nowhere else', async ({ page }) => {
  await page.goto(SAMPLE_SINGLE_PAGE_APP);
  await page.getByTestId('sign-in').click();
  await page.getByTestId('sign-in-cancel').click();
  await expect(page.getByTestId('notice')).toContainText('You did not let this app in');
  await expect(page).toHaveURL(`${SAMPLE_SINGLE_PAGE_APP}/`);
  await page.goto(`${SAMPLE_SINGLE_PAGE_APP}/callback?code=somebody-elses&state=unknown`);
  await expect(page.getByTestId('notice')).toContainText('That sign-in is over');
  await page.goto(`${SAMPLE_SINGLE_PAGE_APP}/bff/sign-in?to=//evil.example/phish`);
  await signIn(page);
  await approve(page);
  await expect(page).toHaveURL(`${SAMPLE_SINGLE_PAGE_APP}/`);
  await expect(page.getByTestId('renew')).toBeVisible();
});

testAccessibility({
  async 'sample single-page app: welcome'(page) {
    await page.goto(SAMPLE_SINGLE_PAGE_APP);
    await expect(page.getByTestId('sign-in')).toBeVisible();
  },
  'sample single-page app: home': (page) => enter(page),
  async 'sample single-page app: records'(page) {
    await enter(page, ALICE, '/records');
    await page.getByTestId('record-title').fill('Water the plants');
    await page.getByTestId('record-create').click();
    await expect(page.getByTestId('record').first()).toBeVisible();
  },
  async 'sample single-page app: owners'(page) {
    await enter(page, ADMIN, '/owners');
    await tableAfter(page, () => page.reload());
  },
  async 'sample single-page app: refused'(page) {
    await enter(page, GUEST, '/reports');
    await page.getByTestId('ask-anyway').click();
    await expect(page.getByTestId('api-answer')).toBeVisible();
  },
  /** Says neither that all is over when this app's own server did not hear of it, nor when the authorization server did not. */
  async 'sample single-page app: signed out of this app alone'(page) {
    await enter(page);
    const signOut = `${SAMPLE_SINGLE_PAGE_APP}/bff/sign-out`;
    await page.route(signOut, (route) => route.abort(), { times: 1 });
    await page.getByTestId('sign-out').click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('You may still be signed in');
    await page.route(signOut, (route) => route.fulfill({ status: 202, json: { location: `${ISSUER}/session/end` } }));
    await page.getByTestId('sign-out').click();
    await expect(page.getByTestId('notice')).toContainText('may not have ended yet');
    await expect(page.getByTestId('sign-out-there')).toHaveAttribute('href', `${ISSUER}/session/end`);
    await expect(page.getByTestId('sign-out')).toBeHidden();
  },
});
