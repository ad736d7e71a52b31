import { decodeJwt, importJWK, SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SECRET, startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { ALICE, createRelyingParty, DEMO_WEB, GUEST, type RelyingParty } from '../../../testing/relying-party.ts';
import { UserAgent, type Visit } from '../../../testing/user-agent.ts';
import type { SigningKey } from '../../provider/signing-keys.ts';
import { createSealing } from '../../storage/sealing.ts';
import { PostgresSigningKeyStore } from '../../storage/signing-keys.ts';

const HOME = 'http://localhost:3002/';

let server: TestServer;
let web: RelyingParty;
let browser: UserAgent;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
});
afterAll(() => server.stop());
beforeEach(() => {
  browser = new UserAgent(server.issuer);
});

const question = (parameters: Record<string, string>) => browser.get(`/session/end?${new URLSearchParams(parameters)}`);

/** The buttons of the sign-out page. */
const confirm = (visit: Visit) => answer(visit, { logout: 'yes' });
const cancel = (visit: Visit) => answer(visit, {});

function answer(visit: Visit, fields: Record<string, string>): Promise<Visit> {
  const xsrf = visit.html.match(/name="xsrf" value="([^"]+)"/)?.[1] ?? '';
  return browser.post('/session/end/confirm', { xsrf, ...fields });
}

async function isSignedIn(): Promise<boolean> {
  const { url } = await browser.get(web.authorizationUrl({ scope: 'openid', prompt: 'none' }));
  return new URL(url).searchParams.get('error') !== 'login_required';
}

describe('post_logout_redirect_uri', () => {
  it('C68: that is registered gets the person back, with the state', async () => {
    const { id_token } = await web.obtainTokens({ scope: 'openid' }, ALICE, browser);
    const state = 'ä "<script>&x=1 %';
    const visit = await question({ id_token_hint: id_token, post_logout_redirect_uri: HOME, state });
    const end = new URL((await confirm(visit)).url);
    expect(end.origin + end.pathname).toBe(HOME);
    expect(Object.fromEntries(end.searchParams)).toEqual({ state });
  });

  it('C68: works with a client_id in place of a hint, and without a state', async () => {
    await web.authorize({ scope: 'openid' }, ALICE, browser);
    const visit = await question({ client_id: 'demo-web', post_logout_redirect_uri: HOME });
    expect(visit.html).toContain('data-testid="sign-out-client">Demo web app<');
    expect((await confirm(visit)).url).toBe(HOME);
  });

  it('C68: brings back who says no as well', async () => {
    await web.authorize({ scope: 'openid' }, ALICE, browser);
    const visit = await question({ client_id: 'demo-web', post_logout_redirect_uri: HOME, state: 's' });
    expect((await cancel(visit)).url).toBe(`${HOME}?state=s`);
    expect(await isSignedIn()).toBe(true);
  });

  it.each([
    'https://evil.example/',
    'http://localhost:3002',
    'http://localhost:3002/other',
    'http://localhost:3002/?x=1',
    'http://localhost:3002/#x',
    'http://localhost:3002/callback',
    'http://localhost:3002@evil.example/',
    'http://LOCALHOST:3002/',
    '//evil.example',
    '/\\evil.example',
    'javascript:alert(1)',
    'data:text/html,x',
    ' http://localhost:3002/',
  ])('C68 C95: %s is not registered: a page, and no redirect', async (post_logout_redirect_uri) => {
    await web.authorize({ scope: 'openid' }, ALICE, browser);
    const visit = await question({ client_id: 'demo-web', post_logout_redirect_uri });
    expect(visit.status).toBe(400);
    expect(visit.html).toContain('data-testid="error-title"');
    expect(visit.headers.has('location')).toBe(false);
    expect(await isSignedIn()).toBe(true);
  });

  it('C68 C95: is ignored when no client asks', async () => {
    await web.authorize({ scope: 'openid' }, ALICE, browser);
    const end = await confirm(await question({ post_logout_redirect_uri: 'https://evil.example/', state: 's' }));
    expect(end.url).toBe(server.url('/session/end/success'));
  });
});

describe('id_token_hint', () => {
  it('C70: of another person asks all the same, and names nobody', async () => {
    const { id_token } = await web.obtainTokens({ scope: 'openid' }, GUEST);
    await web.authorize({ scope: 'openid' }, ALICE, browser);
    const visit = await question({ id_token_hint: id_token });
    expect(visit.status).toBe(200);
    expect(visit.html).not.toContain('guest');
    expect(await isSignedIn()).toBe(true);
  });

  it('C70: that is forged, or of another issuer, is refused with a page', async () => {
    const { id_token } = await web.obtainTokens({ scope: 'openid' }, ALICE, browser);
    const [header = '', payload = '', signature = ''] = id_token.split('.');
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = { iss: server.issuer, aud: 'demo-web', sub: 'x', exp: 9_999_999_999, iat: 1 };
    const hmac = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.alloc(32));
    const other = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), iss: 'https://evil.example' };
    const rubbish = [1, null, {}, ['demo-web'], '\0', true].map((aud) => `${header}.${encode({ aud })}.${signature}`);
    const hints = [
      `${header}.${payload}.AAAA${signature.slice(4)}`,
      `${encode({ alg: 'none' })}.${payload}.`,
      `${header}.${encode(other)}.${signature}`,
      hmac,
      `${header}.${encode(null)}.${signature}`,
      `${encode(null)}.${payload}.${signature}`,
      'x',
      '..',
      ...rubbish,
    ];
    for (const id_token_hint of hints) {
      const visit = await question({ id_token_hint });
      expect(visit.status).toBe(400);
      expect(visit.html).toContain('data-testid="error-description"');
    }
    expect(await isSignedIn()).toBe(true);
  });

  it('C70: is accepted when it has expired', async () => {
    const { id_token } = await web.obtainTokens({ scope: 'openid' }, ALICE, browser);
    const [key] = await new PostgresSigningKeyStore(server.pool, createSealing([SECRET])).listSigningKeys();
    const { kid, alg } = key as SigningKey;
    const expired = await new SignJWT({ ...decodeJwt(id_token), exp: 1_700_000_000, iat: 1_700_000_000 - 3600 })
      .setProtectedHeader({ alg, kid })
      .sign(await importJWK(key as SigningKey));
    const visit = await question({ id_token_hint: expired, post_logout_redirect_uri: HOME });
    expect(visit.status).toBe(200);
    expect((await confirm(visit)).url).toBe(HOME);
  });

  it('C70: must fit the client_id', async () => {
    const { id_token } = await web.obtainTokens({ scope: 'openid' }, ALICE, browser);
    expect((await question({ id_token_hint: id_token, client_id: 'demo-spa' })).status).toBe(400);
    expect((await question({ client_id: 'nobody' })).status).toBe(400);
    expect((await question({ id_token_hint: id_token, client_id: 'demo-web' })).status).toBe(200);
  });
});
