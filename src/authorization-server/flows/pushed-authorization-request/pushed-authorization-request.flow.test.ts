/** Pushed authorization requests (RFC 9126) over HTTP, from the push to the answer. */
import * as openidClient from 'openid-client';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import {
  ALICE,
  createPkce,
  createRelyingParty,
  DEMO_SPA,
  DEMO_WEB,
  GUEST,
  introspect,
  type Parameters,
  postForm,
  type RelyingParty,
  type TestClient,
  tokensOf,
} from '../../../testing/relying-party.ts';
import { UserAgent } from '../../../testing/user-agent.ts';

const MUST_PUSH = { ...DEMO_WEB, clientId: 'must-push', secret: 'a-secret-of-must-push' };

let server: TestServer;
let web: RelyingParty;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
  await server.apply({
    clients: [
      {
        client_id: MUST_PUSH.clientId,
        client_secret: MUST_PUSH.secret,
        redirect_uris: [MUST_PUSH.redirectUri, 'http://localhost:3002/other'],
        scope: 'openid profile records:read',
        require_pushed_authorization_requests: true,
      },
    ],
  });
});
afterAll(() => server.stop());
afterEach(() => void vi.useRealTimers());

const pkce = createPkce();

function push(parameters: Parameters = {}, client: TestClient = DEMO_WEB, node = server.issuer) {
  const request = {
    client_id: client.clientId,
    response_type: 'code',
    redirect_uri: client.redirectUri,
    state: 'a-state',
    code_challenge: pkce.challenge,
    code_challenge_method: 'S256',
  };
  return postForm(new URL('/request', node).href, { ...request, ...parameters }, client);
}

async function reference(parameters: Parameters = {}, client: TestClient = DEMO_WEB): Promise<string> {
  const { status, body, text } = await push(parameters, client);
  expect(status, text).toBe(201);
  return server.url(
    `/auth?${new URLSearchParams({ client_id: client.clientId, request_uri: String(body.request_uri) })}`,
  );
}

const redeem = (callback: URL, client = web) =>
  client.exchange({ code: callback.searchParams.get('code') ?? '', verifier: pkce.verifier });

describe('a pushed request', () => {
  it('is made and redeemed by openid-client, which found the endpoint by discovery', async () => {
    const config = await web.discover();
    expect(config.serverMetadata().pushed_authorization_request_endpoint).toBe(server.url('/request'));
    const url = await openidClient.buildAuthorizationUrlWithPAR(config, {
      redirect_uri: DEMO_WEB.redirectUri,
      scope: 'openid profile',
      state: 'of-the-library',
      code_challenge: pkce.challenge,
      code_challenge_method: 'S256',
    });
    expect([...url.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri']);
    const callback = await new UserAgent(server.issuer).authorize(url.href, ALICE);
    const checks = { expectedState: 'of-the-library', pkceCodeVerifier: pkce.verifier };
    const tokens = await openidClient.authorizationCodeGrant(config, callback, checks);
    expect(tokens.scope).toBe('openid profile');
  });

  it('lives for a minute, and the answer may not be kept', async () => {
    const { status, body, headers } = await push();
    expect(status).toBe(201);
    expect(body).toEqual({
      expires_in: 60,
      request_uri: expect.stringMatching(/^urn:ietf:params:oauth:request_uri:[\w-]{40,}$/),
    });
    expect(headers.get('cache-control')).toContain('no-store');
  });

  it('may be pushed by a public client, at any node', async () => {
    const node = await server.addNode();
    const { status, body } = await push({ scope: 'openid' }, DEMO_SPA, node);
    expect(status).toBe(201);
    const url = server.url(
      `/auth?${new URLSearchParams({ client_id: 'demo-spa', request_uri: String(body.request_uri) })}`,
    );
    const callback = await new UserAgent(server.issuer).authorize(url);
    expect(callback.searchParams.get('state')).toBe('a-state');
    expect((await redeem(callback, createRelyingParty(server.issuer, DEMO_SPA))).status).toBe(200);
  });

  it('is what counts: of what the browser adds nothing does', async () => {
    const url = `${await reference({ scope: 'openid' })}&scope=openid+email&state=another&prompt=none`;
    const callback = await new UserAgent(server.issuer).authorize(url);
    expect(callback.searchParams.get('state')).toBe('a-state');
    expect(tokensOf(await redeem(callback)).scope).toBe('openid');
  });
});

describe('the scope of a pushed request', () => {
  const granted = async (scope: string | undefined, person = ALICE) => {
    const callback = await new UserAgent(server.issuer).authorize(await reference({ scope }), person);
    return tokensOf(await redeem(callback)).scope;
  };

  it('is the one that was pushed, without what the account may not have', async () => {
    expect(await granted('openid records:read records:write')).toBe('openid records:read records:write');
    expect(await granted('openid records:read records:write', GUEST)).toBe('openid records:read');
    expect(await granted('openid email nonsense')).toBe('openid email');
  });

  it('C10: is the default scope of the client when none was pushed', async () => {
    expect(await granted(undefined)).toBe('openid profile records:read');
  });

  it('C11: is refused at once, by name, where nothing of it can be had', async () => {
    expect(await push({ scope: 'nonsense' })).toMatchObject({
      status: 400,
      body: { error: 'invalid_scope', error_description: 'refused scopes: not known here: nonsense' },
    });
  });

  it('may be for a resource', async () => {
    const url = await reference({ scope: 'records:read', resource: 'http://localhost:3001' });
    const tokens = tokensOf(await redeem(await new UserAgent(server.issuer).authorize(url)));
    expect(await introspect(server.issuer, tokens.access_token)).toMatchObject({ aud: 'http://localhost:3001' });
  });
});

describe('what cannot be pushed', () => {
  it.each([
    [{ redirect_uri: 'https://evil.example/' }, 'invalid_request'],
    [{ request_uri: 'urn:ietf:params:oauth:request_uri:x' }, 'request_uri_not_supported'],
    [{ response_type: 'nonsense' }, 'unsupported_response_type'],
    [{ client_id: 'demo-spa' }, 'invalid_request'],
    [{ code_challenge_method: 'plain' }, 'invalid_request'],
    [{ state: ['one', 'two'] }, 'invalid_request'],
  ] as const)('%j is told as %s', async (parameters, error) => {
    expect(await push(parameters)).toMatchObject({ status: 400, body: { error } });
  });

  it('C44: by who cannot prove to be the client', async () => {
    expect(await push({}, { ...DEMO_WEB, secret: 'wrong' })).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
    expect(await push({}, { clientId: 'demo-web' })).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    expect(await push({}, { clientId: 'nobody' })).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });
});

describe('a client that must push', () => {
  it('gets an answer to what it pushed', async () => {
    const url = await reference({ scope: 'openid' }, MUST_PUSH);
    const callback = await new UserAgent(server.issuer).authorize(url);
    expect(callback.searchParams.has('code')).toBe(true);
  });

  it('gets nothing for a request that a browser brings', async () => {
    const request = createRelyingParty(server.issuer, MUST_PUSH).authorizationUrl({ scope: 'openid' });
    const { searchParams } = await new UserAgent(server.issuer).authorize(request);
    expect(Object.fromEntries(searchParams)).toMatchObject({ error: 'invalid_request', state: 'a-state' });
  });
});

describe('a reference', () => {
  it('brings one answer, however many browsers follow it', async () => {
    const url = await reference({ scope: 'openid' });
    const browsers = [new UserAgent(server.issuer), new UserAgent(server.issuer)];
    const pages = await Promise.all(browsers.map((browser) => browser.get(url)));
    const consents = await Promise.all(browsers.map((browser, n) => browser.signIn(pages[n] as never, ALICE)));
    const answers = await Promise.all(browsers.map((browser, n) => browser.approve(consents[n] as never)));
    const answered = answers.map((answer) => new URL(answer.url).searchParams);
    expect(answered.filter((answer) => answer.has('code'))).toHaveLength(1);
    expect(answered.filter((answer) => answer.get('error') === 'invalid_request_uri')).toHaveLength(1);
  });

  it('of another client is none', async () => {
    const { body } = await push();
    const url = server.url(
      `/auth?${new URLSearchParams({ client_id: 'must-push', request_uri: String(body.request_uri) })}`,
    );
    expect(await new UserAgent(server.issuer).get(url)).toMatchObject({
      status: 400,
      html: expect.stringContaining('invalid_request_object'),
    });
  });

  it.each([
    ['was used', async (url: string) => void (await new UserAgent(server.issuer).authorize(url))],
    // The clock of the server, which runs in this process; nothing else is stopped.
    ['has expired', async () => void vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 })],
    [
      'is gone',
      async () => void (await server.pool.query(`delete from artifacts where kind = 'PushedAuthorizationRequest'`)),
    ],
  ] as const)('that %s leads to a page that says so, and to no redirect', async (_what, happens) => {
    const url = await reference({ scope: 'openid' });
    await happens(url);
    const visit = await new UserAgent(server.issuer).get(url);
    expect(visit.status).toBe(400);
    expect(visit.html).toContain('This sign-in link has expired');
    expect(visit.html).toContain('invalid_request_uri');
  });

  it('is kept for longer than a minute, or who takes their time to sign in could answer it twice', async () => {
    await server.pool.query(`delete from artifacts where kind = 'PushedAuthorizationRequest'`);
    await push();
    const { rows } = await server.pool.query(
      `select expires_at > now() + interval '2 hours' as kept from artifacts where kind = 'PushedAuthorizationRequest'`,
    );
    expect(rows).toEqual([{ kept: true }]);
  });

  it('C97: is not in the database, and what was pushed is not readable there', async () => {
    const { body } = await push();
    const id = String(body.request_uri).split(':').at(-1) ?? '';
    const { rows } = await server.pool.query(
      `select artifacts::text as written from artifacts where kind = 'PushedAuthorizationRequest'`,
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const secret of [id, pkce.challenge, 'a-state', 'eyJ']) {
      expect(rows.filter(({ written }) => written.includes(secret))).toEqual([]);
    }
  });
});

describe('C13: a reference to somewhere else', () => {
  it.each([
    'http://169.254.169.254/',
    'https://client.example/request.jwt',
    'urn:example:request',
    'file:///etc/passwd',
  ])('%s is refused, and nobody is asked', async (request_uri) => {
    const { searchParams } = await new UserAgent(server.issuer).authorize(web.authorizationUrl({ request_uri }));
    expect(searchParams.get('error')).toBe('request_uri_not_supported');
  });
});
