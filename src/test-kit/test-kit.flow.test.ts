import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sendRaw } from '../testing/raw-request.ts';
import {
  createRelyingParty,
  DEMO_API,
  DEMO_MACHINE,
  DEMO_WEB,
  introspect,
  postForm,
  send,
  tokensOf,
} from '../testing/relying-party.ts';
import { App, typeCode } from '../testing/second-factors.ts';
import { postgresOfTester } from '../testing/test-kit.ts';
import { UserAgent } from '../testing/user-agent.ts';
import { type StartedTestServer, startTestServer, TestServerError } from './test-kit.ts';

const ALICE = 'alice@example.com';
const API = 'http://localhost:3001';
const INACTIVE = { active: false };

let server: StartedTestServer;
beforeAll(async () => {
  server = await startTestServer({ databaseUrl: await postgresOfTester() });
});
afterAll(() => server.stop());

const demoWeb = () => createRelyingParty(server.issuer, DEMO_WEB);
const tokenOf = async (account = ALICE, scope = 'records:read') =>
  (await server.issueToken({ client: 'demo-web', account, scope })).access_token;
const isActive = async (token: string) => (await introspect(server.issuer, token)).active;
const signedIn = async (account: string) => {
  const browser = new UserAgent(server.issuer);
  for (const { name, value, path } of await server.signedInCookies(account)) {
    browser.cookies.set(`${path} ${name}`, { path, pair: `${name}=${value}` });
  }
  return browser;
};
const showsSignIn = (html: string) => /action="[^"]*\/sign-in"/.test(html);

describe('accounts', () => {
  it('are made up but for what is said, and can sign in', async () => {
    const { email, password } = await server.accounts.create();
    const { id_token } = await demoWeb().obtainTokens({ scope: 'openid' }, { email, password } as never);
    expect(decodeJwt(id_token).sub).toBe((await server.accounts.find(email))?.id);
  });

  it('are as they are described', async () => {
    const wanted = { email: 'Grace@example.com', name: 'Grace Hopper', roles: ['guest'], emailVerified: false };
    const made = await server.accounts.create({ ...wanted, password: 'cobol', claims: { given_name: 'Grace' } });
    expect(made).toMatchObject({ ...wanted, password: 'cobol', disabled: false });
    const { access_token } = await server.issueToken({ client: 'demo-web', account: made.id, scope: 'openid profile' });
    const userinfo = await send(server.url('/me'), { headers: { authorization: `Bearer ${access_token}` } });
    expect(userinfo.body).toMatchObject({ sub: made.id, given_name: 'Grace', name: 'Grace Hopper' });
    expect(await server.accounts.list()).toContainEqual(await server.accounts.find('grace@EXAMPLE.com'));
  });

  it('have an authenticator app, whose present code counts', async () => {
    const { email, password, totp } = await server.accounts.create({ totp: true });
    const browser = new UserAgent(server.issuer);
    const start = await browser.get(demoWeb().authorizationUrl({ scope: 'openid' }));
    const step = await browser.signIn(start, { email, password: password ?? '' });
    const { html } = await typeCode(browser, step, new App(totp?.secret ?? '').code());
    expect(html).toContain('data-testid="consent');
    expect(totp?.recoveryCodes).toHaveLength(10);
  });

  it('end with everything of them when they are disabled or deleted', async () => {
    const { id, email } = await server.accounts.create();
    const token = await tokenOf(id);
    await server.accounts.disable(email);
    expect(await isActive(token)).toBe(false);
    expect(await server.accounts.find(id)).toMatchObject({ disabled: true });
    await server.accounts.enable(email);
    expect(await isActive(await tokenOf(id))).toBe(true);
    await server.accounts.delete(email);
    expect(await server.accounts.find(email)).toBeUndefined();
  });

  it('are refused with the reason', async () => {
    await expect(server.accounts.create({ email: ALICE })).rejects.toThrow('There is an account alice@example.com');
    await expect(server.accounts.create({ email: 'nobody' })).rejects.toThrow('is not an email address');
    await expect(server.accounts.create({ roles: ['pilot'] })).rejects.toThrow('a role that does not exist: pilot');
    await expect(server.accounts.create({ claims: { birthdate: 'soon' } })).rejects.toThrow('birthdate');
    await expect(server.accounts.disable('nobody@example.com')).rejects.toThrow('There is no account');
  });
});

describe('clients', () => {
  it('are made up but for what is said, and can send people to sign in', async () => {
    const redirect_uris = ['http://localhost:4711/back'];
    const { clientId, clientSecret: secret = '' } = await server.clients.create({ redirect_uris });
    const party = createRelyingParty(server.issuer, { clientId, secret, redirectUri: 'http://localhost:4711/back' });
    expect((await party.obtainTokens({ scope: 'openid records:read' })).scope).toBe('openid records:read');
    await server.clients.delete(clientId);
    expect((await send(party.authorizationUrl({ scope: 'openid' }))).status).toBe(400);
  });

  it('may be public, or act for themselves', async () => {
    const metadata = { token_endpoint_auth_method: 'none', client_id: 'native', client_name: 'Native' };
    expect(await server.clients.create(metadata)).not.toHaveProperty('clientSecret');
    const machine = await server.clients.create({ grant_types: ['client_credentials'], scope: 'records:read' });
    const party = createRelyingParty(server.issuer, { clientId: machine.clientId, secret: machine.clientSecret ?? '' });
    const answer = tokensOf(await party.requestToken({ grant_type: 'client_credentials', scope: 'records:read' }));
    expect(await introspect(server.issuer, answer.access_token)).toMatchObject({ active: true });
    const listed = (await server.clients.list()).map(({ clientId }) => clientId);
    expect(listed).toEqual(expect.arrayContaining(['native', machine.clientId, 'demo-web']));
  });

  it('are refused with the reason', async () => {
    await expect(server.clients.create({ redirect_uris: ['nowhere'] })).rejects.toThrow('redirect_uris');
    await expect(server.clients.create({ client_id: 'demo-web' })).rejects.toThrow('There is a client demo-web');
  });
});

it('a directory document adds resource servers and roles, as YAML too', async () => {
  await server.applyDirectory(`
resourceServers:
  - { identifier: https://photos.example, name: Photos, scopes: [{ name: photos:read, description: see photos }] }
roles: [{ name: photographer, scopes: [photos:read] }]
clients:
  - { client_id: photos-api, client_secret: of-the-photos-api, grant_types: [], resource_server: https://photos.example }
  - { client_id: album, token_endpoint_auth_method: none, scope: photos:read, redirect_uris: ['http://localhost:1/back'] }
`);
  const { id } = await server.accounts.create({ roles: ['photographer'] });
  const request = { client: 'album', account: id, scope: 'photos:read', resource: 'https://photos.example' };
  const { access_token } = await server.issueToken(request);
  const { resource, ...toTheDefault } = request;
  await expect(server.issueToken(toTheDefault)).rejects.toThrow(`with resource ${resource} there is such a scope`);
  const photosApi = { clientId: 'photos-api', secret: 'of-the-photos-api' };
  expect(await introspect(server.issuer, access_token, photosApi)).toMatchObject({ scope: 'photos:read', sub: id });
  await expect(server.applyDirectory('a: [')).rejects.toThrow(TestServerError);
  await expect(server.applyDirectory({ clients: [{ client_id: 'x y' }] })).rejects.toThrow('is not an identifier');
});

it('a misspelt option starts no server that is not the one that was meant', async () => {
  await expect(startTestServer({ issuerport: 3000 } as object)).rejects.toThrow('and not issuerport');
});

describe('tokens', () => {
  it('are as good as those of a flow', async () => {
    const issued = await server.issueToken({ client: 'demo-web', account: ALICE, scope: 'openid email records:read' });
    expect(issued).toMatchObject({ token_type: 'Bearer', expires_in: 3600, scope: 'openid email records:read' });
    expect(await introspect(server.issuer, issued.access_token)).toMatchObject({
      active: true,
      aud: API,
      client_id: 'demo-web',
      username: ALICE,
    });
    const refreshed = tokensOf(await demoWeb().refresh(issued.refresh_token ?? ''));
    expect(await isActive(refreshed.access_token)).toBe(true);
  });

  it('come with an ID token, about the sign-in that is described', async () => {
    const request = { client: 'demo-web', account: ALICE, scope: 'openid', nonce: 'once', amr: ['pwd', 'otp', 'mfa'] };
    const { id_token = '' } = await server.issueToken(request);
    const keys = createRemoteJWKSet(new URL(server.url('/jwks')));
    const { payload } = await jwtVerify(id_token, keys, { issuer: server.issuer, audience: 'demo-web' });
    expect(payload).toMatchObject({ nonce: 'once', acr: 'mfa', amr: ['pwd', 'otp', 'mfa'] });
  });

  it('are JWTs where that is asked for, and live as long as is said', async () => {
    const about = { client: 'demo-web', account: ALICE, scope: 'records:read', lifetime: 90 };
    const { access_token, expires_in } = await server.issueToken({ ...about, format: 'jwt' });
    const keys = createRemoteJWKSet(new URL(server.url('/jwks')));
    const { payload } = await jwtVerify(access_token, keys, { issuer: server.issuer, audience: API, typ: 'at+jwt' });
    expect([Number(payload.exp) - Number(payload.iat), expires_in]).toEqual([90, 90]);
    expect(await isActive(access_token)).toBe(true);
  });

  it('are of the client itself without an account', async () => {
    const { access_token } = await server.issueToken({ client: 'demo-machine', scope: 'records:write' });
    const answer = await introspect(server.issuer, access_token);
    expect(answer).toMatchObject({ active: true, client_id: 'demo-machine', scope: 'records:write' });
  });

  it.each([
    [{ client: 'nobody' }, 'There is no client nobody'],
    [{ client: 'demo-web', account: 'nobody@example.com' }, 'There is no account'],
    [{ client: 'demo-web', account: ALICE, scope: 'fly' }, 'not known here: fly'],
    [{ client: 'demo-web', account: 'guest@example.com', scope: 'records:write' }, 'not permitted to this account'],
    [{ client: 'demo-web', account: ALICE, resource: 'https://elsewhere.example' }, 'There is no resource server'],
    [{ client: 'demo-web', account: ALICE, scope: 'openid', format: 'jwt' as const }, 'name it as resource'],
    [{ client: 'demo-web', account: ALICE, lifetime: 0 }, 'lifetime'],
  ])('are refused with the reason: %j', async (request, reason) => {
    await expect(server.issueToken(request)).rejects.toThrow(reason);
  });
});

it('a session needs no form: the browser is asked for consent at once', async () => {
  const { email } = await server.accounts.create();
  const browser = await signedIn(email);
  const { html } = await browser.get(demoWeb().authorizationUrl({ scope: 'openid' }));
  expect(showsSignIn(html)).toBe(false);
  expect(html).toContain(email);
});

describe('the clock', () => {
  beforeEach(() => server.clock.reset());
  afterAll(() => server.clock.reset());

  it('ends a code after its minute', async () => {
    const authorization = await demoWeb().authorize({ scope: 'records:read' });
    await server.clock.advance({ minutes: 2 });
    const { status, body } = await demoWeb().exchange(authorization);
    expect([status, body.error]).toEqual([400, 'invalid_grant']);
  });

  it('ends an access token, opaque or JWT, and not before its time', async () => {
    const tokens = [await tokenOf()];
    const jwt = await server.issueToken({ client: 'demo-web', account: ALICE, scope: 'records:read', format: 'jwt' });
    tokens.push(jwt.access_token);
    await server.clock.advance({ seconds: 3500 });
    expect(await Promise.all(tokens.map(isActive))).toEqual([true, true]);
    await server.clock.advance({ seconds: 200 });
    expect(await Promise.all(tokens.map(isActive))).toEqual([false, false]);
  });

  it('ends a browser session after a fortnight', async () => {
    const { email } = await server.accounts.create();
    const browser = await signedIn(email);
    await server.clock.advance({ days: 13 });
    expect(showsSignIn((await browser.get(demoWeb().authorizationUrl({ scope: 'openid' }))).html)).toBe(false);
    await server.clock.advance({ days: 15 });
    expect(showsSignIn((await browser.get(demoWeb().authorizationUrl({ scope: 'openid' }))).html)).toBe(true);
  });

  it('ends the throttle of an account', async () => {
    const { email, password } = await server.accounts.create();
    const browser = new UserAgent(server.issuer);
    const page = await browser.get(demoWeb().authorizationUrl({ scope: 'openid' }));
    const isIn = async (typed: string) => !showsSignIn((await browser.signIn(page, { email, password: typed })).html);
    for (let attempt = 0; attempt < 10; attempt += 1) {
      await isIn('wrong');
    }
    expect(await isIn(password ?? '')).toBe(false);
    await server.clock.advance({ minutes: 16 });
    expect(await isIn(password ?? '')).toBe(true);
  });

  it('ends the link of a mail', async () => {
    const { email } = await server.accounts.create();
    await new UserAgent(server.issuer).post('/forgot-password', { email });
    const link = (await server.mailbox.last(email)).links.find((one) => one.includes('/links/')) ?? '';
    expect((await new UserAgent(server.issuer).get(link)).html).toContain('type="password"');
    await server.clock.advance({ days: 1 });
    expect((await new UserAgent(server.issuer).get(link)).html).not.toContain('type="password"');
  });

  it('goes years ahead, where everything works, and comes back', async () => {
    const before = Date.now();
    await server.clock.set(new Date('2041-03-01T12:00:00Z'));
    const { access_token, id_token } = await demoWeb().obtainTokens({ scope: 'openid records:read' });
    expect(await isActive(access_token)).toBe(true);
    expect(new Date(Number(decodeJwt(id_token).iat) * 1000).toISOString()).toMatch(/^2041-03-01T12:0/);
    const [latest] = (await server.auditEvents({ kind: 'sign_in' })).slice(-1);
    expect(latest?.at).toMatch(/^2041-03-01T12:0/);
    const now = await server.clock.reset();
    expect(now.getTime() - before).toBeLessThan(3600_000);
    expect(await isActive(await tokenOf())).toBe(true);
  });

  it('adds up what is asked at once, whatever else is done meanwhile', async () => {
    const before = await server.clock.now();
    const hours = Array.from({ length: 3 }, () => server.clock.advance({ hours: 1 }));
    const [created] = await Promise.all([server.accounts.create(), server.rotateSigningKeys(), ...hours]);
    expect((await server.clock.now()).getTime() - before.getTime()).toBeGreaterThanOrEqual(3 * 3600_000);
    expect(await isActive(await tokenOf(created.id))).toBe(true);
  });

  it('goes forward only', async () => {
    await expect(server.clock.set(new Date('2020-01-01'))).rejects.toThrow('forward only');
    await expect(server.clock.advance({ seconds: -1 })).rejects.toThrow();
    await expect(server.clock.advance({ hour: 1 } as object)).rejects.toThrow('and not by hour');
    await expect(server.clock.advance({ days: 30 * 365 })).rejects.toThrow('until 2050');
  });
});

describe('endings', () => {
  it('revoke a token, as its holder would', async () => {
    const [token, other] = [await tokenOf(), await tokenOf()];
    await server.revoke({ token });
    expect([await isActive(token), await isActive(other)]).toEqual([false, true]);
    const { access_token, refresh_token = '' } = await server.issueToken({ client: 'demo-web', account: ALICE });
    await server.revoke({ token: refresh_token });
    expect(await isActive(access_token)).toBe(false);
    await expect(server.revoke({ token })).rejects.toThrow('There is no such token');
    await expect(server.revoke({ client: 'demo-wep' })).rejects.toThrow('There is no client demo-wep');
  });

  it('revoke what an account has allowed one client, or all', async () => {
    const { id } = await server.accounts.create();
    const [web, spa] = [await tokenOf(id), (await server.issueToken({ client: 'demo-spa', account: id })).access_token];
    await server.revoke({ account: id, client: 'demo-web' });
    expect([await isActive(web), await isActive(spa)]).toEqual([false, true]);
    await server.revoke({ account: id });
    expect(await isActive(spa)).toBe(false);
  });

  it('revoke everything of a client', async () => {
    const { clientId } = await server.clients.create();
    const { access_token } = await server.issueToken({ client: clientId, account: ALICE, scope: 'records:read' });
    await server.revoke({ client: clientId });
    expect(await isActive(access_token)).toBe(false);
  });

  it('end the sessions of an account', async () => {
    const { email } = await server.accounts.create();
    const browser = await signedIn(email);
    await server.revoke({ sessionsOf: email });
    expect(showsSignIn((await browser.get(demoWeb().authorizationUrl({ scope: 'openid' }))).html)).toBe(true);
  });

  it('expire one token, while time stands', async () => {
    const { access_token, refresh_token = '' } = await server.issueToken({ client: 'demo-web', account: ALICE });
    await server.expire(access_token);
    expect(await introspect(server.issuer, access_token)).toEqual(INACTIVE);
    await server.expire(refresh_token);
    expect((await demoWeb().refresh(refresh_token)).body.error).toBe('invalid_grant');
    await expect(server.expire('a.b.c')).rejects.toThrow('says itself when it expires');
  });
});

it('the mailbox has what was mailed, the newest first, until it is cleared', async () => {
  const { email } = await server.accounts.create();
  await new UserAgent(server.issuer).post('/forgot-password', { email });
  const mail = await server.mailbox.last(email.toUpperCase(), { subject: /password/i });
  expect(mail.text).toContain(mail.links[0]);
  expect(await server.mailbox.list(email)).toEqual([mail]);
  await server.mailbox.clear();
  expect(await server.mailbox.list()).toEqual([]);
  await expect(server.mailbox.last(email, { timeout: 0 })).rejects.toThrow('what came: nothing');
});

it('new keys sign at once, and what the old ones signed verifies', async () => {
  const issue = () => server.issueToken({ client: 'demo-web', account: ALICE, scope: 'openid records:read' });
  const kidsOf = async () => (await send(server.url('/jwks'))).body.keys as { kid: string; use: string }[];
  const [before, former] = [await issue(), await kidsOf()];
  const { signing, verifying } = await server.rotateSigningKeys();
  const keys = createRemoteJWKSet(new URL(server.url('/jwks')));
  const { protectedHeader } = await jwtVerify((await issue()).id_token ?? '', keys);
  expect(signing).toContain(protectedHeader.kid);
  await expect(jwtVerify(before.id_token ?? '', keys)).resolves.toMatchObject({ payload: { iss: server.issuer } });
  expect(former.map(({ kid }) => kid)).toEqual(expect.arrayContaining([...verifying]));
  expect(await isActive(before.access_token)).toBe(true);
});

it('nobody who asks is turned away because the database takes longer than people would wait', async () => {
  const holder = new pg.Client(server.databaseUrl);
  await holder.connect();
  await holder.query('begin; lock table tokens');
  const machine = createRelyingParty(server.issuer, DEMO_MACHINE);
  const asked = machine.requestToken({ grant_type: 'client_credentials' });
  await holder.query('select pg_sleep(1.2); commit');
  await holder.end();
  expect((await asked).status).toBe(200);
});

it('nobody who asks while keys are rotated, or everything is reset, is turned away', async () => {
  const statuses = new Set<number>();
  let changing = true;
  const changes = (async () => {
    await server.rotateSigningKeys();
    await server.reset();
  })().finally(() => {
    changing = false;
  });
  while (changing) {
    const answers = await Promise.all([
      send(demoWeb().authorizationUrl({ scope: 'openid' })),
      postForm(server.url('/token/introspection'), { token: 'x' }, DEMO_API),
    ]);
    for (const { status } of answers) {
      statuses.add(status);
    }
  }
  await changes;
  expect([...statuses].sort()).toEqual([200, 303]);
});

it('a reset brings back what was there after the start', async () => {
  const { id, email } = await server.accounts.create();
  const token = await tokenOf(id);
  const { clientId } = await server.clients.create();
  await server.accounts.delete(ALICE);
  await server.clock.advance({ days: 400 });
  await server.reset();
  expect(await server.accounts.find(email)).toBeUndefined();
  expect(await server.accounts.find(ALICE)).toMatchObject({ email: ALICE, roles: ['user'] });
  expect((await server.clients.list()).map((client) => client.clientId)).not.toContain(clientId);
  expect(await isActive(token)).toBe(false);
  expect(Math.abs((await server.clock.now()).getTime() - Date.now())).toBeLessThan(3600_000);
  expect(await isActive((await demoWeb().obtainTokens({ scope: 'records:read' })).access_token)).toBe(true);
  expect(await server.auditEvents({ account: ALICE, kind: 'sign_in' })).toHaveLength(1);
});

describe('the control API refuses', () => {
  const call = (path: string, init: RequestInit = {}) =>
    send(server.controlUrl + path, { ...init, headers: { authorization: `Bearer ${server.secret}`, ...init.headers } });
  const json = { 'content-type': 'application/json' };

  it('whoever has not the secret', async () => {
    for (const authorization of ['', 'Bearer', `Bearer ${server.secret}x`, `Basic ${server.secret}`]) {
      expect((await call('/accounts', { headers: { authorization } })).status).toBe(401);
    }
  });

  it('web pages, whatever name leads them here', async () => {
    expect((await call('/accounts', { headers: { origin: server.issuer } })).status).toBe(403);
    const { hostname, port } = new URL(server.controlUrl);
    expect(hostname).toBe('127.0.0.1');
    const request = `GET /accounts HTTP/1.1\r\nAuthorization: Bearer ${server.secret}\r\nConnection: close\r\n`;
    expect((await sendRaw(server.controlUrl, `${request}Host: rebound.example:${port}\r\n\r\n`)).status).toBe(403);
    expect((await sendRaw(server.controlUrl, `${request}Host: 127.0.0.1:${port}\r\n\r\n`)).status).toBe(200);
  });

  it('what it does not know, and says so', async () => {
    expect((await call('/nothing')).status).toBe(404);
    expect((await call('/reset')).body).toEqual({ error: '/reset takes POST.' });
    expect((await call('/accounts/%', {})).status).toBe(400);
    expect((await call('/accounts', { method: 'POST', body: '{' })).status).toBe(415);
    expect((await call('/accounts', { method: 'POST', body: '{', headers: json })).status).toBe(400);
    const unknown = await call('/accounts', { method: 'POST', body: '{"mail":"x"}', headers: json });
    expect([unknown.status, unknown.body.error]).toEqual([400, expect.stringContaining('mail')]);
    const nul = await call('/accounts', { method: 'POST', body: '{"name":"\\u0000"}', headers: json });
    expect(nul.status).toBe(400);
    const long = JSON.stringify({ name: 'x'.repeat(2 ** 20) });
    expect((await call('/accounts', { method: 'POST', body: long, headers: json })).status).toBe(413);
    expect((await call('/accounts/%00')).status).toBe(400);
    expect((await call('/audit-events?kind=%00')).status).toBe(400);
  });
});

it('the demo client of the resource API is there to introspect with', async () => {
  expect(await introspect(server.issuer, 'x', DEMO_API)).toEqual(INACTIVE);
});
