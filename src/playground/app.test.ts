import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPlayground } from './app.ts';
import { CATALOGUE } from './flows/catalogue.ts';
import { demoIssuer } from './issuers.ts';

const FLOWS = CATALOGUE.flatMap(({ flows }) => flows);

let server: Server;
let ownUrl: string;
let issuer: string;

beforeAll(async () => {
  issuer = await addressWhereNobodyListens();
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  ownUrl = `http://localhost:${(server.address() as AddressInfo).port}`;
  server.on('request', createPlayground({ issuers: [demoIssuer(issuer, 'http://localhost:3001')], ownUrl }).callback());
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function addressWhereNobodyListens(): Promise<string> {
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as AddressInfo;
  closed.close();
  await once(closed, 'close');
  return `http://localhost:${port}`;
}

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${ownUrl}${path}`, { headers, redirect: 'manual' });

const post = (
  path: string,
  { body = new URLSearchParams(), headers = {} }: { body?: BodyInit; headers?: object } = {},
) => fetch(`${ownUrl}${path}`, { method: 'POST', redirect: 'manual', body, headers: { origin: ownUrl, ...headers } });

const cookieOf = (response: Response) => response.headers.getSetCookie()[0]?.split(';')[0] ?? '';

describe('pages', () => {
  it('show a way to every flow, and a button that runs it', async () => {
    const page = await (await get('/')).text();
    for (const { name, path } of FLOWS) {
      expect(page).toContain(`href="${path}" data-testid="flow-${name}"`);
      expect(page).toContain(`data-testid="grant-${name}"`);
    }
  });

  it.each(FLOWS.map(({ path }) => path))(
    '%s is there although the authorization server is away, and says so',
    async (path) => {
      const response = await get(path);
      expect(response.status).toBe(200);
      expect(await response.text()).toContain(`Nothing answers at ${issuer}.`);
    },
  );

  it('may load scripts and styles from here only, and talk to the two servers only where the client is a script', async () => {
    const policy = (connectTo: string) =>
      `default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'${connectTo}; ` +
      "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'";
    const policyOf = async (path: string) => (await get(path)).headers.get('content-security-policy');
    for (const path of ['/', '/spa/callback', '/implicit/callback', '/flows/single-page-app', '/flows/implicit']) {
      expect(await policyOf(path)).toBe(policy(` ${issuer} http://localhost:3001`));
    }
    for (const path of ['/callback', '/flows/authorization-code', '/tools/api', '/nowhere']) {
      expect(await policyOf(path)).toBe(policy(''));
    }
  });

  it('contain neither inline scripts nor inline styles', async () => {
    for (const path of ['/', '/spa/callback', '/flows/device']) {
      expect(await (await get(path)).text()).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*src=)/);
    }
  });

  it('are found under the one host name that the redirect URIs use', async () => {
    const response = await fetch(`${ownUrl.replace('localhost', '127.0.0.1')}/spa/callback?a=b`, {
      redirect: 'manual',
    });
    expect(response.headers.get('location')).toBe(`${ownUrl}/spa/callback?a=b`);
  });

  it('create no session for those who only look', async () => {
    expect((await get('/')).headers.getSetCookie()).toEqual([]);
  });
});

describe('assets', () => {
  it('are served with their type', async () => {
    expect((await get('/assets/callback.js')).headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  });

  it.each(['/assets/..%2fhome.ejs', '/assets/%2e%2e/home.ejs', '/assets/%00', '/assets/%', '/assets/__proto__'])(
    'do not include %s',
    async (path) => {
      const { status } = await get(path);
      expect([400, 404]).toContain(status);
    },
  );
});

describe('requests that change something', () => {
  it('are refused when another site sends them', async () => {
    expect(
      (await post('/flows/client-credentials/start', { headers: { origin: 'http://localhost:4000' } })).status,
    ).toBe(403);
    expect((await post('/flows/password/sign-out', { headers: { 'sec-fetch-site': 'same-site' } })).status).toBe(403);
    expect((await fetch(`${ownUrl}/flows/password/sign-out`, { method: 'POST' })).status).toBe(403);
  });

  it('are refused when the form is missing, too large or of another type', async () => {
    const unknown = { body: new URLSearchParams({ prompt: 'something-else' }) };
    expect((await post('/flows/authorization-code/start', unknown)).status).toBe(400);
    expect(
      (await post('/flows/password/start', { body: new URLSearchParams({ username: 'a'.repeat(20_000) }) })).status,
    ).toBe(413);
    const json = { body: '{}', headers: { 'content-type': 'application/json' } };
    expect((await post('/flows/password/start', json)).status).toBe(400);
  });

  it('say that there is nothing to act on when the session is gone', async () => {
    expect((await post('/flows/password/actions/whoami')).status).toBe(409);
    expect((await post('/flows/password/actions/constructor')).status).toBe(404);
    expect((await post('/flows/password/break/constructor')).status).toBe(404);
  });
});

describe('an authorization server that is not running', () => {
  it('is named in plain words, and the page keeps working', async () => {
    const started = await post('/flows/client-credentials/start');
    expect(started.status).toBe(303);
    expect(started.headers.getSetCookie()[0]).toMatch(
      /^playground_session=[\w-]{43}; path=\/; samesite=lax; httponly$/,
    );
    const result = await get('/flows/client-credentials', { cookie: cookieOf(started) });
    expect(result.status).toBe(200);
    expect(await result.text()).toContain(`Nothing answers at ${issuer}.`);
  });

  it('does not send the browser anywhere', async () => {
    expect((await post('/flows/authorization-code/start')).headers.get('location')).toBe(
      '/flows/authorization-code#now',
    );
  });
});

describe('the callback', () => {
  const unasked = 'An answer arrived that this playground did not ask for';

  it('shows an answer that nobody here asked for, redeems nothing, and says how to', async () => {
    const response = await get('/callback?code=abc-_1&state=from-the-terminal&iss=http%3A%2F%2Fsomewhere');
    expect(response.status).toBe(200);
    const page = await response.text();
    expect(page).toContain(unasked);
    expect(page).not.toContain('role="alert"');
    expect(page).toContain('<code data-testid="unasked-state">from-the-terminal</code>');
    expect(page).toContain('-d code=abc-_1');
    expect(page).toContain(`${issuer}/token`);
  });

  it('gives no line for a shell where the code is none, or twice', async () => {
    for (const code of ['x$(id)', "x';id;'", 'x y', 'x&code=y', '']) {
      const query = code.includes('&') ? `code=${code}` : new URLSearchParams({ code }).toString();
      expect(await (await get(`/callback?${query}`)).text()).toMatch(/data-part="redeem" hidden/);
    }
  });

  it('C94: shows what it was sent as text', async () => {
    const page = await (await get(`/callback?state=${encodeURIComponent('<script>alert(1)</script>')}`)).text();
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  });

  it('shows an answer that another site posts, and changes nothing', async () => {
    const body = new URLSearchParams({ code: 'abc', state: 'posted' });
    const response = await post('/callback', { body, headers: { origin: 'http://localhost:3000' } });
    expect(response.status).toBe(200);
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(await response.text()).toContain(unasked);
  });
});
