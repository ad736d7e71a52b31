/** The playground: each flow from its page to the end of its story, and attacks that have to fail. */
import type { Page } from '@playwright/test';
import { testAccessibility } from './accessible.ts';
import { PLAYGROUND } from './addresses.ts';
import { approve, signIn } from './steps.ts';
import { expect, test } from './test.ts';

const state = (page: Page) => page.getByTestId('result');

async function start(page: Page, path: string): Promise<void> {
  await page.goto(`${PLAYGROUND}${path}`);
  await page.getByTestId(`grant-${path.split('/').at(-1)}`).click();
}

/** Presses what the page suggests, until it suggests nothing; returns what each was answered with. */
async function followStory(page: Page): Promise<string[]> {
  const answers: string[] = [];
  const steps = page.getByTestId('diagram').locator('[data-when="done"]');
  const next = page.getByTestId('actions').locator('.primary');
  while ((await next.count()) > 0) {
    const before = await steps.count();
    await next.click();
    await expect.poll(() => steps.count()).toBeGreaterThan(before);
    answers.push((await page.getByTestId('api-status').textContent()) ?? '');
  }
  return answers;
}

/** The attack is tried for real, and its card says that it was stopped. */
async function breakIt(page: Page, attack: string, words: RegExp): Promise<void> {
  await page.getByTestId(`break-${attack}`).click();
  const verdict = page.getByTestId(`breaker-${attack}`).locator('.verdict');
  await expect(verdict).toHaveText(words);
  await expect(verdict).toHaveAttribute('data-refused', 'true');
  await expect(page.getByTestId('step').getByTestId('verdict')).toHaveText(words);
}

test('authorization code: pauses at the code, shows every value, and stops what is forged', async ({ page }) => {
  await start(page, '/flows/authorization-code');
  await signIn(page);
  await approve(page);
  await expect(state(page)).toHaveAttribute('data-state', 'paused');
  expect(new URL(page.url()).search).toBe('');
  await breakIt(page, 'wrong-verifier', /^The server refused: 400 invalid_grant/);
  await breakIt(page, 'tampered-state', /^The client refused: .*state/);
  await page.getByTestId('step-1').click();
  await expect(page.getByTestId('step')).toContainText('BASE64URL(SHA-256(code_verifier))');
  expect(await followStory(page)).toEqual(['200', '200', '200', '200', '200', '200', '401']);
  await page.getByTestId('step').getByText('The same with curl').click();
  await expect(page.getByTestId('sample-curl')).toContainText('authorization: Bearer ');
});

test('authorization code: a replayed code is refused, and takes its tokens along', async ({ page }) => {
  await page.goto(PLAYGROUND);
  await page.getByTestId('grant-authorization-code').click();
  await signIn(page);
  await approve(page);
  await expect(state(page)).toHaveAttribute('data-state', 'done');
  await expect(page.getByTestId('step')).toContainText('Who signed in, for the client to read');
  await page.getByTestId('step').getByText('show all').first().click();
  await breakIt(page, 'altered-id-token', /^The client refused: /);
  await breakIt(page, 'replay-code', /revoked too: the API answers 401/);
});

const STORIES = {
  'flows without a browser': [
    ['/flows/password', ['200', '200', '200', '200', '401'], 'wrong-password', /invalid_grant/],
    [
      '/flows/client-credentials',
      ['200', '200', '200', '401'],
      'missing-scope',
      /403 insufficient_scope.*records:write/,
    ],
    ['/flows/token-exchange', ['200', '200', '200'], 'more-scope', /invalid_scope/],
    ['/tools/api', ['200', '201', '200', '200', '401'], 'token-in-url', /400 invalid_request/],
  ],
  endpoints: [
    ['/tools/discovery', ['200', '200'], 'other-issuer', /^The client refused/],
    ['/tools/introspection', ['200', '200', '200'], 'invented-token', /"active":false/],
    ['/tools/revocation', ['200', '200', '200', '200', '401'], 'wrong-secret', /401 invalid_client/],
  ],
} as const;

for (const [title, stories] of Object.entries(STORIES)) {
  test(`${title}: each to the end of its story, and an attack`, async ({ page }) => {
    for (const [path, story, attack, words] of stories) {
      await start(page, path);
      await expect(state(page)).toHaveAttribute('data-state', 'done');
      expect(await followStory(page)).toEqual(story);
      // Afterwards the token is revoked: the attack is tried with another one.
      await page.getByTestId(`grant-${path.split('/').at(-1)}`).click();
      await breakIt(page, attack, words);
    }
  });
}

test('an expired token: the page waits for its end, and uses it once more', async ({ page }) => {
  await page.goto(`${PLAYGROUND}/tools/api`);
  await page.getByTestId('break-expired-token').click();
  const card = page.getByTestId('breaker-expired-token');
  await expect(card.getByRole('timer')).toHaveText(/^Good for another \d s/);
  // Nothing is pressed again: its few seconds are real ones.
  await expect(card.locator('[data-refused="true"]')).toHaveText(/401 invalid_token/, { timeout: 20_000 });
  await expect(card.getByRole('timer')).toHaveCount(0);
});

test('device: whoever polls too fast is told to slow down', async ({ page }) => {
  await start(page, '/flows/device');
  await breakIt(page, 'too-fast', /slow_down/);
});

test('refresh and userinfo: tokens rotate, one that was used ends the family, and signing out comes back here', async ({
  page,
}) => {
  await start(page, '/flows/refresh');
  await signIn(page);
  await approve(page);
  await expect(state(page)).toHaveAttribute('data-state', 'done');
  const token = page.getByTestId('result-refresh-token');
  const before = (await token.textContent()) ?? '';
  await page.getByTestId('refresh').click();
  await expect(token).not.toHaveText(before);
  await breakIt(page, 'replay-refresh-token', /^The server refused: 400 invalid_grant/);

  // The same browser is known already, but the grant has ended with the family.
  await start(page, '/tools/userinfo');
  await approve(page);
  await expect(state(page)).toHaveAttribute('data-state', 'done');
  await page.getByTestId('call-userinfo').click();
  await expect(page.getByTestId('api-response')).toContainText('"email": "alice@example.com"');
  await page.getByTestId('sign-out').click();
  await page.getByTestId('sign-out-confirm').click();
  await expect(page).toHaveURL(`${PLAYGROUND}/`);
});

for (const [name, attacks] of [
  ['single-page-app', ['altered-id-token', 'wrong-nonce', 'altered-access-token', 'replay-code']],
  ['implicit', ['swapped-access-token', 'altered-id-token', 'wrong-nonce', 'altered-access-token']],
] as const) {
  test(`${name}: the page is the client, and checks what it is given`, async ({ page }) => {
    await start(page, `/flows/${name}`);
    await signIn(page);
    await approve(page);
    await expect(state(page)).toHaveAttribute('data-state', 'done');
    expect(new URL(page.url()).search + new URL(page.url()).hash).toBe('');
    await page.getByTestId('call-whoami').click();
    await expect(page.getByTestId('api-response')).toContainText('"username": "alice@example.com"');
    for (const attack of attacks) {
      await breakIt(page, attack, /refused: /);
    }
    await page.getByTestId('sign-out').click();
    await page.getByTestId('sign-out-confirm').click();
    await expect(page).toHaveURL(`${PLAYGROUND}/`);
  });
}

test('implicit: plain OAuth 2.0 brings an access token and nothing else', async ({ page }) => {
  await page.goto(`${PLAYGROUND}/flows/implicit`);
  await page.getByTestId('field-response_type').selectOption('token');
  await page.getByTestId('field-scope').fill('records:read');
  await page.getByTestId('grant-implicit').click();
  await signIn(page);
  await approve(page);
  await expect(page.getByTestId('result-access-token')).toBeVisible();
  await expect(page.getByTestId('result-id-token')).toBeHidden();
});

test('a denial is told in the server’s words, and the page works on', async ({ page }) => {
  await start(page, '/flows/authorization-code');
  await signIn(page);
  await page.getByTestId('consent-deny').click();
  await expect(state(page)).toHaveAttribute('data-state', 'failed');
  await expect(page.getByTestId('result-problem-error')).toHaveText('access_denied');
  await page.getByTestId('nav-password').click();
  await page.getByTestId('field-password').fill('not-my-password');
  await page.getByTestId('grant-password').click();
  await expect(page.getByTestId('result-problem-error')).toHaveText('invalid_grant');
});

testAccessibility({
  'playground: a flow before it runs': (page) => page.goto(`${PLAYGROUND}/flows/authorization-code`),
  async 'playground: a flow with an attack'(page) {
    await start(page, '/flows/password');
    await breakIt(page, 'garbage-token', /401 invalid_token/);
  },
  async 'playground: an ID token, decoded'(page) {
    await page.goto(`${PLAYGROUND}/flows/password`);
    await page.getByTestId('field-scope').fill('openid profile email');
    await page.getByTestId('grant-password').click();
    await expect(page.getByTestId('step-id_token-claims')).toBeVisible();
  },
});
