/** Step-up: OpenID Connect Core §3.1.2.1 and §5.5.1.1, RFC 9470 §5. */
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import {
  createPkce,
  createRelyingParty,
  DEMO_WEB,
  introspect,
  type Parameters,
  type RelyingParty,
} from '../../testing/relying-party.ts';
import {
  type App,
  createPerson,
  createPersonWithApp,
  fieldsOf,
  letTimePass,
  setUpApp,
  type TestPerson,
  typeCode,
} from '../../testing/second-factors.ts';
import { actionOf, UserAgent, type Visit } from '../../testing/user-agent.ts';

let server: TestServer;
let web: RelyingParty;
/** Has an app, and signs in with the password alone where nobody wants more. */
let person: TestPerson;
let app: App;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
  ({ person, app } = await createPersonWithApp(server, web.authorizationUrl(essential('mfa'))));
});
afterAll(() => server.stop());

const essential = (...values: string[]) => ({
  scope: 'openid',
  claims: JSON.stringify({ id_token: { acr: { essential: true, values } } }),
});
const wish = (acr_values: string) => ({ scope: 'openid', acr_values });

const asksForCode = ({ html }: Visit) => html.includes('data-testid="second-step-form"');
const asksForPassword = ({ html }: Visit) => html.includes('data-testid="sign-in-form"');

/** Opens the request, and lets `answer` take the browser to the client. */
async function tokensAfter(parameters: Parameters, browser: UserAgent, answer: (page: Visit) => Promise<Visit>) {
  const pkce = createPkce();
  const page = await browser.get(web.authorizationUrl(parameters, pkce));
  const visit = await browser.goThrough(await answer(page), person);
  const code = new URL(visit.url).searchParams.get('code') ?? '';
  const { body } = await web.exchange({ code, verifier: pkce.verifier });
  return { page, body, idToken: decodeJwt(String(body.id_token)) };
}

/** A session of one factor, as from before the app was set up. */
async function sessionOfOneFactor(): Promise<{ browser: UserAgent; tokens: Record<string, unknown> }> {
  const { rows } = await server.pool.query('delete from totp_factors returning *');
  const browser = new UserAgent(server.issuer);
  const { body } = await tokensAfter({ scope: 'openid' }, browser, (page) => browser.signIn(page, person));
  for (const row of rows) {
    await server.pool.query(
      'insert into totp_factors (account_id, sealed_seed, last_step, created_at) values ($1, $2, $3, $4)',
      [row.account_id, row.sealed_seed, row.last_step, row.created_at],
    );
  }
  await letTimePass(server);
  return { browser, tokens: body };
}

describe.each([
  ['an essential acr', essential('mfa')],
  ['a wish that can be fulfilled', wish('mfa')],
])('%s', (_what, parameters) => {
  it('asks whoever has just signed in for what is missing, and for nothing else', async () => {
    const { browser, tokens } = await sessionOfOneFactor();
    const before = decodeJwt(String(tokens.id_token));
    expect(before).toMatchObject({ acr: '1fa', amr: ['pwd'] });
    const { page, body, idToken } = await tokensAfter(parameters, browser, (step) =>
      typeCode(browser, step, app.code()),
    );
    expect(asksForCode(page)).toBe(true);
    expect(idToken).toMatchObject({ acr: 'mfa', amr: ['pwd', 'otp', 'mfa'], sub: before.sub });
    // The password was not asked for again.
    expect(idToken.auth_time).toBe(before.auth_time);
    expect(body.scope).toBe('openid');
    // The session went on, and so did what was granted in it.
    expect((await web.refresh(String(tokens.refresh_token))).status).toBe(200);
  });

  it('asks for all of it where the sign-in was long ago', async () => {
    const { browser } = await sessionOfOneFactor();
    const late = await server.addNode({
      config: (config) => ({ ...config, lifetimes: { ...config.lifetimes, recentSignIn: -1 } }),
    });
    browser.node = late;
    expect(asksForPassword(await browser.get(web.authorizationUrl(parameters)))).toBe(true);
  });

  it('is login_required where nobody may be asked', async () => {
    const { browser } = await sessionOfOneFactor();
    const answer = await browser.get(web.authorizationUrl({ ...parameters, prompt: 'none' }));
    expect(new URL(answer.url).searchParams.get('error')).toBe('login_required');
  });

  it('asks for everything where a new sign-in is wanted', async () => {
    const { browser } = await sessionOfOneFactor();
    const page = await browser.get(web.authorizationUrl({ ...parameters, prompt: 'login' }));
    expect(asksForPassword(page)).toBe(true);
    expect(asksForCode(await browser.signIn(page, person))).toBe(true);
  });

  it('asks nobody who is sure enough already', async () => {
    const browser = new UserAgent(server.issuer);
    await letTimePass(server);
    await tokensAfter(parameters, browser, async (page) =>
      typeCode(browser, await browser.signIn(page, person), app.code()),
    );
    const again = await browser.get(web.authorizationUrl({ ...parameters, prompt: 'none' }));
    expect(new URL(again.url).searchParams.get('code')).not.toBeNull();
  });
});

it('a resource server hears how and when somebody had signed in, and the same after a refresh (RFC 9470 §6.2)', async () => {
  const browser = new UserAgent(server.issuer);
  await letTimePass(server);
  const parameters = { scope: 'openid records:read', acr_values: 'mfa' };
  const { body, idToken } = await tokensAfter(parameters, browser, async (page) =>
    typeCode(browser, await browser.signIn(page, person), app.code()),
  );
  const signedIn = { active: true, acr: 'mfa', auth_time: idToken.auth_time };
  expect(await introspect(server.issuer, String(body.access_token))).toMatchObject(signedIn);
  const refreshed = await web.refresh(String(body.refresh_token));
  expect(await introspect(server.issuer, String(refreshed.body.access_token))).toMatchObject(signedIn);
});

it('a wish that the account cannot fulfil is none', async () => {
  const one = await createPerson(server);
  const browser = new UserAgent(server.issuer);
  const { callback, ...code } = await web.authorize(wish('phr mfa'), one, browser);
  expect(callback.searchParams.has('code')).toBe(true);
  const { body } = await web.exchange(code);
  expect(decodeJwt(String(body.id_token)).acr).toBe('1fa');
  const silent = await browser.get(web.authorizationUrl({ ...wish('phr mfa'), prompt: 'none' }));
  expect(new URL(silent.url).searchParams.has('code')).toBe(true);
});

it('an essential acr of two factors lets somebody set up the second one on the way', async () => {
  const one = await createPerson(server);
  const browser = new UserAgent(server.issuer);
  const page = await browser.signIn(await browser.get(web.authorizationUrl(essential('mfa'))), one);
  const { codesPage } = await setUpApp(browser, page);
  const done = await browser.post(actionOf(codesPage, 'set-up/done'), fieldsOf(codesPage));
  expect(done.html).toContain('data-testid="consent-form"');
});

it('an essential acr that the account cannot prove is an error for the client', async () => {
  const one = await createPerson(server);
  const browser = new UserAgent(server.issuer);
  const page = await browser.get(web.authorizationUrl(essential('phr')));
  const answer = new URL((await browser.signIn(page, one)).url).searchParams;
  expect(Object.fromEntries(answer)).toMatchObject({ error: 'unmet_authentication_requirements', state: 'a-state' });
  await browser.authorize(web.authorizationUrl({ scope: 'openid' }), one);
  for (const prompt of [undefined, 'none']) {
    const again = await browser.get(web.authorizationUrl({ ...essential('phr'), prompt }));
    expect(new URL(again.url).searchParams.get('error')).toBe('unmet_authentication_requirements');
  }
});

it('tells a client the surest value of those that it asked for', async () => {
  await letTimePass(server);
  const browser = new UserAgent(server.issuer);
  const { idToken } = await tokensAfter(wish('1fa'), browser, async (page) =>
    typeCode(browser, await browser.signIn(page, person), app.code()),
  );
  expect(idToken.acr).toBe('1fa');
  const { idToken: plain } = await tokensAfter({ scope: 'openid' }, browser, async (page) => page);
  expect(plain.acr).toBe('mfa');
});

it('auth_time is when somebody signed in, however long they looked at the consent page', async () => {
  const one = await createPerson(server);
  const browser = new UserAgent(server.issuer);
  const pkce = createPkce();
  const consent = await browser.signIn(await browser.get(web.authorizationUrl({ scope: 'openid' }, pkce)), one);
  const signedInBy = Date.now() / 1000;
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 600_000 });
  try {
    const visit = await browser.goThrough(consent, one);
    const { body } = await web.exchange({
      code: new URL(visit.url).searchParams.get('code') ?? '',
      verifier: pkce.verifier,
    });
    expect(decodeJwt(String(body.id_token)).auth_time).toBeLessThanOrEqual(signedInBy);
  } finally {
    vi.useRealTimers();
  }
});

it('a client may wish for it in every request of its own (default_acr_values)', async () => {
  await server.apply({
    clients: [
      {
        client_id: 'careful',
        client_secret: 'careful-client-secret',
        grant_types: ['authorization_code'],
        redirect_uris: ['http://localhost:3002/careful'],
        scope: 'openid',
        default_acr_values: ['mfa'],
      },
    ],
  });
  const careful = createRelyingParty(server.issuer, {
    clientId: 'careful',
    secret: 'careful-client-secret',
    redirectUri: 'http://localhost:3002/careful',
  });
  const { browser } = await sessionOfOneFactor();
  expect(asksForCode(await browser.get(careful.authorizationUrl({ scope: 'openid' })))).toBe(true);
});
