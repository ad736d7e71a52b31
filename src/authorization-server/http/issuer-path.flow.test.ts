import * as openid from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { sendRaw } from '../../testing/raw-request.ts';
import {
  createRelyingParty,
  DEMO_MACHINE,
  DEMO_WEB,
  introspect,
  type RelyingParty,
  revoke,
  send,
} from '../../testing/relying-party.ts';
import { actionOf, UserAgent } from '../../testing/user-agent.ts';

const PATH = '/sign-in/staff';

let server: TestServer;
let origin: string;
let web: RelyingParty;
beforeAll(async () => {
  server = await startTestServer({ issuerPath: PATH });
  origin = new URL(server.issuer).origin;
  web = createRelyingParty(server.issuer, DEMO_WEB);
});
afterAll(() => server.stop());

describe('an issuer with a path', () => {
  it.each([
    `${PATH}/.well-known/openid-configuration`,
    `${PATH}/.well-known/oauth-authorization-server`,
    `/.well-known/openid-configuration${PATH}`,
    `/.well-known/oauth-authorization-server${PATH}`,
  ])(
    'has its metadata at %s (OpenID Connect Discovery §4, RFC 8414 §3.1), every URL of it below the path',
    async (at) => {
      const { status, body } = await send(origin + at);
      expect(status).toBe(200);
      expect(body.issuer).toBe(server.issuer);
      const urls = Object.values(body).filter((value) => typeof value === 'string' && value.startsWith('http'));
      expect(urls.length).toBeGreaterThan(5);
      expect(urls.filter((url) => !String(url).startsWith(server.issuer))).toEqual([]);
    },
  );

  it('signs in, consents, redeems, refreshes, introspects and revokes', async () => {
    const browser = new UserAgent(server.issuer);
    const tokens = await web.obtainTokens({ scope: 'openid profile records:read' }, undefined, browser);
    expect(await introspect(server.issuer, tokens.access_token)).toMatchObject({ active: true, iss: server.issuer });
    const refreshed = await web.refresh(tokens.refresh_token);
    expect(refreshed.status).toBe(200);
    await revoke(server.issuer, String(refreshed.body.refresh_token), DEMO_WEB);
    expect(await introspect(server.issuer, String(refreshed.body.access_token))).toEqual({ active: false });
  });

  it('is found by a client library, which gets a token from it', async () => {
    const configuration = await createRelyingParty(server.issuer, DEMO_MACHINE).discover();
    const { access_token } = await openid.clientCredentialsGrant(configuration, { scope: 'records:read' });
    expect(access_token).toHaveLength(43);
  });

  it('keeps all its cookies below the path, which other servers at this host do not get', async () => {
    const browser = new UserAgent(server.issuer);
    await browser.authorize(web.authorizationUrl({ scope: 'openid' }));
    const paths = [...browser.cookies.values()].map(({ path }) => path);
    expect(paths.length).toBeGreaterThan(0);
    expect(paths.filter((path) => path !== PATH && !path.startsWith(`${PATH}/`))).toEqual([]);
  });

  it('has pages whose style, script and links are below the path', async () => {
    const { html } = await new UserAgent(server.issuer).get(web.authorizationUrl({ scope: 'openid' }));
    const addresses = [...html.matchAll(/(?:href|src|action)="(\/[^"]*)"/g)].map(([, address]) => String(address));
    expect(addresses.length).toBeGreaterThan(3);
    expect(addresses.filter((address) => !address.startsWith(`${PATH}/`))).toEqual([]);
    for (const asset of addresses.filter((address) => address.includes('/assets/'))) {
      expect((await send(origin + asset)).status).toBe(200);
    }
  });

  it('begins a lost sign-in again, below the path', async () => {
    const browser = new UserAgent(server.issuer);
    const page = await browser.get(web.authorizationUrl({ scope: 'openid' }));
    browser.cookies.clear();
    const request = page.html.match(/name="request" value="([^"]+)"/)?.[1] ?? '';
    const again = await browser.post(actionOf(page, 'sign-in'), { email: 'a@b.example', password: 'any', request });
    expect(again.status).toBe(200);
    expect(again.url).toMatch(new RegExp(`^${server.issuer}/interaction/`));
  });

  it('takes an authorization request by POST, and signs out', async () => {
    const browser = new UserAgent(server.issuer);
    const { searchParams } = new URL(web.authorizationUrl({ scope: 'openid' }));
    const page = await browser.post(`${server.issuer}/auth`, Object.fromEntries(searchParams));
    expect(page.url).toMatch(new RegExp(`^${server.issuer}/interaction/`));
    const signOut = await browser.get(`${server.issuer}/session/end`);
    expect(signOut.html).toContain(`action="${server.issuer}/session/end/confirm"`);
  });
});

describe('behind a proxy that takes the path off', () => {
  it.each(['/jwks', '/healthz', '/.well-known/openid-configuration'])('%s is answered alike', async (path) => {
    const [without, below] = await Promise.all([send(origin + path), send(server.issuer + path)]);
    expect(without.status).toBe(200);
    expect(without.text).toBe(below.text);
  });

  it('tokens are issued, and what is told of URLs is still below the path', async () => {
    const machine = createRelyingParty(origin, DEMO_MACHINE);
    const { status } = await machine.requestToken({ grant_type: 'client_credentials' });
    expect(status).toBe(200);
    const { headers } = await send(`${origin}/auth?${new URL(web.authorizationUrl({ scope: 'openid' })).searchParams}`);
    expect(headers.get('location')).toMatch(new RegExp(`^${PATH}/interaction/`));
  });
});

it('is not taken for another path that begins with the same letters', async () => {
  expect((await send(`${server.issuer}x/jwks`)).status).toBe(404);
});

it.each([`${PATH}/jwks`, `${PATH}/jwks?x`, `/.well-known/oauth-authorization-server${PATH}`, '/jwks'])(
  'C62: %s is answered also where the target is a whole URL, whatever host that names',
  async (path) => {
    const head = `GET http://another.example${path} HTTP/1.1\r\nHost: another.example\r\nConnection: close\r\n\r\n`;
    const { status, text } = await sendRaw(origin, head);
    expect([status, text.includes('another.example')]).toEqual([200, false]);
  },
);
