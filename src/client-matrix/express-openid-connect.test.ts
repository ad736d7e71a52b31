/** express-openid-connect 3: the routes /login, /callback and /logout of an Express application, from the issuer's URL alone. */
import express from 'express';
import openid, { type ConfigParams } from 'express-openid-connect';
import session from 'express-session';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startApplication } from '../testing/application.ts';
import { startTestServer, type TestServer } from '../testing/authorization-server.ts';
import { Browser } from '../testing/browser.ts';
import { introspect } from '../testing/relying-party.ts';

const CLIENT = { client_id: 'express', client_secret: 'express-secret' };

let server: TestServer;
const applications: Awaited<ReturnType<typeof startApplication>>[] = [];
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());
beforeEach(() => {
  // It wants https for form_post, because of the cookies; a loopback address does.
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
  for (const application of applications.splice(0)) {
    application.stop();
  }
});

/** An application of which `/` is for people who are signed in; and a browser that opens it. */
async function start(authorizationParams: NonNullable<ConfigParams['authorizationParams']>, more: ConfigParams = {}) {
  const application = await startApplication((baseURL) => {
    const app = express();
    app.use(openid.auth({ ...settings(baseURL), authorizationParams, ...more }));
    app.get('/', openid.requiresAuth(), async ({ oidc }, response) => {
      const userinfo = oidc.accessToken && (await oidc.fetchUserInfo());
      response.json({ user: oidc.user, accessToken: oidc.accessToken?.access_token, userinfo });
    });
    app.get('/refreshed', openid.requiresAuth(), async ({ oidc }, response) => {
      response.json(await oidc.accessToken?.refresh());
    });
    app.get('/goodbye', (_request, response) => void response.send('signed out'));
    return app;
  });
  applications.push(application);
  await register(application.url);
  return { browser: new Browser(application.url, server.issuer), url: application.url };
}

const settings = (baseURL: string): ConfigParams => ({
  issuerBaseURL: server.issuer,
  baseURL,
  clientID: CLIENT.client_id,
  clientSecret: CLIENT.client_secret,
  secret: 'a-secret-of-the-application-that-is-long-enough',
  authRequired: false,
  idpLogout: true,
  routes: { postLogoutRedirect: '/goodbye' },
});

const register = (url: string) =>
  server.apply({
    clients: [
      {
        ...CLIENT,
        grant_types: ['authorization_code', 'implicit', 'refresh_token'],
        response_types: ['code', 'id_token', 'code id_token'],
        redirect_uris: [`${url}/callback`],
        post_logout_redirect_uris: [`${url}/goodbye`],
        backchannel_logout_uri: `${url}/backchannel-logout`,
        scope: 'openid profile email records:read offline_access',
      },
    ],
  });

describe('express-openid-connect', () => {
  it.each([
    ['an ID token in a form, its default', {}, 'alice@example.com'],
    ['a code in a form', { response_type: 'code', response_mode: 'form_post' }, undefined],
    ['a code in the query', { response_type: 'code', response_mode: 'query' }, undefined],
    ['code id_token in a form', { response_type: 'code id_token' }, undefined],
  ] as const)('signs a person in by %s, and out', async (_, parameters, email) => {
    const { browser, url } = await start({ ...parameters, scope: 'openid profile email' });
    const home = await browser.open('/');
    expect(home.url).toBe(`${url}/`);
    const { user } = JSON.parse(home.html);
    // OpenID Connect Core §5.4: only an ID token that comes alone tells more than who it is.
    expect({ ...user, email: user.email }).toMatchObject({ sub: expect.any(String), email });

    const goodbye = await browser.open('/logout');
    expect({ url: goodbye.url, html: goodbye.html }).toEqual({ url: `${url}/goodbye`, html: 'signed out' });
    // Neither here nor there: the next visit begins at the sign-in page.
    const request = await browser.application.get('/');
    expect((await browser.issuer.get(request.url)).html).toContain('data-testid="sign-in-submit"');
  });

  it('reads userinfo, and refreshes its access token', async () => {
    const { browser } = await start({ response_type: 'code', scope: 'openid profile email records:read' });
    const { accessToken, userinfo } = JSON.parse((await browser.open('/')).html);
    expect(userinfo).toMatchObject({ name: 'Alice Archer', email: 'alice@example.com' });
    const refreshed = JSON.parse((await browser.application.get('/refreshed')).html);
    expect(refreshed.access_token).not.toBe(accessToken);
    expect(await introspect(server.issuer, refreshed.access_token)).toMatchObject({ active: true });
  });

  it('pushes its request (RFC 9126)', async () => {
    const parameters = { response_type: 'code', scope: 'openid' } as const;
    const { browser, url } = await start(parameters, { pushedAuthorizationRequests: true });
    const request = await browser.application.get('/');
    expect([...new URL(request.url).searchParams.keys()].sort()).toEqual(['client_id', 'request_uri']);
    expect((await browser.follow(request)).url).toBe(`${url}/`);
  });

  it('is told by the server of a sign-out elsewhere (OpenID Connect Back-Channel Logout)', async () => {
    const parameters = { response_type: 'code', scope: 'openid' } as const;
    const store = new session.MemoryStore() as never; // Its types ask for more than any store of express-session has.
    const { browser, url } = await start(parameters, { backchannelLogout: { store } });
    expect((await browser.open('/')).status).toBe(200);
    expect((await browser.application.get('/')).url).toBe(`${url}/`);
    const question = await browser.issuer.get(server.url('/session/end'));
    expect((await browser.issuer.signOut(question)).html).toContain('data-testid="signed-out"');
    // It is told soon, and nobody waits for it.
    await expect.poll(async () => (await browser.application.get('/')).url).toContain(server.url('/auth?'));
  });

  it('signs nobody in with an answer that another browser asked for', async () => {
    const { browser, url } = await start({ response_type: 'code', scope: 'openid' });
    const answer = await browser.issuer.authorize((await browser.application.get('/login')).url);
    const thief = new Browser(url, server.issuer);
    expect((await thief.open(answer.href)).status).toBe(400);
  });
});
