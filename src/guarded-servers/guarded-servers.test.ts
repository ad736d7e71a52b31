/** One guard in four kinds of server, which ask the real authorization server. */
import { createServer, type RequestListener } from 'node:http';
import Router from '@koa/router';
import express from 'express';
import Fastify from 'fastify';
import Koa from 'koa';
import { afterAll, afterEach, beforeAll, describe, expect, expectTypeOf, it, vi } from 'vitest';
import {
  type AccessToken,
  createGuard,
  type Guard,
  type Guarded,
  type RequireOptions,
  tokenOf,
} from '../resource-server/guard/guard.ts';
import { startApplication } from '../testing/application.ts';
import { startTestServer, type TestServer } from '../testing/authorization-server.ts';
import { createProof, createProver } from '../testing/dpop.ts';
import { createRelyingParty, DEMO_WEB, revoke, tokensOf } from '../testing/relying-party.ts';
import { type ClientKey, createClientKey } from '../testing/request-object.ts';
import { UserAgent } from '../testing/user-agent.ts';

const AGENT = { clientId: 'agent', secret: 'agent-secret' };
const SCOPES = ['books:read', 'books:write', 'books:sell'];

/** What each route takes. Whoever is let in is told what the token says. */
const RULES: Readonly<Record<string, readonly [string | string[], RequireOptions?]>> = {
  '/any': [[]],
  '/read': ['books:read'],
  '/trade': [['books:read', 'books:sell']],
  '/sure': ['books:read', { acrValues: ['mfa'] }],
  '/recent': ['books:read', { maxAge: 300 }],
  '/now': ['books:read', { acrValues: ['1fa', 'mfa'], maxAge: 0 }],
};

const told = ({ clientId, subject, scopes, acr }: AccessToken) => ({ clientId, subject, scopes: [...scopes], acr });

function inKoa(guard: Guard): RequestListener {
  const router = new Router<Guarded>();
  for (const [path, [scope, options]] of Object.entries(RULES)) {
    router.get(path, guard.require(scope, options), (ctx) => {
      expectTypeOf(ctx.state.token).toEqualTypeOf<AccessToken>();
      ctx.body = told(ctx.state.token);
    });
  }
  return new Koa().use(guard.metadata).use(router.routes()).callback();
}

function inExpress(guard: Guard): RequestListener {
  const app = express().use(guard.metadata);
  for (const [path, [scope, options]] of Object.entries(RULES)) {
    app.get(path, guard.require(scope, options), (request, response) => {
      expectTypeOf(tokenOf(request)).toEqualTypeOf<AccessToken>();
      response.json(told(tokenOf(request)));
    });
  }
  return app;
}

function inFastify(guard: Guard): RequestListener {
  const app = Fastify().addHook('onRequest', guard.metadata);
  for (const [path, [scope, options]] of Object.entries(RULES)) {
    app.get(path, { preHandler: guard.require(scope, options) }, async (request) => told(tokenOf(request)));
  }
  return async (request, response) => {
    await app.ready();
    app.routing(request, response);
  };
}

function inNode(guard: Guard): RequestListener {
  const rules = new Map(
    Object.entries(RULES).map(([path, [scope, options]]) => [path, guard.require(scope, options)] as const),
  );
  return async (request, response) => {
    if (await guard.metadata(request, response)) {
      return;
    }
    const protect = rules.get(new URL(request.url ?? '', 'http://api').pathname);
    if (protect === undefined) {
      response.writeHead(404).end();
      return;
    }
    const token = await protect(request, response);
    expectTypeOf(token).toEqualTypeOf<AccessToken | undefined>();
    if (token !== undefined) {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(told(token)));
    }
  };
}

const SERVERS = { Koa: inKoa, Express: inExpress, Fastify: inFastify, 'node:http': inNode };

interface Place {
  readonly url: string;
  readonly audience: string;
  readonly stop: () => void;
}

let server: TestServer;
let key: ClientKey;
const places = new Map<string, Place>();
const guards: Guard[] = [];
beforeAll(async () => {
  [server, key] = await Promise.all([startTestServer(), createClientKey()]);
  for (const [name, create] of Object.entries(SERVERS)) {
    const clientId = `api-in-${name}`;
    const place = await startApplication((url) => {
      const options = { audience: `${url}/shop`, clientId, clientSecret: 'a-secret-of-the-api', name };
      const guard = createGuard({ issuer: server.issuer, timeoutMs: 30_000, ...options });
      guards.push(guard);
      return create(guard);
    });
    const audience = `${place.url}/shop`;
    places.set(name, { ...place, audience });
    await server.apply({
      resourceServers: [
        {
          identifier: audience,
          name,
          claims: [],
          scopes: SCOPES.map((scope) => ({ name: scope, description: `use ${scope}` })),
        },
      ],
      clients: [
        { client_id: clientId, client_secret: 'a-secret-of-the-api', grant_types: [], resource_server: audience },
      ],
    });
  }
  const scope = SCOPES.join(' ');
  await server.apply({
    roles: [{ name: 'reader', scopes: SCOPES }],
    accounts: [{ email: 'reader@example.com', name: 'Reader', roles: ['reader'], password: PASSWORD }],
    clients: [
      { client_id: AGENT.clientId, client_secret: AGENT.secret, grant_types: ['client_credentials'], scope },
      {
        client_id: READER.clientId,
        client_secret: READER.secret,
        grant_types: ['authorization_code'],
        redirect_uris: [READER.redirectUri],
        scope,
      },
    ],
  });
});
afterAll(async () => {
  for (const place of places.values()) {
    place.stop();
  }
  await Promise.all(guards.map((guard) => guard.close()));
  await server.stop();
});
afterEach(() => vi.restoreAllMocks());

const PASSWORD = 'correct-horse-battery-staple';
const READER = {
  ...DEMO_WEB,
  clientId: 'reader',
  secret: 'reader-secret',
  redirectUri: 'http://localhost:3002/callback',
};

describe.each(Object.keys(SERVERS))('in %s', (name) => {
  const at = (): Place => places.get(name) as Place;
  const metadata = () => new URL('/.well-known/oauth-protected-resource/shop', at().url).href;
  const get = (path: string, token?: string) =>
    fetch(at().url + path, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
  const machineToken = async (scope: string) =>
    tokensOf(
      await createRelyingParty(server.issuer, AGENT).requestToken({
        grant_type: 'client_credentials',
        resource: at().audience,
        scope,
      }),
    ).access_token;

  async function refused(response: Promise<Response>) {
    const { status, headers } = await response;
    const { error, error_description } = (await (await response).json()) as Record<string, unknown>;
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(error_description).toEqual(expect.any(String));
    return { status, error, challenge: headers.get('www-authenticate') };
  }

  it('lets in who brings a good token with the scopes, and hands on what it says', async () => {
    const token = await machineToken('books:read books:sell');
    for (const path of ['/any', '/read', '/trade', '/read']) {
      const response = await get(path, token);
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ clientId: 'agent', scopes: ['books:read', 'books:sell'] });
    }
  });

  it('C84: asks for a token where there is none, and troubles nobody with it', async () => {
    const [error, warn] = [vi.spyOn(console, 'error'), vi.spyOn(console, 'warn')];
    expect(await refused(get('/read'))).toEqual({
      status: 401,
      error: 'unauthorized',
      challenge: expect.stringMatching(`^Bearer resource_metadata="${metadata()}", DPoP algs="[^"]+"$`),
    });
    expect(await refused(get('/read', 'nonsense'))).toMatchObject({ status: 401, error: 'invalid_token' });
    expect(await refused(get('/read?access_token=x'))).toMatchObject({ status: 400 });
    expect([...error.mock.calls, ...warn.mock.calls]).toEqual([]);
  });

  it('C83: says which scopes a request takes, and which of them the token lacks', async () => {
    const response = get('/trade', await machineToken('books:read books:write'));
    const { challenge, ...answer } = await refused(response);
    expect(answer).toEqual({ status: 403, error: 'insufficient_scope' });
    expect(challenge).toContain('scope="books:read books:sell"');
    expect(challenge).toContain('error_description="The access token does not carry the scope books:sell."');
  });

  it('C83: takes no token that is for another API', async () => {
    const elsewhere = [...places.values()].find(({ url }) => url !== at().url) as Place;
    const { access_token } = tokensOf(
      await createRelyingParty(server.issuer, AGENT).requestToken({
        grant_type: 'client_credentials',
        resource: elsewhere.audience,
        scope: 'books:read',
      }),
    );
    expect(await refused(get('/any', access_token))).toMatchObject({ status: 401, error: 'invalid_token' });
  });

  it('asks for a surer or a more recent sign-in (RFC 9470)', async () => {
    const { access_token } = await createRelyingParty(server.issuer, READER).obtainTokens(
      { scope: 'books:read', resource: at().audience },
      { email: 'reader@example.com' },
      new UserAgent(server.issuer),
    );
    expect(await (await get('/recent', access_token)).json()).toMatchObject({ clientId: 'reader', acr: '1fa' });
    const insufficient = { status: 401, error: 'insufficient_user_authentication' };
    const sure = await refused(get('/sure', access_token));
    expect(sure).toMatchObject({ ...insufficient, challenge: expect.stringContaining('acr_values="mfa"') });
    const now = await refused(get('/now', access_token));
    expect(now).toMatchObject({ ...insufficient, challenge: expect.stringContaining('max_age="0"') });
    const nobody = await refused(get('/recent', await machineToken('books:read')));
    expect(nobody).toMatchObject({ ...insufficient, challenge: expect.stringContaining('max_age="300"') });
  });

  it('C87: refuses a token that was revoked, a second later at most', async () => {
    const token = await machineToken('books:read');
    expect((await get('/read', token)).status).toBe(200);
    await revoke(server.issuer, token, AGENT);
    await expect.poll(async () => (await get('/read', token)).status).toBe(401);
  });

  it('C85: lets in who shows the key that a token is bound to, once for each proof (RFC 9449)', async () => {
    const client = AGENT;
    const parameters = { grant_type: 'client_credentials', resource: at().audience, scope: 'books:read' };
    const bound = await createProver(server).requestToken(parameters, { client, proof: key });
    const token = tokensOf(bound).access_token;
    const url = `${at().url}/read?page=2`;
    const call = (authorization: string, dpop: string) => fetch(url, { headers: { authorization, dpop } });
    const proof = await createProof(key, { method: 'GET', url: url.replace('?page=2', ''), accessToken: token });
    expect((await call(`DPoP ${token}`, proof)).status).toBe(200);
    for (const authorization of [`DPoP ${token}`, `Bearer ${token}`, `DPoP ${await machineToken('books:read')}`]) {
      const { status, challenge } = await refused(call(authorization, proof));
      expect({ status, challenge }).toEqual({ status: 401, challenge: expect.stringContaining('DPoP ') });
    }
  });

  it('tells everybody where tokens come from, at the place that belongs to its identifier (RFC 9728)', async () => {
    const response = await fetch(metadata());
    expect(response.status).toBe(200);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(await response.json()).toMatchObject({
      resource: at().audience,
      authorization_servers: [server.issuer],
      scopes_supported: ['books:read', 'books:sell'],
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: expect.arrayContaining(['ES256', 'RS256']),
      resource_name: name,
    });
    const preflight = await fetch(metadata(), { method: 'OPTIONS' });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-headers')).toBe('*');
    expect((await get('/.well-known/oauth-protected-resource', 'x')).status).not.toBe(200);
  });

  it('C86: answers 503 and never lets anyone in while nobody can be asked', async () => {
    const log: string[] = [];
    const guard = createGuard({
      issuer: 'http://127.0.0.1:9',
      audience: 'urn:example:api',
      clientId: 'api',
      clientSecret: 'secret',
      logger: { warn: (_details, message) => log.push(message) },
    });
    const create = SERVERS[name as keyof typeof SERVERS];
    const lost = createServer(create(guard));
    const { url, stop } = await startApplication(() => (request, response) => lost.emit('request', request, response));
    const response = await fetch(`${url}/read`, { headers: { authorization: 'Bearer token' } });
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('2');
    expect(log).toContain('cannot introspect at http://127.0.0.1:9');
    stop();
    await guard.close();
  });
});

it('refuses rules that cannot be meant', () => {
  const guard = createGuard({ issuer: 'http://localhost', audience: 'urn:x', clientId: 'api', clientSecret: 'secret' });
  // @ts-expect-error: of a scope that is missing by mistake
  expect(() => guard.require(undefined)).toThrow(TypeError);
  expect(() => guard.require('bo"oks')).toThrow(TypeError);
  expect(() => guard.require('books', { acrValues: [] })).toThrow(TypeError);
  expect(() => guard.require('books', { maxAge: Number.NaN })).toThrow(TypeError);
  expect(() => createGuard({ issuer: 'localhost', audience: 'urn:x', clientId: 'a', clientSecret: 'b' })).toThrow();
  expect(() => createGuard({ issuer: 'http://localhost', audience: 'urn:x' })).toThrow('clientSecret');
  const asks = { issuer: 'http://localhost', audience: 'urn:x', clientId: 'a', clientSecret: 'b' };
  for (const cache of [{ maxEntries: 0 }, { maxEntries: 1.5 }, { maxBytes: -1 }, { maxBytes: Number.NaN }]) {
    expect(() => createGuard({ ...asks, cache })).toThrow('maxAgeSeconds: 0');
  }
  // A variable that was forgotten must not mean never to hear of a revocation.
  const halfOf = { issuer: 'http://localhost', audience: 'urn:x', strategy: 'jwt', clientId: 'api' } as const;
  expect(() => createGuard(halfOf)).toThrow('clientSecret');
  for (const nonceSecret of [undefined, '']) {
    const options = { issuer: 'http://localhost', audience: 'http://localhost', possession: { nonceSecret } };
    expect(() => createGuard({ ...options, strategy: 'jwt' })).toThrow('nonceSecret');
  }
});

it('is not forgotten unnoticed: without a guard there is no token', () => {
  expect(() => tokenOf({ state: {} })).toThrow('nothing guards this route');
  expect(() => tokenOf({})).toThrow('nothing guards this route');
});
