/** Everything the authorization server does, for tests that look at what it leaves behind. */
import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import type { TestServer } from './authorization-server.ts';
import {
  ALICE,
  createRelyingParty,
  DEMO_IMPLICIT,
  DEMO_MACHINE,
  DEMO_PASSWORD_CLIENT,
  DEMO_SPA,
  DEMO_WEB,
  encode,
  introspect,
  postForm,
  type RelyingParty,
  revoke,
  tokensOf,
} from './relying-party.ts';
import { tokensFromTokens } from './tokens-from-tokens.ts';
import { DEMO_PASSWORD, UserAgent } from './user-agent.ts';

export const WRONG_PASSWORD = 'a-wrong-password-is-often-another-right-one';

const HYBRID = { clientId: 'hybrid', secret: 'hybrid-secret', redirectUri: 'http://localhost:3002/callback' };
const SCOPE = 'openid profile offline_access records:read';

const randomState = () => `state-${randomBytes(12).toString('base64url')}`;

/** Every grant, session and page, finished and left half-way, with values of its own for whatever a client chooses. */
export async function driveEveryFlow(server: TestServer): Promise<void> {
  await codeAndLogout(server);
  await pendingPages(server);
  await frontChannel(server);
  await withoutBrowser(server);
  await tokensFromTokens(server);
}

/** A code grant to its end, another that never comes back, and a sign-out of which the person only saw the question. */
async function codeAndLogout(server: TestServer): Promise<void> {
  const browser = new UserAgent(server.issuer);
  const web = createRelyingParty(server.issuer, DEMO_WEB);
  const authorization = await web.authorize({ scope: SCOPE, prompt: 'consent', state: randomState() }, ALICE, browser);
  const tokens = tokensOf(await web.exchange(authorization));
  const rotated = tokensOf(await web.refresh(tokens.refresh_token));
  await fetch(server.url('/me'), { headers: { authorization: `Bearer ${rotated.access_token}` } });
  expect(await introspect(server.issuer, rotated.access_token)).toMatchObject({ active: true });
  await revoke(server.issuer, rotated.access_token, DEMO_WEB);
  await web.authorize({ scope: SCOPE, state: randomState() }, ALICE, browser);
  await createRelyingParty(server.issuer, DEMO_SPA).obtainTokens(
    { scope: SCOPE, prompt: 'consent', state: randomState() },
    ALICE,
    browser,
  );
  const goodbye = {
    id_token_hint: tokens.id_token,
    post_logout_redirect_uri: 'http://localhost:3002/',
    state: randomState(),
  };
  const question = await browser.get(`/session/end?${encode(goodbye)}`);
  expect(question.html).toContain('name="xsrf"');
  await signOutForGood(server, web);
}

async function signOutForGood(server: TestServer, web: RelyingParty): Promise<void> {
  const browser = new UserAgent(server.issuer);
  const tokens = await web.obtainTokens({ state: randomState() }, ALICE, browser);
  const question = await browser.get(
    `/session/end?${encode({ id_token_hint: tokens.id_token, state: randomState() })}`,
  );
  const xsrf = question.html.match(/name="xsrf" value="([^"]+)"/)?.[1] ?? '';
  await browser.post('/session/end/confirm', { xsrf, logout: 'yes' });
  expect(await introspect(server.issuer, tokens.access_token)).toEqual({ active: false });
}

/** People who left in the middle: at the sign-in page, after a wrong password, and at the consent page. */
async function pendingPages(server: TestServer): Promise<void> {
  const request = () =>
    createRelyingParty(server.issuer, DEMO_WEB).authorizationUrl({
      scope: SCOPE,
      prompt: 'consent',
      state: randomState(),
    });
  await new UserAgent(server.issuer).get(request());
  const browser = new UserAgent(server.issuer);
  const refused = await browser.signIn(await browser.get(request()), { ...ALICE, password: WRONG_PASSWORD });
  expect(refused.html).toContain('/sign-in"');
  const consent = await browser.signIn(refused, ALICE);
  expect(consent.html).toContain('/consent"');
}

async function frontChannel(server: TestServer): Promise<void> {
  await server.apply({
    clients: [
      {
        client_id: HYBRID.clientId,
        client_secret: HYBRID.secret,
        grant_types: ['authorization_code', 'implicit', 'refresh_token'],
        response_types: ['code id_token token'],
        redirect_uris: [HYBRID.redirectUri],
        scope: SCOPE,
      },
    ],
  });
  const browser = new UserAgent(server.issuer);
  for (const response_type of ['token', 'id_token', 'id_token token']) {
    const url = createRelyingParty(server.issuer, DEMO_IMPLICIT).authorizationUrl({
      response_type,
      scope: 'openid records:read',
      nonce: randomState(),
      state: randomState(),
      code_challenge: undefined,
      code_challenge_method: undefined,
    });
    expect((await browser.authorize(url)).hash).toContain('token=');
  }
  const url = createRelyingParty(server.issuer, HYBRID).authorizationUrl({
    response_type: 'code id_token token',
    scope: SCOPE,
    nonce: randomState(),
    state: randomState(),
  });
  expect((await browser.authorize(url)).hash).toMatch(/code=.*token=|token=.*code=/);
}

async function withoutBrowser(server: TestServer): Promise<void> {
  const { body } = await createRelyingParty(server.issuer, DEMO_MACHINE).requestToken({
    grant_type: 'client_credentials',
  });
  expect(await introspect(server.issuer, String(body.access_token), DEMO_MACHINE)).toMatchObject({ active: true });
  const password = createRelyingParty(server.issuer, DEMO_PASSWORD_CLIENT);
  const grant = { grant_type: 'password', username: ALICE.email, password: DEMO_PASSWORD, scope: SCOPE };
  const first = tokensOf(await password.requestToken(grant));
  await password.refresh(first.refresh_token);
  const second = tokensOf(await password.requestToken(grant));
  await revoke(server.issuer, second.refresh_token, DEMO_PASSWORD_CLIENT);
  tokensOf(await password.requestToken(grant));
}

/** What goes wrong is what gets logged. */
export async function makeEveryMistake(server: TestServer): Promise<void> {
  const web = createRelyingParty(server.issuer, DEMO_WEB);
  const authorization = await web.authorize({ scope: SCOPE, state: randomState() });
  const tokens = tokensOf(await web.exchange(authorization));
  await web.exchange(authorization);
  await web.refresh(tokens.refresh_token);
  await createRelyingParty(server.issuer, { ...DEMO_WEB, secret: 'not-the-secret-of-anybody' }).exchange(authorization);
  await createRelyingParty(server.issuer, DEMO_PASSWORD_CLIENT).requestToken({
    grant_type: 'password',
    username: ALICE.email,
    password: WRONG_PASSWORD,
  });
  await postForm(server.url('/token'), {
    client_id: 'demo-web',
    client_secret: DEMO_WEB.secret,
    grant_type: 'nothing',
    code: randomState(),
  });
  await postForm(server.url('/token'), { grant_type: 'password', password: [DEMO_PASSWORD, WRONG_PASSWORD] });
  await fetch(server.url(`/auth?${encode({ client_id: 'nobody', state: randomState() })}`));
  await fetch(server.url(`/me?${encode({ access_token: tokens.access_token })}`));
  await introspect(server.issuer, randomState());
  await withBrokenDatabase(server, async () => {
    expect((await web.exchange(authorization)).status).toBe(500);
    expect((await fetch(web.authorizationUrl({ state: randomState() }))).status).toBe(500);
    await introspect(server.issuer, tokens.access_token);
    await revoke(server.issuer, tokens.refresh_token, DEMO_WEB);
  });
}

async function withBrokenDatabase(server: TestServer, work: () => Promise<void>): Promise<void> {
  await server.pool.query('alter table artifacts rename to elsewhere');
  await work();
  await server.pool.query('alter table elsewhere rename to artifacts');
}
