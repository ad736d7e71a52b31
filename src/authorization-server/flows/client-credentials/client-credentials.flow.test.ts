import { allowInsecureRequests, clientCredentialsGrant } from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import {
  createRelyingParty,
  DEMO_MACHINE,
  DEMO_SPA,
  DEMO_WEB,
  introspect,
  type Parameters,
  postForm,
  type TestClient,
} from '../../../testing/relying-party.ts';

const API = 'http://localhost:3001';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const request = (parameters: Parameters = {}, client: TestClient = DEMO_MACHINE, node?: string) =>
  createRelyingParty(server.issuer, client).requestToken({ grant_type: 'client_credentials', ...parameters }, node);

describe('client credentials grant', () => {
  it('C35: gives a confidential client a token for itself, and no refresh token (RFC 6749 §4.4.3)', async () => {
    const { status, headers, body } = await request({ scope: 'records:read blobs:read' });
    expect(status).toBe(200);
    expect(body).toEqual({
      access_token: expect.stringMatching(/^[\w-]{43}$/),
      expires_in: expect.any(Number),
      token_type: 'Bearer',
      scope: 'records:read blobs:read',
    });
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('pragma')).toBe('no-cache');
  });

  it('grants the default scope when none or an empty one is asked for (RFC 6749 §3.3)', async () => {
    expect((await request()).body.scope).toBe('records:read');
    expect((await request({ scope: '' })).body.scope).toBe('records:read');
  });

  it.each([
    { scope: 'openid', named: 'openid' },
    { scope: 'offline_access', named: 'offline_access' },
    { scope: 'profile records:read', named: 'profile' },
    { scope: 'records:read admin', named: 'admin' },
    { scope: 'RECORDS:READ', named: 'RECORDS:READ' },
    { scope: `records:read ${Array.from({ length: 500 }, (_, n) => `s${n}`).join(' ')}`, named: 's0' },
  ])('C33: refuses a scope beyond the registration, naming $named', async ({ scope, named }) => {
    const { status, body } = await request({ scope });
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_scope' });
    expect(body.error_description).toContain(named);
  });

  it.each(['records:read  records:write', ' ', '"', 'a\\b', 'records:read\ttab', 'é', '\0', 'records:read\0'])(
    'C33: refuses the malformed scope %j',
    async (scope) => {
      const { status, body } = await request({ scope });
      expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_scope' });
    },
  );

  it('C33: refuses a scope that was taken out of the registration, at once and on every node', async () => {
    const client = { clientId: 'narrowed', secret: 'narrowed-secret' };
    const registered = { client_id: 'narrowed', client_secret: 'narrowed-secret', grant_types: ['client_credentials'] };
    await server.apply({ clients: [{ ...registered, scope: 'records:read records:write' }] });
    const other = await server.addNode();
    const { status } = await request({ scope: 'records:write' }, client, other);
    await server.apply({ clients: [{ ...registered, scope: 'records:read' }] });
    expect(status).toBe(200);
    expect((await request({ scope: 'records:write' }, client, other)).body.error).toBe('invalid_scope');
  });

  describe('who may not', () => {
    it('C34: refuses a public client, even one whose row says it may (RFC 6749 §4.4)', async () => {
      await server.pool.query(
        `insert into clients (client_id, metadata) values ('public-machine', $1) on conflict do nothing`,
        [
          {
            token_endpoint_auth_method: 'none',
            grant_types: ['client_credentials'],
            response_types: [],
            scope: 'records:read',
          },
        ],
      );
      const { status, body } = await request({}, { clientId: 'public-machine' });
      expect({ status, error: body.error }).toEqual({ status: 400, error: 'unauthorized_client' });
      expect(body.error_description).toMatch(/credentials/);
    });

    it.each([DEMO_WEB, DEMO_SPA])('refuses $clientId, which is not registered for the grant', async (client) => {
      const { status, body } = await request({}, client);
      expect({ status, error: body.error }).toEqual({ status: 400, error: 'unauthorized_client' });
      expect(body.error_description).toContain('client_credentials');
    });

    it('C34: refuses a disabled client at once, on every node, and knows it again when it is enabled', async () => {
      const client = { clientId: 'short-lived', secret: 'short-lived-secret' };
      await server.apply({
        clients: [
          {
            client_id: 'short-lived',
            client_secret: 'short-lived-secret',
            grant_types: ['client_credentials'],
            scope: 'records:read',
            default_scope: 'records:read',
          },
        ],
      });
      const other = await server.addNode();
      const onBothNodes = async () =>
        (await Promise.all([request({}, client), request({}, client, other)])).map(({ status, body }) => [
          status,
          body.error,
        ]);
      expect(await onBothNodes()).toEqual([
        [200, undefined],
        [200, undefined],
      ]);
      await server.pool.query(`update clients set disabled_at = now() where client_id = 'short-lived'`);
      expect(await onBothNodes()).toEqual([
        [401, 'invalid_client'],
        [401, 'invalid_client'],
      ]);
      await server.pool.query(`update clients set disabled_at = null where client_id = 'short-lived'`);
      expect(await onBothNodes()).toEqual([
        [200, undefined],
        [200, undefined],
      ]);
    });
  });

  describe('resource indicators (RFC 8707)', () => {
    it('accepts the resource server that the client has scopes of', async () => {
      const { body } = await request({ resource: API, scope: 'records:read' });
      expect(await introspect(server.issuer, String(body.access_token))).toMatchObject({ active: true, aud: API });
    });

    it.each([
      ['an unknown one', 'https://elsewhere.example', undefined],
      ['an unknown one, with a scope', 'https://elsewhere.example', 'records:read'],
      ['one with a fragment', `${API}#fragment`, undefined],
      ['no absolute URI', 'records', undefined],
      ['nearly the right one', `${API}/`, undefined],
      ['one with a NUL', `${API}\0`, undefined],
    ])('C36: refuses %s with invalid_target', async (_, resource, scope) => {
      const { status, body } = await request({ resource, scope });
      expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_target' });
      expect(body.error_description).toMatch(/resource/);
    });

    it('refuses two of them: a token has one audience', async () => {
      await server.apply({
        resourceServers: [
          { identifier: 'https://other.example', name: 'Other', scopes: [{ name: 'other:read', description: 'read' }] },
        ],
      });
      const { status, body } = await request({ resource: [API, 'https://other.example'] });
      expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_target' });
    });
  });

  it('C36: an introspected token has no sub, even when the client is named like an account', async () => {
    const { rows } = await server.pool.query(`select account_id from accounts where email = 'alice@example.com'`);
    const clientId = rows[0].account_id;
    await server.apply({
      clients: [
        {
          client_id: clientId,
          client_secret: 'not-alice-secret',
          grant_types: ['client_credentials'],
          scope: 'records:read',
          default_scope: 'records:read',
        },
      ],
    });
    const { body } = await request({}, { clientId, secret: 'not-alice-secret' });
    const told = await introspect(server.issuer, String(body.access_token));
    expect(told).toMatchObject({ active: true, client_id: clientId, scope: 'records:read', aud: API });
    for (const claim of ['sub', 'username', 'name', 'email', 'roles']) {
      expect(told).not.toHaveProperty(claim);
    }
  });

  it('gives no access to userinfo: there is no account', async () => {
    const { body } = await request();
    const userinfo = await fetch(server.url('/me'), { headers: { authorization: `Bearer ${body.access_token}` } });
    expect(userinfo.status).toBe(401);
  });

  it('answers 100 requests at once with 100 tokens', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => request()));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => body.access_token)).size).toBe(100);
  });

  it('refuses a parameter that is given twice', async () => {
    for (const parameters of [
      { scope: ['records:read', 'records:read'] },
      { grant_type: ['client_credentials', 'x'] },
    ]) {
      const { status, body } = await postForm(
        server.url('/token'),
        { grant_type: 'client_credentials', ...parameters },
        DEMO_MACHINE,
      );
      expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_request' });
      expect(body.error_description).toMatch(/twice/);
    }
  });
});

it('openid-client gets a token', async () => {
  const config = await createRelyingParty(server.issuer, DEMO_MACHINE).discover();
  allowInsecureRequests(config);
  const tokens = await clientCredentialsGrant(config, { scope: 'records:write' });
  expect(tokens).toMatchObject({ token_type: 'bearer', scope: 'records:write' });
});
