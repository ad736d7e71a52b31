/** Which scopes come out of an authorization request: RFC 6749 §3.3, and resources/scope-policy.ts over HTTP. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import {
  ALICE,
  createRelyingParty,
  DEMO_WEB,
  GUEST,
  introspect,
  type RelyingParty,
  send,
} from '../../../testing/relying-party.ts';
import { DEMO_PASSWORD, UserAgent } from '../../../testing/user-agent.ts';

const NARROW = { clientId: 'narrow', redirectUri: 'http://localhost:3002/narrow' };
const OFFLINE = { clientId: 'offline', redirectUri: 'http://localhost:3002/offline' };
const BARE = { clientId: 'bare', redirectUri: 'http://localhost:3002/bare' };

let server: TestServer;
let web: RelyingParty;
let narrow: RelyingParty;
let bare: RelyingParty;
let offline: RelyingParty;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
  narrow = createRelyingParty(server.issuer, NARROW);
  bare = createRelyingParty(server.issuer, BARE);
  offline = createRelyingParty(server.issuer, OFFLINE);
  const shared = { token_endpoint_auth_method: 'none', grant_types: ['authorization_code'] };
  await server.apply({
    clients: [
      { ...shared, client_id: 'narrow', redirect_uris: [NARROW.redirectUri], scope: 'records:read' },
      { ...shared, client_id: 'bare', redirect_uris: [BARE.redirectUri] },
      {
        ...shared,
        client_id: 'offline',
        redirect_uris: [OFFLINE.redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        scope: 'openid offline_access',
        default_scope: 'openid offline_access',
      },
    ],
  });
});
afterAll(() => server.stop());

/** What the client is told before anyone signs in. */
async function refusedAtOnce(client: RelyingParty, scope: string | undefined) {
  const { headers } = await send(client.authorizationUrl({ scope }));
  return Object.fromEntries(new URL(headers.get('location') ?? '').searchParams);
}

async function grantedScope(client: RelyingParty, scope: string | undefined, person = ALICE) {
  const tokens = await client.obtainTokens({ scope }, person);
  const introspection = await introspect(server.issuer, tokens.access_token);
  expect(introspection).toMatchObject({ active: true, scope: tokens.scope });
  return tokens.scope;
}

describe('C10: a request without a scope', () => {
  it.each([undefined, ''])('is one for the default scope of the client (%j)', async (scope) => {
    expect(await grantedScope(web, scope)).toBe('openid profile records:read');
  });

  it('is invalid_scope for a client that has no default', async () => {
    expect(await refusedAtOnce(narrow, undefined)).toMatchObject({
      error: 'invalid_scope',
      error_description: 'no scope was requested, and this client has no default scope',
      state: 'a-state',
      iss: server.issuer,
    });
  });
});

describe('C11: scopes that cannot be granted', () => {
  it.each([
    ['admin', 'refused scopes: not known here: admin'],
    ['Records:read openid2', 'refused scopes: not known here: Records:read openid2'],
  ])('unknown ones alone are invalid_scope: %s', async (scope, error_description) => {
    expect(await refusedAtOnce(web, scope)).toMatchObject({ error: 'invalid_scope', error_description });
  });

  it('says which are not allowed to the client and which are not known', async () => {
    expect(await refusedAtOnce(narrow, 'admin records:write openid')).toMatchObject({
      error: 'invalid_scope',
      error_description: 'refused scopes: not known here: admin; not allowed to this client: records:write openid',
    });
    expect(await refusedAtOnce(bare, 'records:read')).toMatchObject({
      error: 'invalid_scope',
      error_description: 'refused scopes: not allowed to this client: records:read',
    });
  });

  it('says so in a sentence that fits, whatever is asked for (C103)', async () => {
    const scope = Array.from({ length: 500 }, (_, index) => `scope-${index}`).join(' ');
    const { error, error_description } = await refusedAtOnce(web, scope);
    expect(error).toBe('invalid_scope');
    expect(error_description).toMatch(/and 495 more$/);
  });

  it.each([
    ['records:read admin', 'records:read'],
    ['admin records:read openid records:read', 'records:read openid'],
  ])('known ones among %s are granted alone, and the answer says so', async (scope, granted) => {
    expect(await grantedScope(web, scope)).toBe(granted);
  });

  it('what the client may not have is left out', async () => {
    expect(await grantedScope(narrow, 'records:read records:write')).toBe('records:read');
  });
});

describe('offline_access without prompt=consent is as good as not asked for (OpenID Connect Core §11)', () => {
  it('leaves the other scopes', async () => {
    expect(await grantedScope(web, 'openid offline_access records:read')).toBe('openid records:read');
  });

  it('leaves the default scope when it was asked for alone', async () => {
    expect(await grantedScope(web, 'offline_access')).toBe('openid profile records:read');
  });

  it('also as a part of the default scope', async () => {
    expect((await offline.obtainTokens()).scope).toBe('openid');
    expect((await offline.obtainTokens({ prompt: 'consent' })).scope).toBe('openid offline_access');
  });
});

describe('C11: roles limit scopes', () => {
  it('tells the client when the roles of the account permit none of them', async () => {
    const { callback, code } = await web.authorize({ scope: 'records:write' }, GUEST);
    expect(code).toBe('');
    expect(Object.fromEntries(callback.searchParams)).toMatchObject({
      error: 'invalid_scope',
      error_description: 'refused scopes: not permitted to this account by its roles: records:write',
      state: 'a-state',
      iss: server.issuer,
    });
  });

  it('grants those that the roles permit and leaves out the rest', async () => {
    expect(await grantedScope(web, 'records:read records:write', GUEST)).toBe('records:read');
    expect(await grantedScope(web, 'openid records:read records:write', GUEST)).toBe('openid records:read');
    expect(await grantedScope(web, 'records:read records:write', ALICE)).toBe('records:read records:write');
  });

  it('does not ask for consent to what the roles refuse', async () => {
    const browser = new UserAgent(server.issuer);
    const visit = await browser.get(web.authorizationUrl({ scope: 'records:read records:write' }));
    const consent = await browser.signIn(visit, GUEST);
    expect(consent.html).toContain('data-scope="records:read"');
    expect(consent.html).not.toContain('records:write');
  });

  it('asks the roles again when another account signs in on the way', async () => {
    const browser = new UserAgent(server.issuer);
    await browser.authorize(web.authorizationUrl({ scope: 'records:read' }), GUEST);
    const request = web.authorizationUrl({ scope: 'records:read records:write', prompt: 'login' });
    const callback = await browser.authorize(request, GUEST);
    expect(callback.searchParams.get('code')).not.toBeNull();
    const other = await new UserAgent(server.issuer).authorize(request, ALICE);
    expect(other.searchParams.get('code')).not.toBeNull();
  });
});

describe('the audience of the scope (RFC 8707)', () => {
  it('a resource that is named makes a token for that resource alone', async () => {
    const tokens = await web.obtainTokens({ scope: 'openid records:read', resource: 'http://localhost:3001' });
    expect(tokens.scope).toBe('records:read');
    expect(await introspect(server.issuer, tokens.access_token)).toMatchObject({ aud: 'http://localhost:3001' });
    const userinfo = await send(server.url('/me'), { headers: { authorization: `Bearer ${tokens.access_token}` } });
    expect([401, 403]).toContain(userinfo.status);
  });

  it('openid without a resource makes one token for userinfo and the API', async () => {
    const tokens = await web.obtainTokens({ scope: 'openid email records:read' });
    expect(await introspect(server.issuer, tokens.access_token)).toMatchObject({ aud: 'http://localhost:3001' });
    const userinfo = await send(server.url('/me'), { headers: { authorization: `Bearer ${tokens.access_token}` } });
    expect(userinfo).toMatchObject({ status: 200, body: { email: 'alice@example.com' } });
  });
});

describe('who is signed in with too little', () => {
  const request = { scope: 'records:write' };

  it('is told so', async () => {
    const browser = new UserAgent(server.issuer);
    await web.obtainTokens({ scope: 'records:read' }, GUEST, browser);
    const visit = await browser.get(web.authorizationUrl(request));
    expect(new URL(visit.url).searchParams.get('error')).toBe('invalid_scope');
  });

  it('may sign in with another account where the client asks for that', async () => {
    const browser = new UserAgent(server.issuer);
    await web.obtainTokens({ scope: 'records:read' }, GUEST, browser);
    const again = { ...request, prompt: 'login' };
    const callback = await browser.authorize(web.authorizationUrl(again), ALICE);
    expect(callback.searchParams.get('code')).not.toBeNull();
    const guest = await new UserAgent(server.issuer).authorize(web.authorizationUrl(again), GUEST);
    expect(guest.searchParams.get('error')).toBe('invalid_scope');
  });
});

describe('a scope that the default resource server has since a moment ago', () => {
  it('is granted beside openid by every node, none of which was started again', async () => {
    const otherNode = await server.addNode();
    const name = 'records:share';
    await server.apply({
      resourceServers: [
        {
          identifier: 'http://localhost:3001',
          name: 'Concierge demo API',
          default: true,
          scopes: ['records:read', 'records:write', name].map((scope) => ({
            name: scope,
            description: `use ${scope}`,
          })),
          claims: ['username'],
        },
      ],
      roles: [{ name: 'sharer', scopes: [name] }],
      clients: [
        {
          client_id: 'sharing',
          token_endpoint_auth_method: 'none',
          grant_types: ['authorization_code'],
          redirect_uris: ['http://localhost:3002/sharing'],
          scope: `openid ${name}`,
        },
      ],
      accounts: [{ email: 'sharon@example.com', name: 'Sharon', password: DEMO_PASSWORD, roles: ['sharer'] }],
    });
    const sharing = createRelyingParty(server.issuer, {
      clientId: 'sharing',
      redirectUri: 'http://localhost:3002/sharing',
    });
    const browser = new UserAgent(server.issuer);
    const page = await browser.get(sharing.authorizationUrl({ scope: `openid ${name}` }));
    browser.node = otherNode;
    const consent = await browser.signIn(page, { email: 'sharon@example.com' });
    expect(consent.html).toContain(`data-scope="${name}"`);
    const tokens = await sharing.obtainTokens({ scope: `openid ${name}` }, { email: 'sharon@example.com' });
    expect(tokens.scope).toBe(`openid ${name}`);
    expect(await introspect(server.issuer, tokens.access_token)).toMatchObject({ scope: `openid ${name}` });
  });
});
