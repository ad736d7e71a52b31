import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { createRelyingParty, DEMO_WEB, type RelyingParty } from '../../testing/relying-party.ts';
import { UserAgent, type Visit } from '../../testing/user-agent.ts';

let server: TestServer;
let web: RelyingParty;
beforeAll(async () => {
  server = await startTestServer({
    issuerPath: '/login',
    config: (config) => ({ ...config, languages: { default: 'ja' } }),
  });
  web = createRelyingParty(server.issuer, DEMO_WEB);
});
afterAll(() => server.stop());

const languageOf = ({ html }: Visit) => html.match(/<html lang="([^"]*)" dir="ltr">/)?.[1];
const linkTo = ({ html, url }: Visit, language: string) => {
  const href = html.match(new RegExp(`<a href="([^"]*)" lang="${language}"`))?.[1]?.replaceAll('&amp;', '&');
  return href === undefined ? undefined : new URL(href, url).href;
};

function signInPage(uiLocales: string | undefined, acceptLanguage: string, browser = new UserAgent(server.issuer)) {
  const request = web.authorizationUrl(uiLocales === undefined ? {} : { ui_locales: uiLocales });
  return browser.get(request, { 'accept-language': acceptLanguage });
}

describe('the language of a page', () => {
  it.each([
    ['de', 'de'],
    ['de-AT, en;q=0.5', 'de'],
    ['fr, pt;q=0.8, en;q=0.7', 'pt-BR'],
    ['pt-PT', 'pt-BR'],
    ['en;q=0.1, ja;q=0.9', 'ja'],
    ['fr, *;q=0.1', 'ja'],
    ['', 'ja'],
    [';;,q=', 'ja'],
  ])('is what the browser asks for, else the default: %s', async (acceptLanguage, language) => {
    const visit = await new UserAgent(server.issuer).get(server.issuer, { 'accept-language': acceptLanguage });
    expect(languageOf(visit)).toBe(language);
  });

  it.each([
    ['de', 'de'],
    ['fr pt-BR de', 'pt-BR'],
    ['DE-ch', 'de'],
    ['tlh ar', 'en'],
    ['__proto__ constructor', 'en'],
  ])('is rather what the client asks for: %s', async (uiLocales, language) => {
    const headers = { 'accept-language': 'en' };
    const browser = new UserAgent(server.issuer);
    // UserAgent sends headers with the first request alone.
    const first = await browser.send(web.authorizationUrl({ ui_locales: uiLocales }), { headers });
    const visit = await browser.send(new URL(first.headers.get('location') ?? '', server.issuer).href, { headers });
    expect(languageOf(visit)).toBe(language);
  });

  it('is what the client asks for on the page of an error as well, and when it signs somebody out', async () => {
    const browser = new UserAgent(server.issuer);
    expect(languageOf(await browser.get('/login/auth?client_id=nobody&ui_locales=de'))).toBe('de');
    const start = await browser.get(web.authorizationUrl({ ui_locales: 'pt' }));
    expect(languageOf(start)).toBe('pt-BR');
    await browser.goThrough(start);
    const signOut = await browser.get('/login/session/end?client_id=demo-web&ui_locales=de');
    expect([languageOf(signOut), signOut.html]).toEqual(['de', expect.stringContaining('Angemeldet bleiben')]);
  });

  it('is what the device asked for, once its code is typed', async () => {
    const form = { method: 'POST', body: new URLSearchParams({ client_id: 'demo-device', ui_locales: 'de' }) };
    const { user_code } = (await (await fetch(server.url('/device/auth'), form)).json()) as { user_code: string };
    const page = await new UserAgent(server.issuer).get(`/login/device?user_code=${user_code}`);
    expect([languageOf(page), page.html]).toEqual(['de', expect.stringContaining('Ist das Ihr Gerät?')]);
  });
});

describe('a link to another language', () => {
  it('leads back to where one was, which then speaks it, and so does what comes later', async () => {
    const browser = new UserAgent(server.issuer);
    const before = await signInPage('de', 'en', browser);
    expect(languageOf(before)).toBe('de');
    const after = await browser.get(linkTo(before, 'pt-BR') ?? '');
    expect([languageOf(after), after.url]).toEqual(['pt-BR', before.url]);
    expect(after.html).toContain('<span lang="pt-BR" aria-current="true">Português (Brasil)</span>');
    expect(languageOf(await browser.get('/login/device'))).toBe('pt-BR');
    expect(languageOf(await signInPage('de', 'de', browser))).toBe('pt-BR');
  });

  it('keeps the other parameters of the address', async () => {
    const browser = new UserAgent(server.issuer);
    const error = await browser.get('/login/auth?client_id=a%26b&state=%22%3E');
    const answer = await browser.send(linkTo(error, 'de') ?? '');
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/login/auth?client_id=a%26b&state=%22%3E']);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('sets a cookie for this server alone, which no script reads', async () => {
    const answer = await new UserAgent(server.issuer).send('/login/?switch_language=de');
    expect(answer.headers.get('set-cookie')).toMatch(
      /^language=de; path=\/login; expires=[^;]*; samesite=lax; httponly$/,
    );
  });

  it.each([
    ['at another site', 'de', { 'sec-fetch-site': 'cross-site' }],
    ['to a language that there is not', 'fr', {}],
    ['to nonsense', '../de', {}],
  ])('chooses nothing %s', async (_where, language, headers) => {
    const answer = await new UserAgent(server.issuer).send(`/login/?switch_language=${language}`, { headers });
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([200, null]);
  });

  it('leads from the answer to a form back to the form, or is not there', async () => {
    const browser = new UserAgent(server.issuer);
    const form = await browser.get('/login/device');
    const xsrf = form.html.match(/name="xsrf" value="([^"]*)"/)?.[1] ?? '';
    const refused = await browser.post('/login/device', { xsrf, user_code: 'x' });
    expect(refused.html).toContain('data-testid="device-problem"');
    expect(linkTo(refused, 'de')).toBe(`${server.issuer}/device?switch_language=de`);
    const nowhere = await browser.post('/login/nowhere', {});
    expect([nowhere.status, linkTo(nowhere, 'de')]).toEqual([404, undefined]);
  });

  it('believes no cookie that names a language there is not', async () => {
    const browser = new UserAgent(server.issuer);
    browser.cookies.set('/login language', { path: '/login', pair: 'language=tlh' });
    expect(languageOf(await browser.get('/login/device', { 'accept-language': 'de' }))).toBe('de');
  });
});
