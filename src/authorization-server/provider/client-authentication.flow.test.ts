import { SignJWT } from 'jose';
import * as openidClient from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import {
  type Answer,
  basicAuth,
  createRelyingParty,
  DEMO_MACHINE,
  DEMO_SPA,
  DEMO_WEB,
  encode,
  type Parameters,
  postForm,
  send,
} from '../../testing/relying-party.ts';
import { hashSecret } from '../clients/secret.ts';

const ENDPOINTS = ['/token', '/token/introspection', '/token/revocation'];
const REQUEST = { grant_type: 'client_credentials', token: 'x' };
const ODD = { clientId: 'odd:client %+', secret: 'p%2B+: &=/?"\\~' };

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await server.pool.query(
    `insert into clients (client_id, metadata, secret_hash) select $1, metadata, $2 from clients where client_id = 'demo-machine'`,
    [ODD.clientId, hashSecret(ODD.secret)],
  );
});
afterAll(() => server.stop());

/** A request with just these headers and fields. */
const ask = (path: string, { authorization, ...fields }: Parameters & { authorization?: string }) =>
  send(server.url(path), {
    method: 'POST',
    headers: authorization === undefined ? {} : { authorization },
    body: encode({ ...REQUEST, ...fields }),
  });

const base64 = (text: string) => Buffer.from(text).toString('base64');
const told = ({ status, body }: Answer) => ({ status, error: body.error });

describe('C44: a client that cannot prove itself', () => {
  it.each(ENDPOINTS)('is told the same at %s, whatever is wrong', async (path) => {
    const byBasic = await Promise.all([
      ask(path, { authorization: basicAuth('demo-machine', 'wrong') }),
      ask(path, { authorization: basicAuth('nobody', 'wrong') }),
      ask(path, { authorization: basicAuth('demo-spa', 'a-public-client-has-none') }),
      ask(path, { authorization: basicAuth('demo-machine', 'x'.repeat(10_000)) }),
      ask(path, { authorization: basicAuth('x'.repeat(10_000), 'wrong') }),
    ]);
    const byForm = await Promise.all([
      ask(path, { client_id: 'demo-machine', client_secret: 'wrong' }),
      ask(path, { client_id: 'nobody', client_secret: 'wrong' }),
      ask(path, { client_id: 'demo-spa', client_secret: 'a-public-client-has-none' }),
      ask(path, { client_id: 'demo-machine' }),
      ask(path, { client_id: 'nobody' }),
    ]);
    const answers = [...byBasic, ...byForm];
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`))).toEqual(
      new Set(['401 {"error":"invalid_client","error_description":"client authentication failed"}']),
    );
    // RFC 6749 §5.2: the challenge goes to who tried the header.
    expect(new Set(byBasic.map(({ headers }) => headers.get('www-authenticate'))).size).toBe(1);
    expect(byBasic[0]?.headers.get('www-authenticate')).toMatch(/^Basic realm=/);
    expect(byForm.map(({ headers }) => headers.get('www-authenticate'))).toEqual(byForm.map(() => null));
  });

  it('C44: is told the same when it is disabled', async () => {
    await server.pool.query(`update clients set disabled_at = now() where client_id = 'demo-web'`);
    const disabled = await ask('/token', { authorization: basicAuth(DEMO_WEB.clientId, DEMO_WEB.secret) });
    await server.pool.query(`update clients set disabled_at = null where client_id = 'demo-web'`);
    const unknown = await ask('/token', { authorization: basicAuth('nobody', DEMO_WEB.secret) });
    expect([disabled.status, disabled.text]).toEqual([unknown.status, unknown.text]);
  });
});

describe('C45: client_secret_basic and client_secret_post', () => {
  const { clientId, secret } = DEMO_MACHINE;

  it('are both accepted, and mean the same', async () => {
    expect((await ask('/token', { authorization: basicAuth(clientId, secret) })).status).toBe(200);
    expect((await ask('/token', { client_id: clientId, client_secret: secret })).status).toBe(200);
    expect((await ask('/token', { authorization: basicAuth(clientId, secret).replace('B', 'b') })).status).toBe(200);
    expect((await ask('/token', { authorization: basicAuth(clientId, secret), client_id: clientId })).status).toBe(200);
  });

  it('C45: know a secret with any character, form-encoded (RFC 6749 §2.3.1)', async () => {
    const byForm = (text: string) => new URLSearchParams({ x: text }).toString().slice(2);
    const plus = `Basic ${base64(`${byForm(ODD.clientId)}:${byForm(ODD.secret)}`)}`;
    expect((await ask('/token', { authorization: basicAuth(ODD.clientId, ODD.secret) })).status).toBe(200);
    expect((await ask('/token', { authorization: plus })).status).toBe(200);
    expect((await ask('/token', { client_id: ODD.clientId, client_secret: ODD.secret })).status).toBe(200);
    for (const authenticate of [openidClient.ClientSecretBasic, openidClient.ClientSecretPost]) {
      const config = await openidClient.discovery(
        new URL(server.issuer),
        ODD.clientId,
        undefined,
        authenticate(ODD.secret),
        { execute: [openidClient.allowInsecureRequests] },
      );
      expect((await openidClient.clientCredentialsGrant(config)).access_token).toEqual(expect.any(String));
    }
  });

  it.each<[string, Parameters & { authorization?: string }]>([
    [
      'the header and the form at once',
      { authorization: basicAuth(clientId, secret), client_id: clientId, client_secret: secret },
    ],
    ['another client_id in the form', { authorization: basicAuth(clientId, secret), client_id: 'demo-web' }],
    ['two client ids', { client_id: [clientId, 'demo-web'], client_secret: secret }],
    ['two secrets', { client_id: clientId, client_secret: [secret, secret] }],
    ['no Base64', { authorization: 'Basic !!!' }],
    ['Base64 with a gap', { authorization: `Basic ${base64('demo-machine:')} ${base64('secret')}` }],
    ['padding that is wrong', { authorization: 'Basic ZGVtbw=' }],
    ['no colon', { authorization: `Basic ${base64('demo-machine')}` }],
    ['an empty header', { authorization: 'Basic ' }],
    ['an empty secret', { authorization: `Basic ${base64('demo-machine:')}` }],
    ['an empty id', { authorization: `Basic ${base64(':secret')}` }],
    ['percent signs that encode nothing', { authorization: `Basic ${base64('demo-machine:100%')}` }],
    ['a NUL in the secret', { authorization: `Basic ${base64('demo-machine:a%00b')}` }],
    ['a raw NUL in the id', { authorization: `Basic ${base64('demo\0machine:secret')}` }],
    ['a line break', { authorization: `Basic ${base64('demo-machine:a%0d%0ab')}` }],
    ['letters that are not ASCII', { authorization: `Basic ${base64('demo-machine:gehe%C3%AFm')}` }],
    ['a bearer token', { authorization: `Bearer ${'x'.repeat(43)}` }],
    ['digest', { authorization: 'Digest username="demo-machine"' }],
    ['nothing at all', {}],
    ['an empty client_id', { client_id: '' }],
    ['a secret without an id', { client_secret: secret }],
  ])('C45: refuse %s', async (_, request) => {
    for (const path of ENDPOINTS) {
      const { status, body } = await ask(path, request);
      expect([400, 401]).toContain(status);
      expect(body.error).toMatch(/^invalid_(request|client)$/);
      expect(body.error_description).toMatch(/\w+ \w+/);
    }
  });

  it('C45: are not looked for in the query', async () => {
    const query = new URLSearchParams({ client_id: clientId, client_secret: secret });
    expect(told(await ask(`/token?${query}`, {}))).toEqual({ status: 401, error: 'invalid_client' });
    expect(told(await ask(`/token?${query}`, { client_id: clientId }))).toEqual({
      status: 401,
      error: 'invalid_client',
    });
  });

  it.each(['\0', 'demo-machine\0', '🛎️', '__proto__', 'constructor', "' or 1=1 --", 'x'.repeat(300)])(
    'do not stumble over the client id %j',
    async (client_id) => {
      for (const path of ENDPOINTS) {
        expect(told(await ask(path, { client_id, client_secret: 'x' }))).toEqual({
          status: 401,
          error: 'invalid_client',
        });
        expect((await ask(path, { client_id })).status).toBe(401);
      }
    },
  );

  it('C45: forget the old secret on every node as soon as there is a new one', async () => {
    const client = {
      client_id: 'rotating',
      grant_types: ['client_credentials'],
      scope: 'records:read',
      default_scope: 'records:read',
    };
    await server.apply({ clients: [{ ...client, client_secret: 'the-first-secret' }] });
    const other = await server.addNode();
    const tryBoth = async (clientSecret: string) =>
      (
        await Promise.all(
          [server.issuer, other].map((node) =>
            postForm(
              `${node}/token`,
              { grant_type: 'client_credentials' },
              { clientId: 'rotating', secret: clientSecret },
            ),
          ),
        )
      ).map(({ status }) => status);
    expect(await tryBoth('the-first-secret')).toEqual([200, 200]);
    await server.apply({ clients: [{ ...client, client_secret: 'the-second-secret' }] });
    expect(await tryBoth('the-first-secret')).toEqual([401, 401]);
    expect(await tryBoth('the-second-secret')).toEqual([200, 200]);
  });
});

describe('a public client', () => {
  it('names itself by client_id, and is refused when it presents a secret', async () => {
    const relyingParty = createRelyingParty(server.issuer, DEMO_SPA);
    const authorization = await relyingParty.authorize({ scope: 'openid' });
    const withSecret = { client_secret: 'x' };
    expect(told(await relyingParty.exchange(authorization, withSecret))).toEqual({
      status: 401,
      error: 'invalid_client',
    });
    expect((await relyingParty.exchange(authorization)).status).toBe(200);
  });
});

describe('C46: what only a hash is kept of cannot sign', () => {
  const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
  /** Whoever reads the database would try this key first. */
  const leakedKey = new TextEncoder().encode(hashSecret(DEMO_MACHINE.secret));

  const assertion = (clientId: string) =>
    new SignJWT({ jti: 'one' })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(clientId)
      .setSubject(clientId)
      .setAudience(server.issuer)
      .setExpirationTime('1m')
      .sign(leakedKey);

  async function insertClient(clientId: string, metadata: object) {
    await server.pool.query(
      `insert into clients (client_id, metadata, secret_hash)
       select $1, metadata || $2, secret_hash from clients where client_id = 'demo-machine'`,
      [clientId, metadata],
    );
  }

  it('refuses a client assertion of a client with a secret', async () => {
    const parameters = { client_assertion_type: JWT_BEARER, client_assertion: await assertion('demo-machine') };
    for (const more of [{}, { client_id: 'demo-machine' }]) {
      const { status, body } = await ask('/token', { ...parameters, ...more });
      expect([400, 401]).toContain(status);
      expect(body.error).toMatch(/^invalid_(request|client)$/);
    }
  });

  it('refuses client_secret_jwt even where a row in the database says so', async () => {
    await insertClient('secret-jwt', { token_endpoint_auth_method: 'client_secret_jwt' });
    const { status, body } = await ask('/token', {
      client_assertion_type: JWT_BEARER,
      client_assertion: await assertion('secret-jwt'),
      client_id: 'secret-jwt',
    });
    expect([400, 401]).toContain(status);
    expect(body).not.toHaveProperty('access_token');
  });

  it('refuses to sign an ID token with it, even where a row in the database says so', async () => {
    await insertClient('hmac', {
      grant_types: ['implicit'],
      response_types: ['id_token'],
      redirect_uris: ['http://localhost:3002/hmac'],
      id_token_signed_response_alg: 'HS256',
    });
    const client = createRelyingParty(server.issuer, { clientId: 'hmac', redirectUri: 'http://localhost:3002/hmac' });
    const url = client.authorizationUrl({ response_type: 'id_token', scope: 'openid', nonce: 'n' });
    const { status, headers } = await send(url);
    expect(status).toBe(400);
    expect(headers.get('location')).toBeNull();
  });

  it.each(['HS256', 'HS512', 'none', 'RS512'])('does not let anybody register for ID tokens by %s', async (alg) => {
    const client = { client_id: 'alg', client_secret: 'alg-client-secret', grant_types: ['client_credentials'] };
    const registering = server.apply({ clients: [{ ...client, id_token_signed_response_alg: alg }] });
    await expect(registering).rejects.toThrow(/id_token_signed_response_alg/);
  });

  it.each(['client_secret_jwt'])('does not let anybody register for %s', async (method) => {
    const client = {
      client_id: 'method',
      client_secret: 'method-client-secret',
      grant_types: ['client_credentials'],
    };
    const registering = server.apply({ clients: [{ ...client, token_endpoint_auth_method: method }] });
    await expect(registering).rejects.toThrow(/token_endpoint_auth_method/);
  });

  it('promises nothing of the kind in discovery (C90)', async () => {
    const { body } = await send(server.url('/.well-known/openid-configuration'));
    expect(body.id_token_signing_alg_values_supported).toEqual(['RS256', 'ES256']);
    for (const endpoint of ['token', 'introspection', 'revocation']) {
      const methods = body[`${endpoint}_endpoint_auth_methods_supported`];
      expect(methods ?? []).not.toContain('client_secret_jwt');
      const algs = body[`${endpoint}_endpoint_auth_signing_alg_values_supported`];
      expect(algs).toContain('ES256');
      expect(String(algs)).not.toMatch(/HS|none/);
    }
  });
});
