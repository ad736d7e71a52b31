import type { Page } from '@playwright/test';
import { postForm } from '../src/testing/relying-party.ts';
import { testAccessibility } from './accessible.ts';
import { ISSUER } from './addresses.ts';
import { ADMIN, ALICE, GUEST, type Person, signIn } from './steps.ts';
import { expect, test } from './test.ts';

const CHECKOUT = { clientId: 'demo-ciba', secret: 'demo-ciba-secret' };

async function ask({ email }: Pick<Person, 'email'>, binding_message = 'W4SCT'): Promise<string> {
  const scope = 'openid profile records:read';
  const parameters = { scope, login_hint: email, binding_message };
  const { body } = await postForm(`${ISSUER}/backchannel`, parameters, CHECKOUT);
  return String(body.auth_req_id);
}

async function poll(auth_req_id: string) {
  const grant_type = 'urn:openid:params:grant-type:ciba';
  const { body } = await postForm(`${ISSUER}/token`, { grant_type, auth_req_id }, CHECKOUT);
  return body;
}

async function open(page: Page, person: Pick<Person, 'email'>) {
  await page.goto(`${ISSUER}/requests`);
  await signIn(page, person);
}

const requestOf = (page: Page, message: string) =>
  page.getByTestId('request').filter({ has: page.getByText(message, { exact: true }) });

test('a person signs in, compares the message and allows what a client asks for', async ({ page }) => {
  const asked = await ask(ALICE, 'Order 4711');
  await open(page, ALICE);
  const request = requestOf(page, 'Order 4711');
  await expect(request.getByTestId('request-client')).toHaveText('Demo checkout');
  await request.getByTestId('request-allow').click();
  await expect(page.getByTestId('requests-said')).toContainText('Allowed');
  await expect(request).toHaveCount(0);
  expect(await poll(asked)).toMatchObject({ token_type: 'Bearer', scope: 'openid profile records:read' });
});

test('a person denies one of two requests, and the other still waits', async ({ page }) => {
  const [denied, waiting] = [await ask(GUEST, 'Not mine'), await ask(GUEST, 'Mine')];
  await open(page, GUEST);
  await requestOf(page, 'Not mine').getByTestId('request-deny').click();
  await expect(page.getByTestId('requests-said')).toContainText('Denied');
  await expect(requestOf(page, 'Mine')).toBeVisible();
  expect(await poll(denied)).toMatchObject({ error: 'access_denied' });
  expect(await poll(waiting)).toMatchObject({ error: 'authorization_pending' });
});

test('a wrong password is refused there too, and the email that was typed stays', async ({ page }) => {
  await page.goto(`${ISSUER}/requests`);
  await signIn(page, ALICE, 'not-my-password');
  await expect(page.getByTestId('sign-in-problem')).toBeVisible();
  await expect(page.getByTestId('email')).toHaveValue(ALICE.email);
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });
  test('a request is allowed all the same', async ({ page }) => {
    const asked = await ask(ADMIN, 'No script');
    await open(page, ADMIN);
    await requestOf(page, 'No script').getByTestId('request-allow').click();
    await expect(page.getByTestId('requests-said')).toContainText('Allowed');
    expect(await poll(asked)).toMatchObject({ token_type: 'Bearer' });
  });
});

testAccessibility({
  'signing in': (page) => page.goto(`${ISSUER}/requests`),
  async 'requests that wait'(page) {
    await ask(ADMIN, 'Überweisung 250 € an Carol');
    await ask(ADMIN, 'W4SCT');
    await open(page, ADMIN);
    await expect(page.getByTestId('request').first()).toBeVisible();
  },
  async 'an answer'(page) {
    await ask(ADMIN, 'One more');
    await open(page, ADMIN);
    await requestOf(page, 'One more').first().getByTestId('request-deny').click();
    await expect(page.getByTestId('requests-said')).toBeVisible();
  },
});
