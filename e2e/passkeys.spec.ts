import type { Page } from '@playwright/test';
import { decodeJwt } from 'jose';
import { createPkce } from '../src/testing/relying-party.ts';
import { testAccessibility } from './accessible.ts';
import { ISSUER } from './addresses.ts';
import { answerAt, signIn, startSession, web } from './steps.ts';
import { expect, test } from './test.ts';

// An authenticator that was plugged in stays with the browser context.
test.use({ reuseContext: false });

const PERRY = { email: 'perry@example.com' };

/** A device with a lock. It answers a page that asks while somebody touches it, and no other. */
async function plugIn(page: Page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  const present = (enabled: boolean) =>
    devtools.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled });
  return {
    touch: () => present(true),
    leave: () => present(false),
    keeps: async () => (await devtools.send('WebAuthn.getCredentials', { authenticatorId })).credentials.length,
  };
}

async function openConsole(page: Page, path: string, person: { email: string }) {
  await startSession(page, person);
  await page.goto(`${ISSUER}/account${path}`);
}

async function addPasskey(page: Page, person: { email: string }) {
  const device = await plugIn(page);
  await openConsole(page, '/passkeys', person);
  await page.getByTestId('add-passkey').click();
  await expect(page.getByTestId('said')).toHaveText(/Your passkey was added/);
  await device.leave();
  return device;
}

/** Another browser of the same person, with the same device. */
const forgetSignIn = (page: Page) => page.context().clearCookies();

async function claimsAt(page: Page, pkce: ReturnType<typeof createPkce>) {
  const answer = await answerAt(page);
  const { body } = await web.exchange({ code: answer.searchParams.get('code') ?? '', verifier: pkce.verifier });
  const { acr, amr } = decodeJwt(String(body.id_token));
  return { acr, amr };
}

test('a passkey is added, named, signs in by itself, and is removed', async ({ page }) => {
  const device = await addPasskey(page, { email: 'pia@example.com' });
  await page.goto(`${ISSUER}/account/passkeys`);
  await page.getByTestId('rename-passkey').click();
  await page.getByTestId('passkey-new-name').fill('The blue one');
  await page.getByTestId('save-passkey-name').click();
  await expect(page.getByTestId('passkey-name')).toHaveText('The blue one');

  await forgetSignIn(page);
  const pkce = createPkce();
  // Or it would answer what the page asks for the email field, before anybody clicks.
  await page.addInitScript(() => {
    PublicKeyCredential.isConditionalMediationAvailable = async () => false;
  });
  await page.goto(web.authorizationUrl({ scope: 'openid' }, pkce));
  await device.touch();
  await page.getByTestId('sign-in-passkey').click();
  await page.getByTestId('consent-approve').click();
  expect(await claimsAt(page, pkce)).toEqual({ acr: 'phr', amr: ['hwk', 'user', 'mfa'] });

  await page.goto(`${ISSUER}/account/passkeys`);
  await expect(page.getByTestId('passkey-used')).toHaveText(/now|second|minute/);
  await page.getByTestId('remove-passkey').click();
  await page.getByTestId('confirm-remove-passkey').click();
  await expect(page.getByTestId('no-passkeys')).toBeVisible();
  // The page tells the browser which are left, so that it offers no others.
  await expect.poll(device.keeps).toBe(0);
});

test('a passkey is offered with the email field, without a click', async ({ page }) => {
  const device = await addPasskey(page, { email: 'petra@example.com' });
  await forgetSignIn(page);
  await page.goto(web.authorizationUrl({ scope: 'openid' }));
  await expect(page.getByTestId('email')).toHaveAttribute('autocomplete', 'username webauthn');
  // Chromium's device answers as soon as it is asked, which is when the page opens.
  await device.touch();
  await page.reload();
  await expect(page.getByTestId('consent-form')).toBeVisible();
});

test('a passkey confirms a password, and who cancels is told so and may try again', async ({ page }) => {
  const device = await addPasskey(page, { email: 'paul@example.com' });
  await forgetSignIn(page);
  const pkce = createPkce();
  await page.goto(web.authorizationUrl({ scope: 'openid' }, pkce));
  await signIn(page, { email: 'paul@example.com' });
  // As when somebody closes the browser's window.
  await page.evaluate(() => {
    const { get } = navigator.credentials;
    navigator.credentials.get = async () => {
      navigator.credentials.get = get;
      throw new DOMException('', 'NotAllowedError');
    };
  });
  await page.getByTestId('confirm-passkey').click();
  await expect(page.getByTestId('passkey-problem')).toHaveText(/You cancelled it, or it took too long/);
  await device.touch();
  await page.getByTestId('confirm-passkey').click();
  await page.getByTestId('consent-approve').click();
  expect(await claimsAt(page, pkce)).toEqual({ acr: 'phr', amr: ['pwd', 'hwk', 'user', 'mfa'] });
});

test('whoever has to have a second factor makes a passkey on the way to the client', async ({ page }) => {
  const pkce = createPkce();
  const claims = JSON.stringify({ id_token: { acr: { essential: true, values: ['mfa'] } } });
  await page.goto(web.authorizationUrl({ scope: 'openid', claims }, pkce));
  await signIn(page, { email: 'pelle@example.com' });
  await plugIn(page);
  await page.getByTestId('set-up-passkey').click();
  await expect(page.getByTestId('recovery-codes').getByRole('listitem')).toHaveCount(10);
  await page.getByTestId('set-up-done').click();
  await page.getByTestId('confirm-passkey').click();
  await page.getByTestId('consent-approve').click();
  // What the client knows of it.
  expect(await claimsAt(page, pkce)).toEqual({ acr: 'mfa', amr: ['pwd', 'hwk', 'user', 'mfa'] });
});

test('a new password can be looked at, and is told to be strong or not', async ({ page }) => {
  await openConsole(page, '/password', PERRY);
  const field = page.getByTestId('new-password');
  const strength = page.getByTestId('password-strength');
  await field.fill('too short');
  await expect(strength).toHaveText('Too short: 9 of 12');
  await field.fill('perry@example.com');
  await expect(strength).toHaveText('Easy to guess');
  await field.fill('seven tapirs rowing quietly');
  await expect(strength).toHaveText('Strong');
  await page.getByTestId('show-password').last().click();
  await expect(field).toHaveAttribute('type', 'text');
  await page.getByTestId('current-password').fill('correct-horse-battery-staple');
  await page.getByTestId('change-password').click();
  await expect(page.getByTestId('said')).toHaveText(/Your password was changed/);
});

testAccessibility({
  passkeys: (page) => openConsole(page, '/passkeys', { email: 'alice@example.com' }),
  async 'a new password, refused'(page) {
    await openConsole(page, '/password', { email: 'alice@example.com' });
    await page.getByTestId('current-password').fill('correct-horse-battery-staple');
    await page.getByTestId('new-password').fill('Password2026!');
    await page.getByTestId('change-password').click();
    await expect(page.getByTestId('password-problem')).toBeVisible();
    await page.getByTestId('new-password').fill('Password2026! and more');
  },
});
