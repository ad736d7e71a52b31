/** One error page, two readers: the person at it, and whoever makes the app. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { scriptsBesideOurs } from '../../testing/markup.ts';
import { createRelyingParty, DEMO_WEB } from '../../testing/relying-party.ts';
import { UserAgent, type Visit } from '../../testing/user-agent.ts';

const REGISTERED = 'https://shop.example/callback';
const LOCAL = 'http://localhost:4000/callback';

let development: TestServer;
let production: TestServer;
beforeAll(async () => {
  development = await startTestServer();
  production = await startTestServer({ config: (config) => ({ ...config, mode: 'production' }) });
  const clients = [
    { client_id: 'shop', client_secret: 'a-secret-of-the-shop', client_name: 'Shop', redirect_uris: [REGISTERED] },
    { client_id: 'local', token_endpoint_auth_method: 'none', client_name: 'Local', redirect_uris: [LOCAL] },
  ];
  const scope = 'openid profile';
  for (const server of [development, production]) {
    await server.apply({ clients: clients.map((client) => ({ ...client, scope })) });
  }
});
afterAll(async () => {
  await development.stop();
  await production.stop();
});

const plain = (html: string) =>
  html.replaceAll('&amp;', '&').replaceAll('&#34;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>');

/** What a finding says, without its markup. */
function finding(visit: Visit, parameter: string): { problem?: string | undefined; received?: string | undefined } {
  const [, rest = ''] = visit.html.split(`data-testid="finding-${parameter}"`);
  const [block = ''] = rest.split('data-testid="finding-', 1);
  const whole = rest.slice(0, Math.max(block.length, rest.indexOf('</div>')));
  const text = (testId: string) =>
    plain(whole.match(new RegExp(`data-testid="${testId}"[^>]*>(.*?)</(?:p|code)>`, 's'))?.[1] ?? '').trim();
  return { problem: text('finding-problem'), received: text('finding-received') };
}

const textOf = (visit: Visit, testId: string) =>
  plain(visit.html.match(new RegExp(`data-testid="${testId}"[^>]*>(?:<code>)?([^<]*)<`))?.[1] ?? '');

const refused = (server: TestServer, parameters: Record<string, string>, agent = new UserAgent(server.issuer)) =>
  agent.get(
    `/auth?${new URLSearchParams({ client_id: 'shop', response_type: 'code', scope: 'openid', ...parameters })}`,
  );

describe('what the developer is told of a redirect URI', () => {
  it.each([
    [`${REGISTERED}/`, 'ends with a slash', `${REGISTERED}<mark>/</mark>`],
    ['http://shop.example/callback', 'the other https', 'http<mark></mark>://shop.example/callback'],
    [
      'https://shop.example:8443/callback',
      'The port is another one',
      'https://shop.example<mark>:8443</mark>/callback',
    ],
    ['https://shop.example/Callback', 'Upper and lower case', 'https://shop.example/<mark>C</mark>allback'],
    ['https://shop.example/callback?x=1', 'question mark', `${REGISTERED}<mark>?x=1</mark>`],
    ['https://shop.example/callback#here', '“#”', `${REGISTERED}<mark>#here</mark>`],
    [
      'https://shop.example/oauth/callback',
      'The path is another one',
      'https://shop.example/<mark>oauth/</mark>callback',
    ],
    ['http://shop.example/other', 'More than one part', 'http<mark>://shop.example/other</mark>'],
    ['https://evil.example/steal', 'no registered address', 'https://evil.example/steal'],
    ['callback', 'no complete address', 'callback'],
  ])('%s', async (redirect_uri, words, marked) => {
    const visit = await refused(development, { redirect_uri });
    expect(visit.status).toBe(400);
    expect(finding(visit, 'redirect_uri').problem).toContain(words);
    expect(finding(visit, 'redirect_uri').problem).toContain(REGISTERED);
    expect(finding(visit, 'redirect_uri').received).toBe(marked);
  });

  it('also of the two names of this computer', async () => {
    const visit = await refused(development, { client_id: 'local', redirect_uri: 'http://127.0.0.1:4000/callback' });
    expect(finding(visit, 'redirect_uri').problem).toContain('not the same address');
  });
});

describe('what the developer is told besides', () => {
  it('everything else that is wrong with the request, at once', async () => {
    const visit = await refused(development, {
      client_id: 'local',
      redirect_uri: `${LOCAL}/`,
      response_type: 'token',
      scope: 'openid records:write',
      redirectUri: 'a-value-that-stays-unseen',
      client_secret: 'a-secret-that-stays-unseen',
      code_challange: 'x',
      utm_source: 'newsletter',
    });
    const problem = (parameter: string) => finding(visit, parameter).problem;
    expect(problem('response_type')).toContain('not registered for it');
    expect(problem('scope')).toContain('records:write');
    expect(problem('redirectUri')).toContain('Did you mean “redirect_uri”?');
    expect(problem('code_challange')).toContain('Did you mean “code_challenge”?');
    expect(problem('client_secret')).toContain('A secret stands in the address');
    expect(problem('utm_source')).toContain('ignores it');
    expect(visit.html.replaceAll(/<nav.*<\/nav>/gs, '')).not.toContain('stays-unseen');
  });

  it('that a public client has to send a code challenge', async () => {
    const visit = await refused(development, { client_id: 'local', redirect_uri: `${LOCAL}/` });
    expect(finding(visit, 'code_challenge').problem).toContain('PKCE');
  });

  it('the registration that would allow the request', async () => {
    const visit = await refused(development, { redirect_uri: `${REGISTERED}/`, scope: 'openid email' });
    expect(textOf(visit, 'error-fix')).toBe(
      `clients:\n  - client_id: "shop"\n    redirect_uris: ["${REGISTERED}", "${REGISTERED}/"]\n    scope: "openid profile email"`,
    );
  });

  it('that nobody knows the client', async () => {
    const visit = await refused(development, { client_id: 'shopp' });
    expect(finding(visit, 'client_id').problem).toContain('No client with this id');
  });

  it('no more than somebody would read, however much was sent', async () => {
    const many = Array.from({ length: 700 }, (_, index) => `p${index}=1&p${index}=2`).join('&');
    const visit = await new UserAgent(development.issuer).get(`/auth?client_id=local&${many}`);
    expect(visit.status).toBe(400);
    expect(visit.html.match(/data-testid="finding-p\d/g)?.length).toBeLessThanOrEqual(20);
  });

  it('C94: as text', async () => {
    const hostile = '"><script>alert(1)</script>';
    const visit = await refused(development, {
      redirect_uri: `${REGISTERED}${hostile}`,
      [hostile]: hostile,
      scope: hostile,
    });
    expect(scriptsBesideOurs(visit.html)).toEqual([]);
    expect(visit.html).toContain('finding-problem');
  });
});

describe('in production what is registered', () => {
  const isExplained = (visit: Visit) => visit.html.includes('data-testid="error-findings"');

  it('C93: is told to nobody who is not signed in', async () => {
    for (const redirect_uri of ['https://evil.example/', `${REGISTERED}/`, 'http://localhost:4000/callback']) {
      const visit = await refused(production, { redirect_uri });
      expect(visit.status).toBe(400);
      expect(isExplained(visit)).toBe(false);
      expect(visit.html.replaceAll(/<nav.*<\/nav>/gs, '')).not.toContain(REGISTERED);
    }
  });

  it.each([
    ['alice@example.com', false],
    ['admin@example.com', true],
  ])('is told to administrators: %s', async (email, told) => {
    const agent = new UserAgent(production.issuer);
    await agent.authorize(createRelyingParty(production.issuer, DEMO_WEB).authorizationUrl({ scope: 'openid' }), {
      email,
    });
    expect(isExplained(await refused(production, { redirect_uri: `${REGISTERED}/` }, agent))).toBe(told);
  });

  it('is told of an app that answers on this very computer alone', async () => {
    expect(isExplained(await refused(production, { client_id: 'local', redirect_uri: `${LOCAL}/` }))).toBe(true);
  });
});

describe('the audit log', () => {
  it('has the refusal under the id that the page shows, with the names of the parameters and no value', async () => {
    const visit = await refused(production, { redirect_uri: 'https://evil.example/', state: 'a-state-of-the-client' });
    const { rows } = await production.pool.query('select * from audit_events where id = $1', [
      textOf(visit, 'error-audit-id'),
    ]);
    expect(rows).toMatchObject([
      {
        kind: 'request_refused',
        client_id: 'shop',
        account_id: null,
        request_id: visit.headers.get('x-request-id'),
        details: {
          error: 'invalid_redirect_uri',
          parameters: ['client_id', 'response_type', 'scope', 'redirect_uri', 'state'],
        },
      },
    ]);
    expect(JSON.stringify(rows)).not.toMatch(/evil|a-state-of/);
  });

  it('has an end to what one network writes into it', async () => {
    await production.pool.query(`update rate_limits set used = 100`);
    const visit = await refused(production, { redirect_uri: 'https://evil.example/' });
    expect(visit.status).toBe(400);
    expect(textOf(visit, 'error-audit-id')).toBe('');
  });
});

describe('the person', () => {
  it('has a way back to the site of an app that is known', async () => {
    const visit = await refused(production, { redirect_uri: 'https://evil.example/' });
    expect(visit.html).toMatch(/href="https:\/\/shop\.example\/"[^>]*data-testid="error-client-home"/);
    expect(visit.html).not.toContain('href="https://evil');
  });
});
