import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test as base, elementOf, expect } from 'concierge/playwright';
import { createBookshop } from './bookshop.js';

/** The shop at a port of its own, known to the test server. */
const test = base.extend<object, { shop: { origin: string; clientId: string } }>({
  shop: [
    async ({ concierge }, use) => {
      const server = createServer().listen(0, 'localhost');
      await once(server, 'listening');
      const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
      const { clientId, clientSecret = '' } = await concierge.clients.create({
        client_name: 'Bookshop',
        redirect_uris: [`${origin}/callback`],
        scope: 'openid profile stock:read',
        resource_server: 'https://bookshop.example/stock', // May ask about tokens for it.
      });
      const { listener, close } = await createBookshop({ issuer: concierge.issuer, clientId, clientSecret, origin });
      server.on('request', listener);
      await use({ origin, clientId });
      server.closeAllConnections();
      server.close();
      await close();
    },
    { scope: 'worker' },
  ],
});

test('a new customer signs in and is greeted', async ({ page, shop, account, signIn, consent }) => {
  await page.goto(shop.origin);
  await expect(elementOf(page, 'sign-in-client')).toHaveText('Bookshop');
  await signIn(account);
  await consent();
  await expect(page.getByText(`Hello, ${account.name}`)).toBeVisible();
});

test('a customer who is signed in already may still refuse', async ({ page, shop, account, startSession, consent }) => {
  await startSession(account);
  await page.goto(shop.origin);
  await consent({ deny: true });
  await expect(page.getByText('Not today: access_denied')).toBeVisible();
});

test('the stock is told to whoever has a token, until that is revoked or too old', async ({
  request,
  concierge,
  shop,
  account,
  issueToken,
  advanceClock,
}) => {
  const statusWith = async (token: string) =>
    (await request.get(`${shop.origin}/stock`, { headers: { authorization: `Bearer ${token}` } })).status();
  const asked = { client: shop.clientId, account: account.email, scope: 'stock:read' };
  const [revoked, old] = [await issueToken(asked), await issueToken(asked)];
  expect(await statusWith(revoked.access_token)).toBe(200);
  await concierge.revoke({ token: revoked.access_token });
  await expect.poll(() => statusWith(revoked.access_token)).toBe(401);
  await advanceClock({ hours: 2 });
  expect(await statusWith(old.access_token)).toBe(401);
});

test('a customer who forgot the password gets a mail that leads to the shop', async ({
  page,
  shop,
  account,
  lastMail,
}) => {
  await page.goto(shop.origin);
  await elementOf(page, 'forgot-password').click();
  await elementOf(page, 'email').fill(account.email);
  await elementOf(page, 'forgot-password-submit').click();
  const [link = ''] = (await lastMail(account.email)).links;
  await page.goto(link);
  await expect(elementOf(page, 'link-email')).toHaveText(account.email);
});
