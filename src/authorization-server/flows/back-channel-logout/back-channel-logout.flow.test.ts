import { createRemoteJWKSet, decodeJwt, type JWTPayload, jwtVerify } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLogger } from '../../../logging/create-logger.ts';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { type Notice, startReceiver } from '../../../testing/receiver.ts';
import {
  ALICE,
  createRelyingParty,
  DEMO_WEB,
  GUEST,
  introspect,
  type RelyingParty,
  type TestClient,
} from '../../../testing/relying-party.ts';
import { UserAgent } from '../../../testing/user-agent.ts';

let server: TestServer;
let receiver: Awaited<ReturnType<typeof startReceiver>>;
let browser: UserAgent;
let received: Notice[];
const log: string[] = [];
const clients = new Map<string, TestClient>();

const answers: Record<string, number | undefined> = { '/broken': 500, '/moved': 302, '/never-answers': undefined };

beforeAll(async () => {
  receiver = await startReceiver((path) => (path in answers ? answers[path] : 200));
  ({ received } = receiver);
  server = await startTestServer({ logger: createLogger('info', { write: (line: string) => void log.push(line) }) });
  const uris = {
    shop: receiver.url('/shop'),
    forum: receiver.url('/forum'),
    es256: receiver.url('/es256'),
    broken: receiver.url('/broken'),
    moved: receiver.url('/moved'),
    silent: receiver.url('/never-answers'),
    private: 'https://10.0.0.1/logout',
    metadata: 'https://169.254.169.254/latest',
  };
  for (const [clientId, backchannel_logout_uri] of Object.entries(uris)) {
    clients.set(clientId, await register(clientId, { backchannel_logout_uri }));
  }
});
afterAll(async () => {
  receiver.stop();
  await server.stop();
});
beforeEach(() => {
  browser = new UserAgent(server.issuer);
  received.length = 0;
  log.length = 0;
});

async function register(clientId: string, metadata: Record<string, unknown>): Promise<TestClient> {
  const client = {
    clientId,
    secret: `the-secret-of-${clientId}-for-tests`,
    redirectUri: 'http://localhost:3002/there',
  };
  await server.apply({
    clients: [
      {
        client_id: clientId,
        client_secret: client.secret,
        redirect_uris: [client.redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        scope: 'openid offline_access records:read',
        id_token_signed_response_alg: clientId === 'es256' ? 'ES256' : 'RS256',
        // Each is told of the person by the name that it knows.
        subject_type: clientId === 'forum' ? 'pairwise' : 'public',
        ...metadata,
      },
    ],
  });
  return client;
}

const at = (clientId: string): RelyingParty =>
  createRelyingParty(server.issuer, clients.get(clientId) ?? { clientId: 'nobody' });

const signIn = (clientId: string, agent = browser) => at(clientId).obtainTokens({ scope: 'openid' }, ALICE, agent);

/** With the button of the page, or with the one that stays. */
async function signOut({ agent = browser, parameters = '', stays = false, everywhere = false } = {}) {
  const question = await agent.get(`/session/end${parameters}`);
  const xsrf = question.html.match(/name="xsrf" value="([^"]+)"/)?.[1] ?? '';
  return agent.post('/session/end/confirm', {
    xsrf,
    ...(stays ? {} : { logout: 'yes' }),
    ...(everywhere ? { everywhere: 'yes' } : {}),
  });
}

/** On a machine that has much else to do. */
const PATIENCE = { timeout: 15_000 };

/** Nothing waits for a client: the notices arrive a moment later. */
const told = (...paths: string[]) =>
  vi.waitFor(
    () => expect(received.map(({ path }) => path).sort()).toEqual(paths.map((path) => `/${path}`).sort()),
    PATIENCE,
  );

async function waiting(): Promise<number> {
  const { rows } = await server.pool.query(
    'select (select count(*) from outbox) + (select count(*) from ended_sessions) as count',
  );
  return Number(rows[0].count);
}

const tokenOf = (notice: Notice | undefined) => notice?.form.get('logout_token') ?? '';

/** OpenID Connect Back-Channel Logout §2.6, as a client does it. */
async function verified(notice: Notice | undefined, audience: string): Promise<JWTPayload> {
  const { payload } = await jwtVerify(tokenOf(notice), createRemoteJWKSet(new URL(server.url('/jwks'))), {
    issuer: server.issuer,
    audience,
    typ: 'logout+jwt',
    requiredClaims: ['iat', 'exp', 'jti', 'events', 'sub', 'sid'],
  });
  return payload;
}

describe('a logout token (Back-Channel Logout §2.4)', () => {
  it('C69: goes to each client of the session once, and verifies there', async () => {
    const idTokens = { shop: (await signIn('shop')).id_token, forum: (await signIn('forum')).id_token };
    expect((await signOut()).html).toContain('data-testid="signed-out"');
    await told('forum', 'shop');
    const ids = new Set<unknown>();
    for (const clientId of ['shop', 'forum'] as const) {
      const notice = received.find(({ path }) => path === `/${clientId}`);
      expect(notice).toMatchObject({ method: 'POST', contentType: 'application/x-www-form-urlencoded' });
      expect([...(notice as Notice).form.keys()]).toEqual(['logout_token']);
      const payload = await verified(notice, clientId);
      const { sub, sid } = decodeJwt(idTokens[clientId]);
      expect(sid).toEqual(expect.any(String));
      expect(payload).toEqual({
        iss: server.issuer,
        aud: clientId,
        sub,
        sid,
        iat: expect.any(Number),
        exp: expect.any(Number),
        jti: expect.any(String),
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      });
      expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(120);
      ids.add(payload.jti).add(sid).add(sub);
    }
    expect(ids.size).toBe(6);
  });

  it('is signed with the algorithm of the client’s ID tokens', async () => {
    const { id_token } = await signIn('es256');
    await signOut();
    await told('es256');
    expect((await verified(received[0], 'es256')).sid).toBe(decodeJwt(id_token).sid);
    expect(JSON.parse(atob(tokenOf(received[0]).split('.')[0] ?? '')).alg).toBe('ES256');
  });

  it('is no ID token: as a hint it is refused', async () => {
    await signIn('shop');
    await signOut();
    await told('shop');
    const hint = new URLSearchParams({ id_token_hint: tokenOf(received[0]) });
    const { url } = await browser.get(`${at('shop').authorizationUrl({ scope: 'openid', prompt: 'none' })}&${hint}`);
    expect(new URL(url).searchParams.get('error')).toMatch(/invalid_request|login_required/);
  });
});

describe('the session id', () => {
  it('stays the same through single sign-on and refresh, and is another for another client', async () => {
    const first = await signIn('shop');
    const second = await signIn('shop');
    const sids = [first.id_token, second.id_token].map((token) => decodeJwt(token).sid);
    const refreshed = await at('shop').refresh(first.refresh_token);
    expect(new Set([...sids, decodeJwt(String(refreshed.body.id_token)).sid]).size).toBe(1);
    expect(decodeJwt((await signIn('forum')).id_token).sid).not.toBe(sids[0]);
  });

  it('is told to no client that did not register an address', async () => {
    const { id_token } = await createRelyingParty(server.issuer, DEMO_WEB).obtainTokens({ scope: 'openid' });
    expect(decodeJwt(id_token)).not.toHaveProperty('sid');
  });
});

describe('who is told', () => {
  it('C67: nobody of another session of the same person, whose tokens live on', async () => {
    const elsewhere = new UserAgent(server.issuer);
    const other = await signIn('shop', elsewhere);
    const mine = await signIn('shop');
    await signOut();
    await told('shop');
    const { sid } = await verified(received[0], 'shop');
    expect(sid).toBe(decodeJwt(mine.id_token).sid);
    expect(sid).not.toBe(decodeJwt(other.id_token).sid);
    expect((await introspect(server.issuer, other.access_token, clients.get('shop'))).active).toBe(true);
    expect((await introspect(server.issuer, mine.access_token, clients.get('shop'))).active).toBe(false);
  });

  it('C66: nobody before the person said yes', async () => {
    await signIn('shop');
    await browser.get('/session/end');
    await browser.post('/session/end/confirm', { xsrf: 'wrong', logout: 'yes' });
    expect(await waiting()).toBe(0);
    expect(received).toEqual([]);
  });

  it('the client that asked, where the person leaves it and stays signed in here', async () => {
    const { id_token } = await signIn('shop');
    await signIn('forum');
    await signOut({ parameters: `?id_token_hint=${id_token}`, stays: true });
    await told('shop');
  });

  it('no client that asked and was told nothing', async () => {
    await signIn('shop');
    await browser.get(at('forum').authorizationUrl({ scope: 'openid' }));
    await browser.get(at('es256').authorizationUrl({ scope: 'openid', prompt: 'none' }));
    await signOut();
    await told('shop');
  });

  it('the clients of who was signed in, where another person signs in', async () => {
    const { id_token } = await signIn('shop');
    await at('forum').authorize({ scope: 'openid', prompt: 'login' }, GUEST, browser);
    await told('shop');
    expect((await verified(received[0], 'shop')).sub).toBe(decodeJwt(id_token).sub);
  });

  it('a client twice, where the person came back in between', async () => {
    const first = await signIn('shop');
    await signOut();
    await told('shop');
    const second = await signIn('shop');
    await signOut();
    await told('shop', 'shop');
    const sids = [await verified(received[0], 'shop'), await verified(received[1], 'shop')].map(({ sid }) => sid);
    expect(sids).toEqual([first, second].map(({ id_token }) => decodeJwt(id_token).sid));
    expect(sids[0]).not.toBe(sids[1]);
  });
});

describe('C69: a client that cannot be told', () => {
  const problems = () => log.map((line) => JSON.parse(line)).filter(({ kind }) => kind === 'logout notice');

  it.each(['broken', 'moved', 'private', 'metadata', 'silent'])('(%s) keeps nobody signed in', async (clientId) => {
    const { access_token } = await signIn(clientId);
    await signIn('shop');
    const startedAt = performance.now();
    const end = await signOut();
    expect(end.html).toContain('data-testid="signed-out"');
    expect(performance.now() - startedAt).toBeLessThan(2000);
    expect((await introspect(server.issuer, access_token, clients.get(clientId))).active).toBe(false);
    const { url } = await browser.get(at('shop').authorizationUrl({ scope: 'openid', prompt: 'none' }));
    expect(new URL(url).searchParams.get('error')).toBe('login_required');
    await vi.waitFor(() => expect(problems()).toHaveLength(1), PATIENCE);
    await vi.waitFor(() => expect(received.filter(({ path }) => path === '/shop')).toHaveLength(1), PATIENCE);
    expect(received.filter(({ path }) => path === '/elsewhere')).toEqual([]);
    expect(problems()[0].err.message).toContain(clientId);
    expect(log.join()).not.toContain('eyJ');
    await server.pool.query('delete from outbox');
  });

  it('is told as soon as it is back, by whichever node, with a token that is valid then', async () => {
    const { id_token } = await signIn('broken');
    await signOut();
    await vi.waitFor(() => expect(problems()).toHaveLength(1), PATIENCE);
    answers['/broken'] = 200;
    received.length = 0;
    await server.pool.query('update outbox set next_attempt_at = now()');
    // What wakes a node: its own next notice.
    await signIn('shop');
    await signOut();
    await vi.waitFor(async () => expect(await waiting()).toBe(0), PATIENCE);
    const notice = received.find(({ path }) => path === '/broken');
    expect((await verified(notice, 'broken')).sid).toBe(decodeJwt(id_token).sid);
    answers['/broken'] = 500;
  });

  it('is kept without a name, a session or a token in clear', async () => {
    const { id_token } = await signIn('broken');
    await signOut();
    const { rows } = await server.pool.query('select * from outbox');
    expect(rows).toHaveLength(1);
    const { sub, sid } = decodeJwt(id_token);
    for (const secret of [sub, sid, 'broken', 'eyJ']) {
      expect(JSON.stringify(rows)).not.toContain(secret);
    }
    await server.pool.query('delete from outbox');
  });
});

describe('sessions that end elsewhere than in their own browser', () => {
  const accountOf = (id_token: string) => String(decodeJwt(id_token).sub);

  it('C50: are told of when the password changes, and their tokens have ended', async () => {
    const carol = { email: 'carol@example.com', name: 'Carol', roles: ['user'] };
    await server.apply({ accounts: [{ ...carol, password: 'the-first-password' }] });
    const { callback, ...authorization } = await at('shop').authorize(
      { scope: 'openid' },
      { email: carol.email, password: 'the-first-password' } as never,
      browser,
    );
    expect(callback.href).toContain('code=');
    const { body } = await at('shop').exchange(authorization);
    await server.apply({ accounts: [{ ...carol, password: 'the-second-password' }] });
    expect((await introspect(server.issuer, String(body.access_token), clients.get('shop'))).active).toBe(false);
    expect(await waiting()).toBe(1);
    // The command that changed it runs elsewhere: a node finds the session within seconds.
    await vi.waitFor(() => expect(received.map(({ path }) => path)).toEqual(['/shop']), { timeout: 15_000 });
    expect((await verified(received[0], 'shop')).sid).toBe(decodeJwt(String(body.id_token)).sid);
    await vi.waitFor(async () => expect(await waiting()).toBe(0), PATIENCE);
  }, 20_000);

  it('are told of to every other client where the registration of one does not hold any more', async () => {
    const there = new UserAgent(server.issuer);
    clients.set('outdated', await register('outdated', { backchannel_logout_uri: receiver.url('/outdated') }));
    await signIn('outdated', there);
    const { refresh_token } = await signIn('shop', there);
    await signIn('es256');
    await server.pool.query(
      `update clients set metadata = metadata || '{"grant_types": "none"}' where client_id = 'outdated'`,
    );
    await signOut({ everywhere: true });
    await vi.waitFor(() => expect(received.map(({ path }) => path)).toContain('/shop'), PATIENCE);
    expect((await at('shop').refresh(refresh_token)).body).toMatchObject({ error: 'invalid_grant' });
    await vi.waitFor(async () => expect(await waiting()).toBe(0), PATIENCE);
  });

  it('C67: leave nothing behind that was for the time of the session, and what was asked for beyond it', async () => {
    const online = await signIn('shop');
    const offline = await at('forum').obtainTokens(
      { scope: 'openid offline_access', prompt: 'consent' },
      ALICE,
      browser,
    );
    const other = new UserAgent(server.issuer);
    const elsewhere = await signIn('shop', other);
    await signOut({ agent: other, everywhere: true });
    const sids = async () =>
      Promise.all(received.map(async (notice) => (await verified(notice, notice.path.slice(1))).sid));
    const mine = [online, offline, elsewhere].map(({ id_token }) => decodeJwt(id_token).sid);
    await vi.waitFor(async () => expect(await sids()).toEqual(expect.arrayContaining(mine)), PATIENCE);
    for (const { access_token } of [online, elsewhere]) {
      expect((await introspect(server.issuer, access_token, clients.get('shop'))).active).toBe(false);
    }
    expect((await at('shop').refresh(online.refresh_token)).body).toMatchObject({ error: 'invalid_grant' });
    expect((await at('forum').refresh(offline.refresh_token)).status).toBe(200);
    const { url } = await browser.get(at('shop').authorizationUrl({ scope: 'openid', prompt: 'none' }));
    expect(new URL(url).searchParams.get('error')).toBe('login_required');
    await vi.waitFor(async () => expect(await waiting()).toBe(0), PATIENCE);
    const { rows } = await server.pool.query(
      `select distinct kind from audit_events where account_id = $1 and kind in ('sign_out', 'session_ended')`,
      [accountOf(online.id_token)],
    );
    expect(rows.map(({ kind }) => kind).sort()).toEqual(['session_ended', 'sign_out']);
  });
});

it('C69: an address is https without a fragment, or loopback', async () => {
  for (const uri of ['http://rp.example/out', 'https://rp.example/out#x', 'ftp://rp.example/', 'rp.example']) {
    await expect(register('late', { backchannel_logout_uri: uri })).rejects.toThrow(/backchannel_logout_uri/);
  }
});
