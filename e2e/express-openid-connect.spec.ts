import express from 'express';
import openid from 'express-openid-connect';
import { startApplication } from '../src/testing/application.ts';
import { ISSUER } from './addresses.ts';
import { approve, signIn } from './steps.ts';
import { expect, test } from './test.ts';

interface Registered {
  readonly client_id: string;
  readonly client_secret: string;
}

/** Registered by itself, at an address of its own: 127.0.0.1 is another site than the issuer's localhost. */
const startApp = () =>
  startApplication((baseURL) => {
    const app = express();
    const registered = register(baseURL).then((client) => app.use(createRoutes(baseURL, client)));
    return (request, response) => void registered.then(() => app(request, response));
  }, '127.0.0.1');

async function register(baseURL: string): Promise<Registered> {
  const response = await fetch(`${ISSUER}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'Another site',
      redirect_uris: [`${baseURL}/callback`],
      post_logout_redirect_uris: [`${baseURL}/goodbye`],
      scope: 'openid profile email',
    }),
  });
  return (await response.json()) as Registered;
}

function createRoutes(baseURL: string, { client_id, client_secret }: Registered) {
  const routes = express.Router();
  routes.use(
    openid.auth({
      issuerBaseURL: ISSUER,
      baseURL,
      clientID: client_id,
      clientSecret: client_secret,
      secret: 'a-secret-of-the-application-that-is-long-enough',
      authRequired: false,
      idpLogout: true,
      authorizationParams: { response_type: 'code', response_mode: 'form_post', scope: 'openid profile email' },
      routes: { postLogoutRedirect: '/goodbye' },
    }),
  );
  routes.get('/', openid.requiresAuth(), async ({ oidc }, response) => void response.json(await oidc.fetchUserInfo()));
  routes.get('/goodbye', ({ oidc }, response) => void response.json({ signedIn: oidc.isAuthenticated() }));
  return routes;
}

test('express-openid-connect on another site is posted its code, and signs out', async ({ page }) => {
  const application = await startApp();
  const posted = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/callback'));
  await page.goto(application.url);
  await signIn(page);
  await approve(page);
  expect((await posted).postData()).toContain('code=');
  await page.waitForURL(`${application.url}/`);
  await expect(page.locator('body')).toContainText('"email":"alice@example.com"');

  await page.goto(`${application.url}/logout`);
  await page.getByTestId('sign-out-confirm').click();
  await page.waitForURL(`${application.url}/goodbye`);
  await expect(page.locator('body')).toContainText('{"signedIn":false}');
  application.stop();
});
