import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openidClient from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import {
  createRelyingParty,
  DEMO_API,
  DEMO_MACHINE,
  DEMO_SPA,
  DEMO_WEB,
  introspect,
  type Parameters,
  revoke,
  type TestClient,
  tokensOf,
} from '../../../testing/relying-party.ts';
import { DEMO_PASSWORD, UserAgent } from '../../../testing/user-agent.ts';

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const API = 'http://localhost:3001';
const LEDGER = 'https://ledger.example/api';
/** Stands before the demo API: receives its tokens, and calls on with others. */
const GATEWAY = { clientId: 'gateway', secret: 'gateway-secret', redirectUri: 'http://localhost:3002/gateway' };
const LEDGER_API = { clientId: 'ledger-api', secret: 'ledger-api-secret' };
const NAMED = { clientId: 'named', secret: 'named-secret' };
const INACTIVE = { active: false };

let server: TestServer;
let otherNode: string;
beforeAll(async () => {
  server = await startTestServer();
  otherNode = await server.addNode();
  const scope = 'records:read records:write';
  const policy = { subject_clients: ['demo-web', 'demo-machine', 'gateway'], audiences: [API, LEDGER] };
  await server.apply({
    resourceServers: [
      {
        identifier: LEDGER,
        name: 'Ledger',
        accessTokenFormat: 'jwt',
        accessTokenTtl: 300,
        scopes: ['records:read', 'ledger:post'].map((name) => ({ name, description: `use ${name}` })),
      },
    ],
    clients: [
      {
        client_id: GATEWAY.clientId,
        client_secret: GATEWAY.secret,
        grant_types: ['authorization_code', 'client_credentials', TOKEN_EXCHANGE],
        redirect_uris: [GATEWAY.redirectUri],
        scope: `${scope} ledger:post`,
        resource_server: API,
        token_exchange: { ...policy, delegation: 'optional' },
      },
      {
        client_id: NAMED.clientId,
        client_secret: NAMED.secret,
        grant_types: ['client_credentials', TOKEN_EXCHANGE],
        scope,
        resource_server: API,
        token_exchange: { subject_clients: ['demo-web'], audiences: [API], delegation: 'required' },
      },
      { client_id: LEDGER_API.clientId, client_secret: LEDGER_API.secret, grant_types: [], resource_server: LEDGER },
    ],
  });
});
afterAll(() => server.stop());

const party = (client: TestClient) => createRelyingParty(server.issuer, client);
const exchange = (client: TestClient, subject_token: string, parameters: Parameters = {}) =>
  party(client).requestToken({
    grant_type: TOKEN_EXCHANGE,
    subject_token,
    subject_token_type: ACCESS_TOKEN,
    ...parameters,
  });
const exchanged = async (...request: ExchangeRequest) => tokensOf(await exchange(...request)).access_token;
type ExchangeRequest = [client: TestClient, subject: string, parameters?: Parameters];

const ofPerson = (parameters: Parameters = {}, browser?: UserAgent) =>
  party(DEMO_WEB).obtainTokens({ scope: 'openid records:read records:write', ...parameters }, undefined, browser);
async function ofMachine(client: TestClient = DEMO_MACHINE, scope = 'records:read records:write') {
  return tokensOf(await party(client).requestToken({ grant_type: 'client_credentials', scope })).access_token;
}

describe('token exchange (RFC 8693)', () => {
  it('lets the demo machine exchange its token for a narrower one, which its resource server accepts', async () => {
    const { status, headers, body } = await exchange(DEMO_MACHINE, await ofMachine(), { scope: 'records:read' });
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({
      access_token: expect.any(String),
      issued_token_type: ACCESS_TOKEN,
      token_type: 'Bearer',
      expires_in: expect.any(Number),
      scope: 'records:read',
    });
    const said = await introspect(server.issuer, String(body.access_token));
    expect(said).toMatchObject({ active: true, client_id: 'demo-machine', aud: API, scope: 'records:read' });
    expect(said).not.toHaveProperty('act');
  });

  it('lets a resource server go on in the place of a person, with a token for another one', async () => {
    const { access_token } = await ofPerson();
    const { sub } = await introspect(server.issuer, access_token);
    const answer = await exchange(GATEWAY, access_token, { resource: LEDGER });
    const token = tokensOf(answer);
    expect(token.scope).toBe('records:read');
    expect(token).not.toHaveProperty('refresh_token');
    expect(token.expires_in).toBe(300);
    const keys = createRemoteJWKSet(new URL(server.url('/jwks')));
    const { payload } = await jwtVerify(token.access_token, keys, { issuer: server.issuer, audience: LEDGER });
    expect(payload).toMatchObject({ sub, client_id: 'gateway', scope: 'records:read' });
    const said = await introspect(otherNode, token.access_token, LEDGER_API);
    expect(said).toMatchObject({ active: true, sub, client_id: 'gateway', aud: LEDGER, scope: 'records:read' });
    expect(await introspect(server.issuer, token.access_token, GATEWAY)).toMatchObject({ active: true });
    expect(await introspect(server.issuer, token.access_token, DEMO_WEB)).toEqual(INACTIVE);
  });

  it('names whom a machine goes on for in the place of another', async () => {
    const token = await exchanged(GATEWAY, await ofMachine(), { audience: LEDGER });
    expect(decodeJwt(token)).toMatchObject({ sub: 'demo-machine', client_id: 'gateway' });
    const said = await introspect(server.issuer, token, LEDGER_API);
    expect(said).toMatchObject({ active: true, sub: 'demo-machine', client_id: 'gateway', scope: 'records:read' });
  });

  it('says by delegation who acts, and who acted before', async () => {
    const { access_token } = await ofPerson();
    const actor = { actor_token: await ofMachine(GATEWAY, 'records:read'), actor_token_type: ACCESS_TOKEN };
    const first = await exchanged(GATEWAY, access_token, actor);
    const act = { sub: 'gateway', client_id: 'gateway' };
    expect(await introspect(server.issuer, first)).toMatchObject({ active: true, username: 'alice@example.com', act });
    const person = await party(GATEWAY).obtainTokens({ scope: 'records:read' }, { email: 'guest@example.com' });
    const theirs = { actor_token: person.access_token, actor_token_type: ACCESS_TOKEN, resource: LEDGER };
    const second = await exchanged(GATEWAY, first, theirs);
    const { sub } = await introspect(server.issuer, person.access_token);
    const line = { sub, client_id: 'gateway', act };
    expect(decodeJwt(second).act).toEqual(line);
    expect((await introspect(server.issuer, second, LEDGER_API)).act).toEqual(line);
    expect(decodeJwt(await exchanged(GATEWAY, first, { resource: LEDGER })).act).toEqual(act);
  });

  it('tells the resource server the same subject whichever client brings the token, pairwise or not', async () => {
    const pairwise = { clientId: 'pairwise-gateway', secret: 'pairwise-gateway-secret' };
    await server.apply({
      clients: [
        {
          client_id: pairwise.clientId,
          client_secret: pairwise.secret,
          grant_types: ['authorization_code', TOKEN_EXCHANGE],
          redirect_uris: ['https://pairwise.example/callback'],
          scope: 'records:read',
          subject_type: 'pairwise',
          resource_server: API,
          token_exchange: { subject_clients: ['demo-web'], audiences: [API, LEDGER] },
        },
      ],
    });
    const { access_token } = await ofPerson();
    const { sub } = await introspect(server.issuer, access_token, DEMO_API);
    const token = await exchanged(pairwise, access_token, { resource: LEDGER });
    expect(token).not.toContain('.');
    expect(await introspect(server.issuer, token, LEDGER_API)).toMatchObject({ active: true, sub });
    const seen = await introspect(server.issuer, token, pairwise);
    expect(seen).toMatchObject({ active: true, client_id: pairwise.clientId });
    expect(seen.sub).not.toBe(sub);
  });

  it('exchanges a JWT access token as well', async () => {
    const { access_token } = await ofPerson();
    const jwt = await exchanged(GATEWAY, access_token, { resource: LEDGER });
    const back = await exchange(GATEWAY, jwt, { resource: LEDGER, scope: 'records:read' });
    expect(decodeJwt(tokensOf(back).access_token)).toMatchObject({ scope: 'records:read', aud: LEDGER });
  });

  it('lets openid-client and oauth4webapi exchange', async () => {
    const parameters = { subject_token: await ofMachine(), subject_token_type: ACCESS_TOKEN, scope: 'records:read' };
    const config = await party(DEMO_MACHINE).discover();
    const tokens = await openidClient.genericGrantRequest(config, TOKEN_EXCHANGE, parameters);
    expect(tokens).toMatchObject({ scope: 'records:read', issued_token_type: ACCESS_TOKEN });
    const as = config.serverMetadata() as oauth.AuthorizationServer;
    const client = { client_id: DEMO_MACHINE.clientId };
    const response = await oauth.genericTokenEndpointRequest(
      as,
      client,
      oauth.ClientSecretBasic(DEMO_MACHINE.secret),
      TOKEN_EXCHANGE,
      new URLSearchParams(parameters),
      { [oauth.allowInsecureRequests]: true },
    );
    expect(await oauth.processGenericTokenEndpointResponse(as, client, response)).toMatchObject({
      scope: 'records:read',
    });
    expect(as.grant_types_supported).toContain(TOKEN_EXCHANGE);
  });
});

describe('what comes out is never worth more than what went in', () => {
  it('gives no scope that the token, the client or the resource server lacks, and names it', async () => {
    const narrow = await ofMachine(DEMO_MACHINE, 'records:read');
    const { access_token } = await ofPerson({ scope: 'openid records:read blobs:read' });
    for (const [client, token, parameters, words] of [
      [DEMO_MACHINE, narrow, { scope: 'records:read records:write' }, /not held by the presented token: records:write/],
      [GATEWAY, access_token, { scope: 'records:read records:write' }, /not held .*: records:write/],
      [GATEWAY, access_token, { scope: 'blobs:read' }, /not allowed to this client: blobs:read/],
      [GATEWAY, access_token, { scope: 'openid' }, /not allowed to this client: openid/],
      [GATEWAY, access_token, { scope: 'ledger:post', resource: LEDGER }, /not held .*: ledger:post/],
      [GATEWAY, access_token, { scope: 'records:write', resource: LEDGER }, /not known here: records:write/],
    ] as [TestClient, string, Parameters, RegExp][]) {
      const { status, body } = await exchange(client, token, parameters);
      expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_scope' });
      expect(body.error_description).toMatch(words);
    }
    expect(tokensOf(await exchange(GATEWAY, access_token)).scope).toBe('records:read');
  });

  it('goes by the roles of this moment, then and later', async () => {
    const { access_token } = await ofPerson();
    const token = await exchanged(GATEWAY, access_token);
    const account = { email: 'alice@example.com', name: 'Alice Archer', password: DEMO_PASSWORD };
    await server.apply({ accounts: [{ ...account, roles: ['guest'] }] });
    expect(await introspect(server.issuer, token)).toMatchObject({ scope: 'records:read' });
    expect((await exchange(GATEWAY, access_token, { scope: 'records:write' })).body.error).toBe('invalid_scope');
    await server.apply({ accounts: [{ ...account, roles: ['user'] }] });
  });

  it('expires no later', async () => {
    const subject = await ofMachine();
    const { exp } = await introspect(server.issuer, subject);
    await server.pool.query(`update resource_servers set access_token_ttl = 7200 where identifier = $1`, [API]);
    const token = tokensOf(await exchange(DEMO_MACHINE, subject));
    await server.pool.query(`update resource_servers set access_token_ttl = null where identifier = $1`, [API]);
    expect(token.expires_in).toBeLessThanOrEqual(3600);
    expect(await introspect(server.issuer, token.access_token)).toMatchObject({ exp });
  });

  it('expires with what the person permitted, also where that was cut short since', async () => {
    const { access_token } = await ofPerson();
    const endsIn = (seconds: number) =>
      server.pool.query(
        `update artifacts set payload = jsonb_set(payload::jsonb, '{exp}', to_jsonb(floor(extract(epoch from now()))::int + $1))
          where key = (select key from artifacts where kind = 'Grant' order by created_at desc limit 1)`,
        [seconds],
      );
    await endsIn(20);
    const token = tokensOf(await exchange(GATEWAY, access_token, { resource: LEDGER }));
    expect(token.expires_in).toBeLessThanOrEqual(20);
    await endsIn(-5);
    expect((await exchange(GATEWAY, access_token, { resource: LEDGER })).body.error).toBe('invalid_request');
  });

  const endings: [string, (refreshToken: string, browser: UserAgent, sub: string) => Promise<unknown>][] = [
    ['the grant was revoked', (refreshToken) => revoke(server.issuer, refreshToken, DEMO_WEB)],
    [
      'the session ended',
      (_token, _browser, sub) =>
        server.pool.query(`delete from artifacts where kind = 'Session' and account_id = $1`, [sub]),
    ],
    [
      'the account was disabled',
      (_token, _browser, sub) =>
        server.pool.query('update accounts set disabled_at = now() where account_id = $1', [sub]),
    ],
    [
      'the client was disabled that the person had permitted',
      () => server.pool.query(`update clients set disabled_at = now() where client_id = 'demo-web'`),
    ],
    [
      'the client was disabled that exchanged',
      () => server.pool.query(`update clients set disabled_at = now() where client_id = 'gateway'`),
    ],
  ];
  it.each(endings)('ends on every node when %s, and the subject token is exchanged no more', async (_, end) => {
    const browser = new UserAgent(server.issuer);
    const { access_token, refresh_token } = await ofPerson({}, browser);
    const { sub } = await introspect(server.issuer, access_token);
    const tokens = [
      await exchanged(GATEWAY, access_token),
      await exchanged(GATEWAY, access_token, { resource: LEDGER }),
    ];
    expect(await introspect(otherNode, tokens[0] ?? '')).toMatchObject({ active: true });
    await end(refresh_token, browser, String(sub));
    expect(await introspect(otherNode, tokens[0] ?? '')).toEqual(INACTIVE);
    expect(await introspect(otherNode, tokens[1] ?? '', LEDGER_API)).toEqual(INACTIVE);
    expect((await exchange(GATEWAY, access_token)).body.error).toMatch(/^invalid_(request|client)$/);
    await server.pool.query('update accounts set disabled_at = null; update clients set disabled_at = null');
  });

  it('can be revoked by the client that exchanged, alone, and by nobody else', async () => {
    const { access_token } = await ofPerson();
    const token = await exchanged(GATEWAY, access_token);
    expect((await revoke(server.issuer, token, DEMO_WEB)).status).toBe(400);
    expect((await revoke(server.issuer, token, GATEWAY)).status).toBe(200);
    expect(await introspect(otherNode, token)).toEqual(INACTIVE);
    expect(await introspect(otherNode, access_token)).toMatchObject({ active: true });
  });

  it('opens no userinfo, whatever the subject token did', async () => {
    const { access_token } = await ofPerson({ scope: 'openid profile records:read' });
    const token = await exchanged(GATEWAY, access_token);
    const answer = await fetch(server.url('/me'), { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(403);
  });
});

describe('who may exchange what', () => {
  it('C31: refuses a client of which nothing is said, and a public one', async () => {
    const subject = (await ofPerson()).access_token;
    for (const client of [DEMO_WEB, DEMO_SPA, DEMO_API]) {
      const { status, body } = await exchange(client, subject);
      expect({ status, error: body.error }).toEqual({ status: 400, error: 'unauthorized_client' });
    }
  });

  it('C31: refuses tokens of other clients than the policy names, for other resource servers, or that were not meant for it', async () => {
    const spa = await party(DEMO_SPA).obtainTokens({ scope: 'openid records:read' });
    const elsewhere = tokensOf(
      await party(GATEWAY).requestToken({ grant_type: 'client_credentials', scope: 'ledger:post', resource: LEDGER }),
    );
    const person = await ofPerson();
    for (const [client, token, parameters, error, words] of [
      [GATEWAY, spa.access_token, {}, 'invalid_request', /whose tokens/],
      [DEMO_MACHINE, person.access_token, {}, 'invalid_request', /whose tokens/],
      [DEMO_MACHINE, await ofMachine(), { resource: LEDGER }, 'invalid_target', /may not get tokens/],
      [GATEWAY, person.access_token, { resource: 'https://elsewhere.example' }, 'invalid_target', /may not/],
      [GATEWAY, person.access_token, { resource: [API, LEDGER] }, 'invalid_target', /one resource server/],
      [GATEWAY, person.access_token, { resource: API, audience: LEDGER }, 'invalid_target', /one resource server/],
      [NAMED, person.access_token, {}, 'invalid_request', /actor_token is missing/],
      [DEMO_MACHINE, await ofMachine(), await actorOf(DEMO_MACHINE), 'invalid_request', /delegation/],
      [GATEWAY, person.access_token, await actorOf(DEMO_MACHINE), 'invalid_request', /actor_token was issued to/],
    ] as [TestClient, string, Parameters, string, RegExp][]) {
      const { status, body } = await exchange(client, token, parameters);
      expect({ status, ...body }).toEqual({ status: 400, error, error_description: expect.stringMatching(words) });
    }
    expect(decodeJwt(elsewhere.access_token).aud).toBe(LEDGER);
  });

  it('C31: refuses a token that the client received in no right of its own', async () => {
    await server.apply({
      clients: [
        {
          client_id: 'finder',
          client_secret: 'finder-secret',
          grant_types: [TOKEN_EXCHANGE],
          scope: 'records:read',
          token_exchange: { subject_clients: ['demo-web'], audiences: [API] },
        },
      ],
    });
    const { access_token } = await ofPerson();
    const { body } = await exchange({ clientId: 'finder', secret: 'finder-secret' }, access_token);
    expect(body).toEqual({ error: 'invalid_request', error_description: expect.stringMatching(/neither issued to/) });
  });

  it('refuses what is no live access token of this server', async () => {
    const { access_token, refresh_token, id_token } = await ofPerson();
    const ended = await ofMachine(GATEWAY);
    await revoke(server.issuer, ended, GATEWAY);
    for (const token of [
      'nonsense',
      'a\0b',
      refresh_token,
      id_token,
      `${access_token}x`,
      ended,
      '.',
      'x'.repeat(5000),
    ]) {
      const { status, body } = await exchange(GATEWAY, token);
      expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_request' });
    }
  });

  it('refuses one that expired a moment ago, however much clocks may differ', async () => {
    const subject = await ofMachine(GATEWAY);
    const exp = Math.floor(Date.now() / 1000) - 5;
    await server.pool.query(
      `update tokens set payload = regexp_replace(payload, '"exp":\\d+', $1) where client_id = 'gateway'`,
      [`"exp":${exp}`],
    );
    expect((await exchange(GATEWAY, subject)).body.error).toBe('invalid_request');
  });

  it.each<[string, Parameters, RegExp]>([
    ['no subject token', { subject_token: undefined }, /subject_token is missing/],
    ['no type of it', { subject_token_type: undefined }, /subject_token_type must be/],
    ['another type', { subject_token_type: 'urn:ietf:params:oauth:token-type:id_token' }, /subject_token_type must be/],
    ['an actor token without its type', { actor_token: 'x' }, /actor_token_type must be/],
    ['a type without an actor token', { actor_token_type: ACCESS_TOKEN }, /actor_token is missing/],
    ['two subject tokens', { subject_token: ['a', 'b'] }, /subject_token/],
    [
      'the wish for a refresh token',
      { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
      /only/,
    ],
  ])('refuses %s with invalid_request', async (_, parameters, words) => {
    const { status, body } = await exchange(GATEWAY, await ofMachine(), parameters);
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_request' });
    expect(body.error_description).toMatch(words);
  });

  it('refuses at registration what would be refused at every request', async () => {
    const client = { client_id: 'wrong', client_secret: 'wrong-secret', grant_types: [TOKEN_EXCHANGE] };
    const policy = { subject_clients: ['wrong'], audiences: [API] };
    await expect(server.apply({ clients: [client] })).rejects.toThrow(/token_exchange/);
    await expect(
      server.apply({ clients: [{ ...client, grant_types: ['client_credentials'], token_exchange: policy }] }),
    ).rejects.toThrow(/token_exchange/);
    await expect(
      server.apply({ clients: [{ ...client, token_exchange: { ...policy, audiences: ['https://none.example'] } }] }),
    ).rejects.toThrow(/which does not exist/);
    await expect(
      server.apply({
        clients: [
          {
            client_id: 'wrong',
            token_endpoint_auth_method: 'none',
            grant_types: [TOKEN_EXCHANGE],
            token_exchange: policy,
          },
        ],
      }),
    ).rejects.toThrow(/public client/);
  });
});

async function actorOf(client: TestClient): Promise<Parameters> {
  return { actor_token: await ofMachine(client, 'records:read'), actor_token_type: ACCESS_TOKEN };
}
