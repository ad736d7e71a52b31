import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { scriptsBesideOurs } from '../../testing/markup.ts';
import {
  createRelyingParty,
  DEMO_API,
  DEMO_WEB,
  postForm,
  type RelyingParty,
  send,
} from '../../testing/relying-party.ts';
import { consentFieldsOf, UserAgent, type Visit } from '../../testing/user-agent.ts';

let server: TestServer;
let web: RelyingParty;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
});
afterAll(() => server.stop());

/** One of each page that the server has, the engine's own included. */
async function everyPage(): Promise<Record<string, Visit>> {
  const browser = new UserAgent(server.issuer);
  const signIn = await browser.get(web.authorizationUrl({ scope: 'openid' }));
  const refused = await browser.signIn(signIn, { email: 'alice@example.com', password: 'wrong' });
  const consent = await browser.signIn(signIn, { email: 'alice@example.com' });
  const another = await browser.get(`${consent.url}/another-account`);
  const changed = await browser.signIn(another, { email: 'guest@example.com' });
  await browser.approve(await browser.get(web.authorizationUrl({ scope: 'openid' })));
  return {
    signIn,
    refused,
    consent,
    another,
    'change of account': changed,
    'form_post answer': await browser.get(web.authorizationUrl({ scope: 'openid', response_mode: 'form_post' })),
    'sign-out': await browser.get('/session/end'),
    'sign-out of nobody': await new UserAgent(server.issuer).get('/session/end'),
    'signed out': await browser.get('/session/end/success'),
    landing: await browser.get('/'),
    'not found': await browser.get('/nonsense'),
    'protocol error': await browser.get('/auth'),
    'lost interaction': await browser.get('/interaction/x'),
    'lost resume': await browser.get('/auth/x'),
    'wrong method': await browser.get('/interaction/x/consent'),
  };
}

describe('a page', () => {
  it('C53 C89: cannot be framed, cached, sniffed or run a script of anybody', async () => {
    for (const [name, { headers, html, status }] of Object.entries(await everyPage())) {
      expect(html, name).toMatch(/<!doctype html>/i);
      expect(status, name).toBeLessThan(500);
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy, name).toContain("frame-ancestors 'none'");
      expect(policy, name).toContain("default-src 'none'");
      expect(policy, name).toContain("base-uri 'none'");
      expect(policy, name).not.toMatch(/unsafe-|script-src[^;]*(\*|https?:)/);
      expect(headers.get('x-frame-options'), name).toBe('DENY');
      expect(headers.get('x-content-type-options'), name).toBe('nosniff');
      expect(headers.get('referrer-policy'), name).toBe('no-referrer');
      expect(headers.get('cache-control'), name).toBe('no-store');
      expect(headers.get('content-type'), name).toBe('text/html; charset=utf-8');
    }
  });

  it('C89: that submits itself runs exactly that script', async () => {
    const pages = await everyPage();
    for (const name of ['form_post answer', 'sign-out of nobody', 'change of account']) {
      expect(pages[name]?.html).toContain('<script>');
      expect(pages[name]?.headers.get('content-security-policy')).toMatch(/script-src 'sha256-[\w+/]+={0,2}'/);
    }
    for (const name of ['signIn', 'consent', 'sign-out', 'landing', 'not found']) {
      expect(scriptsBesideOurs(pages[name]?.html ?? '<script>')).toEqual([]);
    }
  });
});

describe('an answer to a program', () => {
  it('C89: with a token or a person in it is not cached', async () => {
    const tokens = await web.obtainTokens({ scope: 'openid' });
    const bearer = { authorization: `Bearer ${tokens.access_token}` };
    const token = tokens.access_token;
    const answers = {
      token: await web.refresh(tokens.refresh_token),
      'token refused': await web.refresh('x'),
      userinfo: await send(server.url('/me'), { headers: bearer }),
      'userinfo refused': await send(server.url('/me')),
      introspection: await postForm(server.url('/token/introspection'), { token }, DEMO_API),
      'wrong method': await send(server.url('/token')),
    };
    for (const [name, { headers }] of Object.entries(answers)) {
      expect(headers.get('cache-control'), name).toBe('no-store');
      expect(headers.get('x-content-type-options'), name).toBe('nosniff');
      expect(headers.get('referrer-policy'), name).toBe('no-referrer');
      expect(headers.get('x-powered-by'), name).toBeNull();
      expect(headers.get('server'), name).toBeNull();
    }
    for (const name of ['token', 'token refused', 'wrong method'] as const) {
      expect(answers[name].headers.get('pragma')).toBe('no-cache');
    }
  });

  it('C89: of an https issuer tells browsers to stay with https', async () => {
    const https = await server.addNode({ config: (config) => ({ ...config, issuer: 'https://sso.example' }) });
    for (const path of ['/', '/jwks', '/token', '/nonsense', '/healthz']) {
      const { headers } = await send(`${https}${path}`);
      expect(headers.get('strict-transport-security')).toBe('max-age=31536000; includeSubDomains');
      expect((await send(server.url(path))).headers.get('strict-transport-security')).toBeNull();
    }
  });
});

describe('a redirect', () => {
  it('C96: after a form is 303, and carries neither token nor password', async () => {
    const browser = new UserAgent(server.issuer);
    const signIn = await browser.get(web.authorizationUrl({ scope: 'openid' }));
    const body = new URLSearchParams({ email: 'alice@example.com', password: 'correct-horse-battery-staple' });
    const chain = [await browser.send(`${signIn.url}/sign-in`, { method: 'POST', body })];
    while (chain.at(-1)?.headers.has('location')) {
      chain.push(await browser.send(chain.at(-1)?.headers.get('location') ?? ''));
    }
    const consent = chain.at(-1) as Visit;
    chain.push(
      await browser.send(`${consent.url}/consent`, {
        method: 'POST',
        body: new URLSearchParams(consentFieldsOf(consent)),
      }),
    );
    chain.push(await browser.send(chain.at(-1)?.headers.get('location') ?? ''));
    const other = await browser.get(web.authorizationUrl({ scope: 'openid', prompt: 'consent' }));
    chain.push(await browser.send(`${other.url}/abort`, { method: 'POST', body: new URLSearchParams() }));
    const redirects = chain.filter(({ headers }) => headers.has('location'));
    expect(redirects.map(({ status }) => status)).toEqual([303, 303, 303, 303, 303]);
    for (const { headers } of redirects) {
      expect(headers.get('location')).not.toMatch(/password|alice|battery/);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
    }
  });

  it.each([
    '//evil.example',
    '/\\evil.example',
    '/%09/evil.example',
    'https://evil.example',
    'https:evil.example',
    'javascript:alert(1)',
  ])('C95: goes nowhere because of a parameter: %s', async (target) => {
    const names = [
      'returnTo',
      'return_to',
      'next',
      'continue',
      'url',
      'redirect',
      'target',
      'rd',
      'post_logout_redirect_uri',
    ];
    const lure = new URLSearchParams(names.map((name) => [name, target]));
    const browser = new UserAgent(server.issuer);
    const signIn = await browser.get(`${web.authorizationUrl({ scope: 'openid' })}&${lure}`);
    const credentials = { email: 'alice@example.com', password: 'correct-horse-battery-staple' };
    const consent = await browser.post(`${signIn.url}/sign-in?${lure}`, {
      ...credentials,
      ...Object.fromEntries(lure),
    });
    const end = await browser.post(`${consent.url}/consent?${lure}`, {
      ...Object.fromEntries(lure),
      ...consentFieldsOf(consent),
    });
    expect(end.url).toMatch(/^http:\/\/localhost:3002\/callback\?code=/);
    const question = await browser.get(`/session/end?${lure}`);
    const xsrf = question.html.match(/name="xsrf" value="([^"]+)"/)?.[1] ?? '';
    const out = await browser.post(`/session/end/confirm?${lure}`, {
      xsrf,
      logout: 'yes',
      ...Object.fromEntries(lure),
    });
    expect(out.url).toBe(server.url('/session/end/success'));
    expect((await browser.get(`/?${lure}`)).url).toBe(server.url(`/?${lure}`));
  });
});
