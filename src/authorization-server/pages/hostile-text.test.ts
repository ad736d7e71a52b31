import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { createRelyingParty, DEMO_WEB, type Parameters, type RelyingParty } from '../../testing/relying-party.ts';
import { UserAgent, type Visit } from '../../testing/user-agent.ts';

const CORPUS = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "'><svg/onload=alert(1)>",
  '" autofocus onfocus="alert(1)',
  "' onmouseover='alert(1)",
  '</title><script>alert(1)</script>',
  '</textarea></style><script>alert(1)</script>',
  '<%= process.env %><%- 7*7 %>',
  '{{7*7}}#{7*7}',
  'javascript:alert(1)',
  '&lt;script&gt;',
  '<a href="javascript:alert(1)">x</a>',
  '\u2028\u2029<!--<script>-->',
  '＜script＞',
  '-->]]><base href=//evil.example>',
];

let server: TestServer;
let web: RelyingParty;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
});
afterAll(() => server.stop());

const TAGS = /<\s*\/?\s*([a-z][a-z0-9]*)/gi;
const PAGE_TAGS = new Set(
  `html head meta title link body div header svg rect g circle path span main h1 h2 h3 p pre strong bdi form label input
   button a footer nav ul li dl dt dd details summary code small section aside noscript br script fieldset legend`.split(
    /\s+/,
  ),
);

/** The page has no element, attribute or scheme that its template did not put there. */
function expectHarmless({ html, status }: Visit, hostile: string): void {
  expect(status).toBeLessThan(500);
  // A value that broke out of its quotes would still be here.
  const bare = html.replaceAll(/="[^"]*"/g, '');
  const tags = [...bare.matchAll(TAGS)].map(([, tag]) => (tag ?? '').toLowerCase());
  expect(tags.filter((tag) => !PAGE_TAGS.has(tag))).toEqual([]);
  expect(bare).not.toMatch(/<[^>]*\son\w+/i);
  expect(html).not.toMatch(/(href|src|action)="\s*(javascript|data):/i);
  if (/[<"]/.test(hostile)) {
    expect(html).not.toContain(hostile);
  }
}

async function open(parameters: Parameters, browser = new UserAgent(server.issuer)): Promise<Visit> {
  return browser.get(web.authorizationUrl({ scope: 'openid', ...parameters }));
}

describe('text that a stranger chose', () => {
  it.each(CORPUS)('C94: in a request is shown as text or not at all: %s', async (hostile) => {
    const names = ['login_hint', 'ui_locales', 'state', 'nonce', 'client_id', 'redirect_uri', 'scope', 'prompt'];
    for (const name of [...names, 'response_type', 'response_mode', 'resource', 'acr_values', 'display', hostile]) {
      const visit = await open({ [name]: hostile });
      if (visit.url.startsWith(server.issuer)) {
        expectHarmless(visit, hostile);
      } else {
        expect(visit.url).toMatch(/^http:\/\/localhost:3002\/callback[?#]/);
        expect(visit.url).not.toMatch(/[<>"\s]/);
      }
    }
    const browser = new UserAgent(server.issuer);
    for (const parameter of ['id_token_hint', 'client_id', 'post_logout_redirect_uri', 'state', 'logout_hint']) {
      expectHarmless(await browser.get(`/session/end?${new URLSearchParams({ [parameter]: hostile })}`), hostile);
    }
    expectHarmless(await browser.get(`/session/end/success?${new URLSearchParams({ client_id: hostile })}`), hostile);
    expectHarmless(await browser.get(`/${encodeURIComponent(hostile)}`), hostile);
    expectHarmless(await browser.get(`/interaction/${encodeURIComponent(hostile)}`), hostile);
  });

  it.each(CORPUS)('C94: in the sign-in form comes back as text: %s', async (hostile) => {
    const browser = new UserAgent(server.issuer);
    const visit = await open({}, browser);
    expectHarmless(await browser.signIn(visit, { email: hostile, password: hostile }), hostile);
    expectHarmless(await browser.signIn(visit, { email: hostile, password: '' }), hostile);
  });

  it.each(CORPUS)('C94: in a form_post answer is text for the client: %s', async (hostile) => {
    const browser = new UserAgent(server.issuer);
    await web.authorize({ scope: 'openid' }, undefined, browser);
    for (const parameters of [{}, { prompt: hostile }]) {
      const visit = await open({ response_mode: 'form_post', state: hostile, ...parameters }, browser);
      expectHarmless(visit, hostile);
      expect(visit.html).toMatch(/<form method="post" action="http:\/\/localhost:3002\/callback">/);
      expect(visit.html.match(/<script>/g)).toHaveLength(1);
    }
  });

  it('C94: that a client or an account has as its name is text on every page', async () => {
    const hostile = '"><img src=x onerror=alert(1)><script>alert(1)</script>';
    const redirect_uri = 'http://localhost:3002/hostile';
    await server.apply({
      clients: [
        {
          client_id: 'hostile',
          client_secret: 'a-secret-of-the-hostile-client',
          client_name: hostile,
          client_uri: 'https://evil.example/"><script>alert(1)</script>',
          logo_uri: 'https://evil.example/"onerror="alert(1)',
          redirect_uris: [redirect_uri],
          grant_types: ['authorization_code'],
          scope: 'openid profile',
        },
      ],
      accounts: [
        { email: 'hostile@example.com', name: hostile, roles: ['user'], password: 'correct-horse-battery-staple' },
      ],
    });
    const rp = createRelyingParty(server.issuer, { clientId: 'hostile', secret: 'x', redirectUri: redirect_uri });
    const browser = new UserAgent(server.issuer);
    const withoutLogo = (visit: Visit) => ({ ...visit, html: visit.html.replace(/<img class="mark"[^>]*>/, '') });
    const signIn = await browser.get(rp.authorizationUrl({ scope: 'openid profile' }));
    const consent = await browser.signIn(signIn, { email: 'hostile@example.com' });
    expect(consent.html).toContain('data-testid="consent-form"');
    const question = await browser.get('/session/end?client_id=hostile');
    const error = await browser.get(rp.authorizationUrl({ redirect_uri: 'https://other.example/' }));
    for (const visit of [signIn, consent, question, error]) {
      expectHarmless(withoutLogo(visit), hostile);
      expect(visit.html).not.toMatch(/<img[^>]*\sonerror/i);
      const images = visit.headers.get('content-security-policy')?.match(/img-src ([^;]*)/)?.[1];
      expect(["'self'", "'self' https://evil.example"]).toContain(images);
    }
  });
});
