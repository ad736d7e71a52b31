/** The playground with somebody else's authorization server: other clients, with secrets that are nobody's business. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../testing/authorization-server.ts';
import { UserAgent } from '../testing/user-agent.ts';
import { createPlayground } from './app.ts';
import { demoIssuer, otherIssuer } from './issuers.ts';

const SECRET = 'a-secret-that-no-page-shows-+/=';
const MACHINE_SECRET = 'another-secret-of-the-machine';

let theirs: TestServer;
let server: Server;
let ownUrl: string;

beforeAll(async () => {
  theirs = await startTestServer();
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  ownUrl = `http://localhost:${(server.address() as AddressInfo).port}`;
  await theirs.apply({
    clients: [
      {
        client_id: 'their-web',
        client_secret: SECRET,
        client_name: 'Their web',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        redirect_uris: [`${ownUrl}/callback`],
        scope: 'openid profile email',
      },
      {
        client_id: 'their-machine',
        client_secret: MACHINE_SECRET,
        client_name: 'Their machine',
        grant_types: ['client_credentials'],
        scope: 'records:read',
      },
    ],
  });
  const clients = {
    web: { clientId: 'their-web', clientSecret: SECRET },
    machine: { clientId: 'their-machine', clientSecret: MACHINE_SECRET },
  };
  const issuers = [
    demoIssuer('http://localhost:1', 'http://localhost:1'),
    otherIssuer({ issuer: theirs.issuer, title: 'Theirs', clients }),
  ];
  server.on('request', createPlayground({ issuers, ownUrl }).callback());
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await theirs.stop();
});

/** A browser at the playground, which has chosen an issuer. */
async function browserAt(issuer: string) {
  const post = (path: string, fields: Record<string, string> = {}, cookie = '') =>
    fetch(ownUrl + path, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams(fields),
      headers: { origin: ownUrl, cookie },
    });
  const chosen = await post('/issuer', { issuer });
  const cookie = chosen.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  return {
    status: chosen.status,
    post: (path: string, fields?: Record<string, string>) => post(path, fields, cookie),
    get: async (path: string) => (await fetch(ownUrl + path, { redirect: 'manual', headers: { cookie } })).text(),
    location: async (path: string) =>
      (await fetch(ownUrl + path, { redirect: 'manual', headers: { cookie } })).headers.get('location'),
  };
}

it.each(['https://attacker.example', 'http://169.254.169.254', '2', '-1', '', 'constructor'])(
  'no browser makes it talk to an issuer that the operator did not list: "%s"',
  async (issuer) => {
    expect((await browserAt(issuer)).status).toBe(400);
  },
);

describe('authorization code', () => {
  it('pauses at the code, is refused what is forged, and shows neither a secret nor a token in an address', async () => {
    const browser = await browserAt('1');
    const started = await browser.post('/flows/authorization-code/start', { scope: 'openid email', pkce: 'S256' });
    const request = new URL(started.headers.get('location') ?? '');
    expect(request.origin).toBe(theirs.issuer);
    expect(request.searchParams.get('client_id')).toBe('their-web');

    const answer = await new UserAgent(theirs.issuer).authorize(request.href);
    const back = await browser.location(answer.pathname + answer.search);
    expect(back).toBe('/flows/authorization-code#now');
    const path = '/flows/authorization-code';
    expect(await browser.get(path)).toContain('data-state="paused"');

    for (const attack of ['wrong-verifier', 'tampered-state', 'other-issuer', 'wrong-secret', 'other-client']) {
      await browser.post(`${path}/break/${attack}`);
      expect([attack, verdictOf(await browser.get(path), attack)]).toEqual([attack, 'true']);
    }
    await browser.post(`${path}/actions/redeem`);
    const done = await browser.get(path);
    expect(done).toContain('data-state="done"');
    expect(done).toContain('data-testid="call-userinfo"');
    // There is no API of theirs to call.
    expect(done).not.toContain('data-testid="call-whoami"');

    await browser.post(`${path}/break/replay-code`);
    expect(verdictOf(await browser.get(path), 'replay-code')).toBe('true');
    const everything = await Promise.all([...Array(20).keys()].map((step) => browser.get(`${path}?step=${step + 1}`)));
    for (const page of everything) {
      for (const secret of [SECRET, encodeURIComponent(SECRET), btoa(`their-web:${SECRET}`)]) {
        expect(page).not.toContain(secret);
      }
    }
    expect(everything.join()).toContain('their-web:$CLIENT_SECRET');
  });

  it('two redemptions at once send one', async () => {
    const browser = await browserAt('1');
    const started = await browser.post('/flows/authorization-code/start', {});
    const answer = await new UserAgent(theirs.issuer).authorize(started.headers.get('location') ?? '');
    await browser.location(answer.pathname + answer.search);
    await Promise.all([1, 2].map(() => browser.post('/flows/authorization-code/actions/redeem')));
    expect(await browser.get('/flows/authorization-code')).toContain('data-state="done"');
  });
});

it('client credentials: the secret of the machine stays here', async () => {
  const browser = await browserAt('1');
  await browser.post('/flows/client-credentials/start', { scope: 'records:read' });
  await browser.post('/flows/client-credentials/actions/introspect');
  const page = await browser.get('/flows/client-credentials');
  expect(page).toContain('data-state="done"');
  expect(page).not.toContain(MACHINE_SECRET);
});

it('a flow that nobody is registered for is shown as unavailable, and cannot be run', async () => {
  const browser = await browserAt('1');
  expect(await browser.get('/flows/password')).toContain('data-testid="unavailable"');
  expect((await browser.post('/flows/password/start')).status).toBe(409);
});

const verdictOf = (page: string, attack: string): string | undefined =>
  page.split(`data-testid="breaker-${attack}"`)[1]?.match(/class="verdict" data-refused="(\w+)"/)?.[1];
