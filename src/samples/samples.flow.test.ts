import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt, SignJWT } from 'jose';
import type Koa from 'koa';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startTestServer, type TestServer } from '../testing/authorization-server.ts';
import { createRelyingParty } from '../testing/relying-party.ts';
import { UserAgent } from '../testing/user-agent.ts';
import { createSinglePageApp } from './single-page-app/app.ts';
import { AuthorizationServer } from './single-page-app/authorization-server.ts';
import { createWebApp } from './web-app/app.ts';

const SECRET = 'the-secret-of-a-sample-client-for-tests';
const SCOPE = 'openid profile email roles records:read records:write';

let server: TestServer;
let api: Listening;
let web: Listening;
let spa: Listening;
let apiStatus: number;

interface Listening {
  readonly url: string;
  readonly http: Server;
}

async function listen(): Promise<Listening> {
  const http = createServer().listen(0, '127.0.0.1');
  await once(http, 'listening');
  return { url: `http://localhost:${(http.address() as AddressInfo).port}`, http };
}

beforeAll(async () => {
  // Access tokens so short that every call to the API needs another one, and no second chance for a refresh token.
  server = await startTestServer({
    config: (config) => ({ ...config, lifetimes: { ...config.lifetimes, accessToken: 20, refreshGrace: 0 } }),
  });
  [api, web, spa] = [await listen(), await listen(), await listen()];
  api.http.on('request', (_request, response) => {
    response.writeHead(apiStatus, { 'content-type': 'application/json' }).end('{"records":[]}');
  });
  const registration = { grant_types: ['authorization_code', 'refresh_token'], client_secret: SECRET, scope: SCOPE };
  const client = (client_id: string, { url }: Listening) => {
    return { ...registration, client_id, redirect_uris: [`${url}/callback`], post_logout_redirect_uris: [`${url}/`] };
  };
  const backchannel_logout_uri = `${web.url}/back-channel-logout`;
  await server.apply({
    clients: [{ ...client('sample-web', web), backchannel_logout_uri }, client('sample-spa', spa)],
  });
  serve(web, createWebApp({ ...optionsOf('sample-web', web), issuer: server.issuer }));
  serve(spa, createSinglePageApp({ ...optionsOf('sample-spa', spa), issuer: server.issuer, cookieSecret: SECRET }));
});

afterAll(async () => {
  for (const { http } of [api, web, spa]) {
    http.closeAllConnections();
    http.close();
  }
  await server.stop();
});

beforeEach(() => {
  apiStatus = 200;
});

function optionsOf(clientId: string, { url }: Listening) {
  return { clientId, clientSecret: SECRET, scope: SCOPE, resourceApi: api.url, ownUrl: url };
}

function serve({ http }: Listening, app: Koa): void {
  app.silent = true;
  http.on('request', app.callback());
}

/** The authorization server revokes nothing, while the rest of it goes on; answers with the tokens that were to be revoked. */
async function failToRevoke(during: () => Promise<unknown>): Promise<string[]> {
  const tokens: string[] = [];
  const { fetch } = globalThis;
  vi.stubGlobal('fetch', async (input: string | URL, init?: RequestInit) => {
    if (!String(input).endsWith('/token/revocation')) {
      return fetch(input, init);
    }
    tokens.push(new URLSearchParams(String(init?.body)).get('token') ?? '');
    return new Response(null, { status: 503 });
  });
  await during().finally(() => vi.unstubAllGlobals());
  return tokens;
}

/** A browser's cookies at one app, and a person who signs in with it. */
class Browser {
  readonly #app: Listening;
  readonly cookies = new Map<string, string>();

  constructor(app: Listening) {
    this.#app = app;
  }

  async send(path: string, init: RequestInit = {}): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { cookie, ...init.headers };
    const response = await fetch(this.#app.url + path, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      value === '' ? this.cookies.delete(name) : this.cookies.set(name, value);
    }
    return response;
  }

  post(path: string, fields: Record<string, string> = {}, origin = this.#app.url): Promise<Response> {
    return this.send(path, { method: 'POST', body: new URLSearchParams(fields), headers: { origin } });
  }

  /** Where the authorization server sends it back to. */
  async comeBackFrom(path: string, agent = new UserAgent(server.issuer)): Promise<URL> {
    const { headers } = await this.send(path);
    return agent.authorize(String(headers.get('location')));
  }

  async signIn(path: string): Promise<Response> {
    const { pathname, search } = await this.comeBackFrom(path);
    return this.send(pathname + search);
  }
}

describe('the web app', () => {
  const signedIn = async () => {
    const browser = new Browser(web);
    expect((await browser.signIn('/sign-in')).status).toBe(303);
    return browser;
  };
  const isSignedIn = async (browser: Browser) => (await (await browser.send('/')).text()).includes('Hello, Alice');

  it('uses no refresh token twice, however many pages of a session need a token at the same moment', async () => {
    const browser = await signedIn();
    const pages = await Promise.all(Array.from({ length: 8 }, () => browser.send('/')));
    expect(pages.map(({ status }) => status)).toEqual(pages.map(() => 200));
    expect(await isSignedIn(browser)).toBe(true);
  });

  it('ends the session when a new token is no better for the API, and says so', async () => {
    const browser = await signedIn();
    apiStatus = 401;
    const answer = await browser.send('/');
    expect([answer.status, await answer.text()]).toEqual([401, expect.stringContaining('Your session has ended')]);
    apiStatus = 200;
    expect(await isSignedIn(browser)).toBe(false);
  });

  it('gives every sign-in a session id of its own, and takes each answer once and from the browser that asked', async () => {
    const browser = new Browser(web);
    browser.cookies.set('sample_web_session', 'planted-by-somebody-else');
    const { pathname, search } = await browser.comeBackFrom('/sign-in');
    const thief = new Browser(web);
    expect((await thief.send(pathname + search)).status).toBe(400);
    expect((await browser.send(pathname + search)).status).toBe(303);
    const first = browser.cookies.get('sample_web_session');
    expect(first).not.toBe('planted-by-somebody-else');
    await browser.signIn('/sign-in');
    const copy = new Browser(web);
    copy.cookies.set('sample_web_session', String(first));
    expect(await isSignedIn(copy)).toBe(false);
    browser.cookies.delete('sample_web_session');
    expect((await browser.send(pathname + search)).status).toBe(400);
  });

  it('takes no answer in the name of another issuer (RFC 9207), and no refusal for markup', async () => {
    const browser = new Browser(web);
    const { pathname, searchParams } = await browser.comeBackFrom('/sign-in');
    searchParams.set('iss', 'https://evil.example');
    expect((await browser.send(`${pathname}?${searchParams}`)).status).toBe(400);
    const state = (await browser.comeBackFrom('/sign-in')).searchParams.get('state') ?? '';
    const refusal = { error: 'server_error', error_description: '<script>', state, iss: server.issuer };
    const page = await browser.send(`/callback?${new URLSearchParams(refusal)}`);
    expect([page.status, await page.text()]).toEqual([502, expect.stringContaining('&lt;script&gt;')]);
    expect(await isSignedIn(browser)).toBe(false);
  });

  it('changes nothing for a page of another origin', async () => {
    const browser = await signedIn();
    for (const path of ['/sign-out', '/records']) {
      expect((await browser.post(path, { title: 'x', body: '' }, 'http://localhost:3002')).status).toBe(403);
    }
    expect(await isSignedIn(browser)).toBe(true);
  });

  it('ends a session when the authorization server says that it is over there', async () => {
    const notices: number[] = [];
    web.http.on('request', ({ url }, response) => {
      if (url === '/back-channel-logout') {
        response.on('finish', () => notices.push(response.statusCode));
      }
    });
    const [browser, agent] = [new Browser(web), new UserAgent(server.issuer)];
    const { pathname, search } = await browser.comeBackFrom('/sign-in', agent);
    await browser.send(pathname + search);
    const other = await signedIn();
    await agent.signOut(await agent.get(server.url('/session/end')));
    await expect.poll(() => notices).toEqual([200]);
    // No page of problems: it is not the API that ended it.
    const answer = await browser.send('/');
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('data-testid="sign-in"')]);
    expect(await isSignedIn(other)).toBe(true);
  });

  it('ends no session for a logout notice that the authorization server has not signed', async () => {
    const browser = await signedIn();
    const claims = { events: { 'http://schemas.openid.net/event/backchannel-logout': {} }, jti: '1', sub: 'alice' };
    const forged = new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', typ: 'logout+jwt' })
      .setIssuer(server.issuer)
      .setAudience('sample-web')
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(new TextEncoder().encode(SECRET));
    const hint = (await browser.post('/sign-out')).headers.get('location') ?? '';
    const idToken = new URL(hint).searchParams.get('id_token_hint') ?? '';
    expect(decodeJwt(idToken)).toHaveProperty('sid');
    const other = await signedIn();
    for (const logout_token of [await forged, idToken, 'eyJhbGciOiJub25lIn0.e30.', '']) {
      expect((await new Browser(web).post('/back-channel-logout', { logout_token })).status).toBe(400);
    }
    expect(await isSignedIn(other)).toBe(true);
  });

  it('tells who signs out while the server revokes nothing that it is not over there, and sees to it before the next sign-in', async () => {
    const browser = await signedIn();
    const [token = ''] = await failToRevoke(async () => {
      const answer = await browser.post('/sign-out');
      const page = await answer.text();
      expect([answer.status, page]).toEqual([503, expect.stringContaining('may not have ended yet')]);
      expect(page).toContain(`href="${server.issuer}/session/end?`);
    });
    expect(await isSignedIn(browser)).toBe(false);
    await browser.send('/sign-in');
    const { clientId, clientSecret: secret } = optionsOf('sample-web', web);
    const party = createRelyingParty(server.issuer, { clientId, secret, redirectUri: `${web.url}/callback` });
    const refreshed = await party.requestToken({ grant_type: 'refresh_token', refresh_token: token });
    expect(refreshed.body).toMatchObject({ error: 'invalid_grant' });
  });

  it('keeps up while the authorization server is away: a page, and none that blames the person', async () => {
    const app = await listen();
    const issuer = 'http://localhost:1';
    serve(app, createWebApp({ ...optionsOf('sample-web', app), issuer }));
    const answer = await new Browser(app).send('/sign-in');
    app.http.close();
    expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining('A server does not answer')]);
  });
});

it('lets nobody in where the server names no way out', async () => {
  const issuer = await listen();
  const apps = [await listen(), await listen()] as const;
  issuer.http.on('request', (_request, response) => {
    const metadata = {
      issuer: issuer.url,
      authorization_endpoint: `${issuer.url}/auth`,
      jwks_uri: `${issuer.url}/jwks`,
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(metadata));
  });
  const problems: string[] = [];
  const options = { ...optionsOf('sample', apps[0]), issuer: issuer.url, cookieSecret: SECRET };
  for (const [index, app] of [createWebApp(options), createSinglePageApp(options)].entries()) {
    serve(apps[index] as Listening, app);
    app.on('error', (error) => problems.push(error.message));
  }
  expect((await new Browser(apps[0]).send('/sign-in')).status).toBe(500);
  expect((await new Browser(apps[1]).send('/bff/sign-in')).headers.get('location')).toBe('/?sign-in=failed');
  for (const { http } of [issuer, ...apps]) {
    http.close();
  }
  const missing = expect.stringContaining('revocation_endpoint, end_session_endpoint');
  expect(problems).toEqual([missing, missing]);
});

describe('the token handler of the single-page app', () => {
  const REFRESH = '__Host-sample-spa-refresh';
  const signedIn = async () => {
    const browser = new Browser(spa);
    expect((await browser.signIn('/bff/sign-in?to=/records')).headers.get('location')).toBe(`${spa.url}/records`);
    return browser;
  };
  const tokenFor = async (browser: Browser) => {
    const answer = await browser.post('/bff/token');
    return [answer.status, await answer.json()];
  };

  it('refreshes once for all tabs that ask at the same moment', async () => {
    const { clientId, clientSecret: secret, ...options } = optionsOf('sample-spa', spa);
    const party = createRelyingParty(server.issuer, { clientId, secret, redirectUri: `${spa.url}/callback` });
    const { refresh_token } = await party.obtainTokens({ scope: SCOPE });
    const handler = new AuthorizationServer({ ...options, issuer: server.issuer, clientId, clientSecret: secret });
    const answers = await Promise.all(Array.from({ length: 8 }, () => handler.refresh(refresh_token)));
    expect(new Set(answers.map(({ accessToken }) => accessToken)).size).toBe(1);
    await handler.refresh(answers[0]?.refreshToken ?? '');
  });

  it('has the cookie go on to work, request after request', async () => {
    const browser = await signedIn();
    const seen = new Set([browser.cookies.get(REFRESH)]);
    for (let round = 1; round <= 3; round += 1) {
      expect(await tokenFor(browser)).toEqual([
        200,
        { access_token: expect.any(String), expires_in: expect.any(Number) },
      ]);
      seen.add(browser.cookies.get(REFRESH));
    }
    expect(seen.size).toBe(4);
  });

  it('opens no cookie that it has not sealed for that purpose', async () => {
    const browser = await signedIn();
    const sealed = browser.cookies.get(REFRESH) ?? '';
    expect(sealed).toMatch(/^[\w-]{90,}$/);
    const middle = Math.floor(sealed.length / 2);
    const altered = sealed.slice(0, middle) + (sealed[middle] === 'A' ? 'B' : 'A') + sealed.slice(middle + 1);
    await browser.send('/bff/sign-in');
    for (const value of [altered, browser.cookies.get('__Host-sample-spa-sign-in'), 'AAAA', sealed.slice(0, 20)]) {
      const forger = new Browser(spa);
      forger.cookies.set(REFRESH, String(value));
      expect(await tokenFor(forger)).toEqual([401, { error: 'signed_out' }]);
    }
    expect((await tokenFor(browser))[0]).toBe(200);
  });

  it('hands nothing out where the page is not its own', async () => {
    const browser = await signedIn();
    for (const origin of ['http://localhost:3002', 'null', '']) {
      for (const path of ['/bff/token', '/bff/sign-out']) {
        expect((await browser.post(path, {}, origin)).status).toBe(403);
      }
    }
    expect((await tokenFor(browser))[0]).toBe(200);
  });

  it('C95: brings several tabs back, each to its own page, and none to another site', async () => {
    const browser = new Browser(spa);
    const first = await browser.comeBackFrom('/bff/sign-in?to=/reports');
    const second = await browser.comeBackFrom('/bff/sign-in?to=https://evil.example/');
    const third = await browser.comeBackFrom('/bff/sign-in?to=/.//evil.example/');
    expect((await browser.send(first.pathname + first.search)).headers.get('location')).toBe(`${spa.url}/reports`);
    expect((await browser.send(second.pathname + second.search)).headers.get('location')).toBe(`${spa.url}/`);
    const back = (await browser.send(third.pathname + third.search)).headers.get('location') ?? '';
    expect(new URL(back, spa.url).origin).toBe(spa.url);
    expect((await browser.send(second.pathname + second.search)).headers.get('location')).toBe('/?sign-in=unknown');
  });

  it('forgets who signs out, and a copy of the cookie is worth nothing', async () => {
    const browser = await signedIn();
    const copy = new Browser(spa);
    copy.cookies.set(REFRESH, browser.cookies.get(REFRESH) ?? '');
    const { location } = await (await browser.post('/bff/sign-out')).json();
    expect(location).toContain(`${server.issuer}/session/end?`);
    expect(new URL(location).searchParams.has('id_token_hint')).toBe(false);
    expect(await tokenFor(browser)).toEqual([401, { error: 'signed_out' }]);
    expect(await tokenFor(copy)).toEqual([401, { error: 'signed_out' }]);
  });

  it('forgets who signs out while the server revokes nothing, says so, and revokes before the next sign-in', async () => {
    const browser = await signedIn();
    const copy = new Browser(spa);
    copy.cookies.set(REFRESH, browser.cookies.get(REFRESH) ?? '');
    await failToRevoke(async () => {
      const answer = await browser.post('/bff/sign-out');
      const location = expect.stringContaining('/session/end?');
      expect([answer.status, await answer.json()]).toEqual([202, { location }]);
    });
    expect(await tokenFor(browser)).toEqual([401, { error: 'signed_out' }]);
    await browser.send('/bff/sign-in');
    expect(await tokenFor(copy)).toEqual([401, { error: 'signed_out' }]);
  });

  it('says as much where it has never reached the server', async () => {
    const browser = await signedIn();
    const app = await listen();
    const options = { ...optionsOf('sample-spa', app), ownUrl: spa.url, cookieSecret: SECRET };
    serve(app, createSinglePageApp({ ...options, issuer: 'http://localhost:1' }));
    const away = new Browser(app);
    away.cookies.set(REFRESH, browser.cookies.get(REFRESH) ?? '');
    const answer = await away.post('/bff/sign-out', {}, spa.url);
    app.http.close();
    expect([answer.status, await answer.json()]).toEqual([202, {}]);
    expect(away.cookies.has(REFRESH)).toBe(false);
  });

  it('signs out another tab whose refresh is on its way', async () => {
    const browser = await signedIn();
    const tab = new Browser(spa);
    tab.cookies.set(REFRESH, browser.cookies.get(REFRESH) ?? '');
    await Promise.all([tab.post('/bff/token'), browser.post('/bff/sign-out')]);
    expect(await tokenFor(tab)).toEqual([401, { error: 'signed_out' }]);
  });

  it('leaves no cookie behind where a refresh was on its way and the server revokes nothing', async () => {
    const browser = await signedIn();
    const [begun, signedOut] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    spa.http.on('request', ({ url }) => url === '/bff/sign-out' && signedOut.resolve());
    await failToRevoke(async () => {
      const { fetch } = globalThis;
      vi.stubGlobal('fetch', async (input: string | URL, init?: RequestInit) => {
        if (String(input) === `${server.issuer}/token`) {
          begun.resolve();
          await signedOut.promise;
        }
        return fetch(input, init);
      });
      const refreshed = browser.post('/bff/token');
      await begun.promise;
      await Promise.all([refreshed, browser.post('/bff/sign-out')]);
    });
    expect(browser.cookies.has(REFRESH)).toBe(false);
  });
});
