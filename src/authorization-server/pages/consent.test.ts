import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { UserAgent, type Visit } from '../../testing/user-agent.ts';

let server: TestServer;
let browser: UserAgent;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());
beforeEach(() => {
  browser = new UserAgent(server.issuer);
});

const ALICE = { email: 'alice@example.com' };
const GUEST = { email: 'guest@example.com' };
const REDIRECT = 'http://localhost:3002/callback';

function request(scope: string, more: Record<string, string> = {}): string {
  const params = { client_id: 'demo-web', response_type: 'code', redirect_uri: REDIRECT, scope, state: 'st' };
  return `/auth?${new URLSearchParams({ ...params, ...more })}`;
}

async function consentFor(scope: string, person = ALICE): Promise<Visit> {
  return browser.signIn(await browser.get(request(scope)), person);
}

const scopesOn = (visit: Visit) => [...visit.html.matchAll(/data-scope="([^"]*)"/g)].map(([, scope]) => scope);

async function token(fields: Record<string, string>) {
  const headers = { authorization: `Basic ${btoa('demo-web:demo-web-secret')}` };
  const response = await fetch(server.url('/token'), { method: 'POST', body: new URLSearchParams(fields), headers });
  return { status: response.status, ...((await response.json()) as { scope?: string; refresh_token?: string }) };
}

const redeem = (answer: Visit) =>
  token({
    grant_type: 'authorization_code',
    code: new URL(answer.url).searchParams.get('code') ?? '',
    redirect_uri: REDIRECT,
  });

describe('the consent page', () => {
  it('C55: shows who asks, whom, for what in words, and where the browser goes next', async () => {
    const { status, html, ...visit } = await consentFor('openid email records:read');
    expect(status).toBe(200);
    expect(html).toContain('<bdi data-testid="consent-client">Demo web app</bdi>');
    expect(html).toMatch(/data-testid="consent-account">.*alice@example\.com/);
    expect(html).toContain('data-testid="consent-destination">localhost:3002<');
    expect(scopesOn({ status, html, ...visit })).toEqual(['openid', 'email', 'records:read']);
    expect(html).toContain('>See your email address');
    expect(html).toContain('>See your records');
  });

  it('leads to what the client says about the data it gets', async () => {
    await server.apply({
      clients: [
        {
          client_id: 'open-shop',
          token_endpoint_auth_method: 'none',
          redirect_uris: [REDIRECT],
          scope: 'openid',
          policy_uri: 'https://shop.example/privacy?a=1&b=2',
          tos_uri: 'https://shop.example/terms',
        },
      ],
    });
    const pkce = { code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256' };
    const visit = await browser.get(request('openid', { client_id: 'open-shop', ...pkce }));
    const { html } = await browser.signIn(visit, ALICE);
    expect(html).toContain('<a href="https://shop.example/privacy?a=1&amp;b=2" target="_blank" rel="noreferrer"');
    expect(html).toContain('<a href="https://shop.example/terms" target="_blank" rel="noreferrer"');
    expect((await browser.get(request('openid'))).html).not.toContain('consent-policy');
  });

  it('C55: does not offer what the roles of the account do not permit', async () => {
    expect(scopesOn(await consentFor('openid records:read records:write', GUEST))).toEqual(['openid', 'records:read']);
  });

  it('C55: sends access_denied and the state to the client when the person denies', async () => {
    const { searchParams } = new URL((await browser.deny(await consentFor('openid'))).url);
    expect(searchParams.get('error')).toBe('access_denied');
    expect(searchParams.get('state')).toBe('st');
    expect(searchParams.has('code')).toBe(false);
  });

  it('C55: grants what was asked for, whatever fields the form is given', async () => {
    const visit = await consentFor('openid records:read');
    const answer = await browser.approve(visit, {
      'scope:records:write http://localhost:3001': 'on',
      'scope:email': 'on',
      scope: 'openid records:read records:write',
      grantId: 'x',
      accountId: 'x',
      prompt: 'login',
    });
    expect((await redeem(answer)).scope).toBe('openid records:read');
  });

  it('C55: takes no duration that is not on the page', async () => {
    const visit = await consentFor('openid');
    for (const duration of [undefined, '', 'forever', '__proto__']) {
      expect((await browser.approve(visit, { duration })).status).toBe(400);
    }
  });

  it('asks again only for what is new, and earlier tokens live on', async () => {
    const first = await redeem(await browser.approve(await consentFor('openid records:read')));
    const again = await browser.get(request('openid records:read'));
    expect(new URL(again.url).searchParams.has('code')).toBe(true);

    const more = await browser.get(request('openid records:read records:write'));
    expect(scopesOn(more)).toEqual(['records:write']);
    expect([...more.html.matchAll(/data-held="([^"]*)"/g)].map(([, scope]) => scope)).toEqual([
      'openid',
      'records:read',
    ]);
    const second = await redeem(await browser.approve(more));
    expect(second.scope).toBe('openid records:read records:write');

    const refreshed = await token({ grant_type: 'refresh_token', refresh_token: first.refresh_token ?? '' });
    expect(refreshed).toMatchObject({ status: 200, scope: 'openid records:read' });
  });

  it('asks once, whether a scope of the API is asked for with openid or alone', async () => {
    await browser.approve(await consentFor('openid records:read'));
    const alone = await browser.get(request('records:read'));
    expect(new URL(alone.url).searchParams.has('code')).toBe(true);
  });

  it('cannot be approved before the person has signed in', async () => {
    const visit = await browser.get(request('openid'));
    expect((await browser.post(`${visit.url}/consent`, {})).status).toBe(400);
  });

  it('can be left for another account', async () => {
    const visit = await consentFor('openid records:read');
    const signIn = await browser.get(`${visit.url}/another-account`);
    // The engine signs the first account out with a form that submits itself, or by a button without JavaScript.
    const signOut = await browser.signIn(signIn, GUEST);
    const action = signOut.html.match(/action="([^"]*)"/)?.[1] ?? '';
    const xsrf = signOut.html.match(/name="xsrf" value="([^"]*)"/)?.[1] ?? '';
    const consent = await browser.post(action, { xsrf, logout: 'yes' });
    expect(consent.html).toMatch(/data-testid="consent-account">.*guest@example\.com/);
    expect(new URL((await browser.approve(consent)).url).searchParams.has('code')).toBe(true);
  });

  it('C54: is no longer valid once another account has signed in in this browser', async () => {
    const alices = await consentFor('openid');
    browser.cookies.delete('/ session');
    browser.cookies.delete('/ session.sig');
    await browser.approve(await consentFor('openid', GUEST));
    const late = await browser.approve(alices);
    expect(late.html).toContain('data-testid="other-account-current"');
    expect(browser.isOurs(late.url)).toBe(true);
  });
});
