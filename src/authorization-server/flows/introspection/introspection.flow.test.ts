import { SignJWT } from 'jose';
import { tokenIntrospection } from 'openid-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import {
  createRelyingParty,
  DEMO_API,
  DEMO_MACHINE,
  DEMO_SPA,
  DEMO_WEB,
  introspect,
  type Parameters,
  postForm,
  type TestClient,
  type TokenSet,
  tokensOf,
} from '../../../testing/relying-party.ts';
import { UserAgent } from '../../../testing/user-agent.ts';

const API = 'http://localhost:3001';
const INACTIVE = { active: false };
const SCOPE = 'openid profile records:read records:write';

let server: TestServer;
let usualBrowser: UserAgent;
beforeAll(async () => {
  server = await startTestServer();
  usualBrowser = new UserAgent(server.issuer);
});
afterAll(() => server.stop());
beforeEach(async () => {
  await server.pool.query('update accounts set disabled_at = null');
  await setRoles('alice@example.com', ['user']);
});

const web = () => createRelyingParty(server.issuer, DEMO_WEB);
/** In a browser that is signed in already, mostly. */
const obtainTokens = (scope = SCOPE, browser = usualBrowser) => web().obtainTokens({ scope }, undefined, browser);
const ask = (parameters: Parameters, client?: TestClient) =>
  postForm(server.url('/token/introspection'), parameters, client);

async function setRoles(email: string, roles: readonly string[]) {
  const account = `(select account_id from accounts where email = $1)`;
  await server.pool.query(`delete from account_roles where account_id = ${account}`, [email]);
  await server.pool.query(
    `insert into account_roles (account_id, role) select account_id, unnest($2::text[]) from accounts where email = $1`,
    [email, roles],
  );
}

/** Changes what the person permitted, as a page about permissions would. */
async function editGrant(accountId: unknown, edit: (grant: { openid: object; resources: object }) => object) {
  const where = `kind = 'Grant' and account_id = $1`;
  const { rows } = await server.pool.query(`select key, payload from artifacts where ${where}`, [accountId]);
  for (const { key, payload } of rows) {
    const edited = JSON.stringify(edit(JSON.parse(payload)));
    await server.pool.query('update artifacts set payload = $2 where key = $1', [key, edited]);
  }
}

const HANDLE = /^[0-9a-f]{32}$/;

describe('what a resource server is told (RFC 7662 §2.2)', () => {
  it('C41: everything about an access token meant for it, and nothing secret', async () => {
    const { access_token } = await obtainTokens();
    const { status, headers, body } = await ask({ token: access_token }, DEMO_API);
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    const { iat, exp, ...rest } = body;
    expect(rest).toEqual({
      active: true,
      client_id: 'demo-web',
      iss: server.issuer,
      sub: expect.any(String),
      aud: API,
      scope: SCOPE,
      token_type: 'Bearer',
      username: 'alice@example.com',
      name: 'Alice Archer',
      email: 'alice@example.com',
      roles: ['user'],
      acr: '1fa',
      amr: ['pwd'],
      auth_time: expect.any(Number),
      jti: expect.stringMatching(HANDLE),
      grant_id: expect.stringMatching(HANDLE),
      sid: expect.stringMatching(HANDLE),
    });
    expect(JSON.stringify(body)).not.toContain(access_token);
    expect(Number(exp) - Number(iat)).toBeGreaterThan(0);
  });

  it('lets openid-client ask', async () => {
    const { access_token } = await obtainTokens();
    const config = await createRelyingParty(server.issuer, DEMO_API).discover();
    expect(await tokenIntrospection(config, access_token)).toMatchObject({ active: true, client_id: 'demo-web' });
  });

  it('C40: gives the same answer whatever the hint', async () => {
    const { access_token } = await obtainTokens();
    for (const token_type_hint of [undefined, 'access_token', 'refresh_token', 'pigeon', '']) {
      const { body } = await ask({ token: access_token, token_type_hint }, DEMO_API);
      expect(body).toMatchObject({ active: true, scope: SCOPE });
    }
  });

  it('the claims of an account that its registration lists, or that the token was granted', async () => {
    await server.apply({
      resourceServers: [
        {
          identifier: 'https://modest.example',
          name: 'Modest API',
          scopes: [{ name: 'modest:read', description: 'read' }],
          claims: ['roles'],
        },
      ],
      roles: [{ name: 'modest', scopes: ['modest:read'] }],
      clients: [
        {
          client_id: 'modest-api',
          client_secret: 'modest-api-secret',
          grant_types: [],
          resource_server: 'https://modest.example',
        },
        {
          client_id: 'modest-app',
          client_secret: 'modest-app-secret',
          grant_types: ['password'],
          scope: 'modest:read',
          default_scope: 'modest:read',
        },
      ],
    });
    await setRoles('alice@example.com', ['modest']);
    const app = createRelyingParty(server.issuer, { clientId: 'modest-app', secret: 'modest-app-secret' });
    const credentials = { username: 'alice@example.com', password: 'correct-horse-battery-staple' };
    const tokens = tokensOf(
      await app.requestToken({ grant_type: 'password', ...credentials, resource: 'https://modest.example' }),
    );
    const told = await introspect(server.issuer, tokens.access_token, {
      clientId: 'modest-api',
      secret: 'modest-api-secret',
    });
    expect(told).toMatchObject({
      active: true,
      aud: 'https://modest.example',
      scope: 'modest:read',
      roles: ['modest'],
    });
    for (const claim of ['username', 'name', 'email']) {
      expect(told).not.toHaveProperty(claim);
    }
    expect(await introspect(server.issuer, tokens.access_token, DEMO_API)).toEqual(INACTIVE);
  });
});

describe('it speaks of this moment', () => {
  let tokens: TokenSet;
  let sub: unknown;
  beforeEach(async () => {
    tokens = await obtainTokens();
    ({ sub } = await introspect(server.issuer, tokens.access_token));
  });

  it('follows the roles of the account', async () => {
    await setRoles('alice@example.com', ['guest']);
    const narrowed = await introspect(server.issuer, tokens.access_token);
    expect(narrowed).toMatchObject({ active: true, scope: 'openid profile records:read', roles: ['guest'] });
    await setRoles('alice@example.com', []);
    expect(await introspect(server.issuer, tokens.access_token)).toMatchObject({ scope: 'openid profile', roles: [] });
    await setRoles('alice@example.com', ['admin']);
    expect(await introspect(server.issuer, tokens.access_token)).toMatchObject({ scope: SCOPE, roles: ['admin'] });
  });

  it('follows the scopes of a role', async () => {
    await server.pool.query(`update roles set scopes = '{records:read}' where name = 'user'`);
    const { scope } = await introspect(server.issuer, tokens.access_token);
    await server.pool.query(`update roles set scopes = '{records:read,records:write}' where name = 'user'`);
    expect(scope).toBe('openid profile records:read');
  });

  it('follows the registration of the client', async () => {
    const { rows } = await server.pool.query(`select metadata from clients where client_id = 'demo-web'`);
    const register = (metadata: object) =>
      server.pool.query(`update clients set metadata = $1 where client_id = 'demo-web'`, [metadata]);
    await register({ ...rows[0].metadata, scope: 'openid records:read', default_scope: 'openid' });
    const { scope } = await introspect(server.issuer, tokens.access_token);
    await register(rows[0].metadata);
    expect(scope).toBe('openid records:read');
    expect(await introspect(server.issuer, tokens.access_token)).toMatchObject({ scope: SCOPE });
  });

  it('follows what the person permits, and grants nothing that was not in the token', async () => {
    await editGrant(sub, (grant) => ({
      ...grant,
      openid: { scope: 'openid records:read blobs:read' },
      resources: { [API]: 'records:read blobs:read' },
    }));
    expect(await introspect(server.issuer, tokens.access_token)).toMatchObject({ scope: 'openid records:read' });
  });

  it('ends with the grant', async () => {
    await server.pool.query(`delete from artifacts where kind = 'Grant' and account_id = $1`, [sub]);
    expect(await introspect(server.issuer, tokens.access_token)).toEqual(INACTIVE);
    expect(await introspect(server.issuer, tokens.refresh_token, DEMO_WEB)).toEqual(INACTIVE);
  });

  it('C39: ends with the account, disabled or deleted, and comes back with it', async () => {
    await server.pool.query('update accounts set disabled_at = now() where account_id = $1', [sub]);
    expect(await introspect(server.issuer, tokens.access_token)).toEqual(INACTIVE);
    expect(await introspect(server.issuer, tokens.refresh_token, DEMO_WEB)).toEqual(INACTIVE);
    await server.pool.query('update accounts set disabled_at = null where account_id = $1', [sub]);
    expect(await introspect(server.issuer, tokens.access_token)).toMatchObject({ active: true });
  });

  it('C39: ends with a deleted account', async () => {
    await server.apply({
      accounts: [
        { email: 'gone@example.com', name: 'Gone', password: 'correct-horse-battery-staple', roles: ['user'] },
      ],
    });
    const theirs = await web().obtainTokens({ scope: SCOPE }, { email: 'gone@example.com' });
    await server.pool.query(`delete from accounts where email = 'gone@example.com'`);
    expect(await introspect(server.issuer, theirs.access_token)).toEqual(INACTIVE);
    expect((await web().refresh(theirs.refresh_token)).body.error).toBe('invalid_grant');
  });

  it('C39, C81: ends with the client, disabled, broken or deleted, without an error', async () => {
    const client = { clientId: 'brief', secret: 'brief-client-secret' };
    await server.apply({
      clients: [
        {
          client_id: client.clientId,
          client_secret: client.secret,
          grant_types: ['client_credentials'],
          scope: 'records:read',
          default_scope: 'records:read',
        },
      ],
    });
    const { access_token } = tokensOf(
      await createRelyingParty(server.issuer, client).requestToken({ grant_type: 'client_credentials' }),
    );
    expect(await introspect(server.issuer, access_token)).toMatchObject({ active: true });
    await server.pool.query('update clients set disabled_at = now() where client_id = $1', [client.clientId]);
    expect(await ask({ token: access_token }, DEMO_API)).toMatchObject({ status: 200, body: INACTIVE });
    await server.pool.query(`update clients set disabled_at = null, metadata = '{}' where client_id = 'brief'`);
    expect(await ask({ token: access_token }, DEMO_API)).toMatchObject({ status: 200, body: INACTIVE });
    await server.pool.query('delete from clients where client_id = $1', [client.clientId]);
    expect(await ask({ token: access_token }, DEMO_API)).toMatchObject({ status: 200, body: INACTIVE });
  });

  it('C37: a rotated refresh token is over, the access token that came with it is not', async () => {
    const { refresh_token } = tokensOf(await web().refresh(tokens.refresh_token));
    expect(await introspect(server.issuer, tokens.refresh_token, DEMO_WEB)).toEqual(INACTIVE);
    expect(await introspect(server.issuer, tokens.access_token)).toMatchObject({ active: true });
    expect(await introspect(server.issuer, refresh_token, DEMO_WEB)).toMatchObject({ active: true });
  });

  it('ends when it expires, and when the person signs out', async () => {
    const other = await obtainTokens('openid records:read offline_access');
    await server.pool.query(
      `update tokens set payload = regexp_replace(payload, '"exp":\\d+', '"exp":1000000000')
       where kind = 'AccessToken' and account_id = $1`,
      [sub],
    );
    expect(await introspect(server.issuer, tokens.access_token)).toEqual(INACTIVE);
    expect(await introspect(server.issuer, other.access_token)).toEqual(INACTIVE);
    const fresh = await obtainTokens();
    await server.pool.query(`delete from artifacts where kind = 'Session' and account_id = $1`, [sub]);
    expect(await introspect(server.issuer, fresh.access_token)).toEqual(INACTIVE);
  });
});

describe('C38: who is told what', () => {
  let tokens: TokenSet;
  beforeAll(async () => {
    await setRoles('alice@example.com', ['user']);
    tokens = await obtainTokens();
  });

  it.each([
    ['the resource server it is meant for', DEMO_API, true],
    ['the client it was issued to', DEMO_WEB, true],
    ['another client', DEMO_MACHINE, false],
    ['a public client', DEMO_SPA, false],
  ] as const)('answers %s about an access token', async (_, client, told) => {
    const { status, body } = await ask({ token: tokens.access_token }, client);
    expect(status).toBe(200);
    told ? expect(body.active).toBe(true) : expect(body).toEqual(INACTIVE);
  });

  it('tells about a refresh token to its own client only, and calls it no Bearer token', async () => {
    const own = await introspect(server.issuer, tokens.refresh_token, DEMO_WEB);
    expect(own).toMatchObject({ active: true, client_id: 'demo-web' });
    expect(own).not.toHaveProperty('token_type');
    for (const client of [DEMO_API, DEMO_MACHINE, DEMO_SPA]) {
      expect(await introspect(server.issuer, tokens.refresh_token, client)).toEqual(INACTIVE);
    }
  });

  it('tells a public client nothing, not even about its own token: it has proved nothing', async () => {
    const theirs = await createRelyingParty(server.issuer, DEMO_SPA).obtainTokens({ scope: 'openid records:read' });
    expect(await introspect(server.issuer, theirs.access_token, DEMO_SPA)).toEqual(INACTIVE);
    expect(await introspect(server.issuer, theirs.access_token)).toMatchObject({ active: true });
  });

  it('tells a resource server nothing of a token for OpenID Connect alone', async () => {
    const { access_token } = await obtainTokens('openid profile');
    expect(await introspect(server.issuer, access_token)).toEqual(INACTIVE);
    expect(await introspect(server.issuer, access_token, DEMO_WEB)).toMatchObject({ active: true });
  });

  it.each([
    ['no credentials', undefined],
    ['a wrong secret', { clientId: 'demo-api', secret: 'wrong' }],
    ['an unknown client', { clientId: 'nobody', secret: 'wrong' }],
    ['a client id alone', { clientId: 'demo-api' }],
  ])('C37: answers 401 invalid_client to %s', async (_: string, client: TestClient | undefined) => {
    const { status, headers, body } = await ask({ token: tokens.access_token }, client);
    expect({ status, error: body.error }).toEqual({ status: 401, error: 'invalid_client' });
    expect(body.error_description).toEqual(expect.stringMatching(/client/));
    if (client?.secret !== undefined || client === undefined) {
      expect(headers.get('www-authenticate')).toMatch(/^Basic realm=/);
    }
  });

  it('C37: does not take a bearer token for credentials', async () => {
    const response = await fetch(server.url('/token/introspection'), {
      method: 'POST',
      headers: { authorization: `Bearer ${tokens.access_token}` },
      body: new URLSearchParams({ token: tokens.access_token }),
    });
    expect([400, 401]).toContain(response.status);
  });
});

describe('C37: what is no token', () => {
  it.each([
    ['random characters', 'x'.repeat(43)],
    ['a NUL', '\0'],
    ['a NUL inside', `${'x'.repeat(20)}\0${'x'.repeat(22)}`],
    ['50 kB', 'x'.repeat(50_000)],
    ['an emoji', '🛎️'],
    ['SQL', "' or '1'='1"],
    ['JSON', '{"active":true}'],
    ['a path', '../../etc/passwd'],
  ])('is inactive: %s', async (_, token) => {
    expect(await ask({ token }, DEMO_API)).toMatchObject({ status: 200, body: INACTIVE, text: '{"active":false}' });
  });

  it('C40: is inactive when one character of a token is cut, added or changed', async () => {
    const { access_token: token } = await obtainTokens();
    const swapped = token.replace(/[a-z]/i, (letter) =>
      letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
    );
    for (const other of [
      token.slice(0, -1),
      token.slice(1),
      `${token}A`,
      `A${token}`,
      ` ${token}`,
      `${token}=`,
      swapped,
    ]) {
      expect(await introspect(server.issuer, other)).toEqual(INACTIVE);
    }
    expect(await introspect(server.issuer, token)).toMatchObject({ active: true });
  });

  it('C37: a JWT that is no access token is inactive like any other nonsense (§2.2)', async () => {
    const { id_token: idToken } = await obtainTokens();
    const sign = (header: object) =>
      new SignJWT({}).setProtectedHeader({ alg: 'HS256', ...header }).sign(new Uint8Array(32));
    for (const token of [await sign({}), await sign({ typ: 'at+jwt' }), String(idToken)]) {
      expect(await ask({ token }, DEMO_API)).toMatchObject({ status: 200, body: INACTIVE, text: '{"active":false}' });
      expect((await ask({ token }, { ...DEMO_API, secret: 'wrong' })).status).toBe(401);
    }
  });

  it('an authorization code and an ID token are none either', async () => {
    const { code } = await web().authorize({ scope: SCOPE });
    expect(await introspect(server.issuer, code, DEMO_WEB)).toEqual(INACTIVE);
  });

  it.each([
    ['is missing', {}],
    ['is empty, which is the same (RFC 6749 §3.1)', { token: '' }],
    ['is given twice', { token: ['a', 'b'] }],
  ])('answers invalid_request when the token %s', async (_, parameters) => {
    const { status, body } = await ask(parameters, DEMO_API);
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_request' });
    expect(body.error_description).toMatch(/token/);
  });

  it('reads no token from the query', async () => {
    const { access_token } = await obtainTokens();
    const { status } = await postForm(server.url(`/token/introspection?token=${access_token}`), {}, DEMO_API);
    expect(status).toBe(400);
  });
});

describe('C39: a live session whose account is gone', () => {
  it('asks for sign-in again instead of failing, and lets another account in', async () => {
    const browser = new UserAgent(server.issuer);
    await obtainTokens(SCOPE, browser);
    await server.pool.query(`update accounts set disabled_at = now() where email = 'alice@example.com'`);
    const request = web().authorizationUrl({ scope: SCOPE });
    const visit = await browser.get(request);
    expect(visit.status).toBe(200);
    expect(visit.html).toMatch(/action="[^"]*\/sign-in"/);
    const silent = await browser.get(web().authorizationUrl({ scope: SCOPE, prompt: 'none' }));
    expect(new URL(silent.url).searchParams.get('error')).toBe('login_required');
    const callback = await browser.authorize(request, { email: 'guest@example.com' });
    expect(callback.searchParams.get('code')).toEqual(expect.any(String));
  });

  it('refuses userinfo and refresh', async () => {
    const tokens = await obtainTokens();
    await server.pool.query(`update accounts set disabled_at = now() where email = 'alice@example.com'`);
    const userinfo = await fetch(server.url('/me'), { headers: { authorization: `Bearer ${tokens.access_token}` } });
    expect(userinfo.status).toBe(401);
    expect(userinfo.headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect((await web().refresh(tokens.refresh_token)).body.error).toBe('invalid_grant');
  });
});
