import { exportJWK, generateKeyPair } from 'jose';
import * as openidClient from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '../../../config/schema.ts';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { type DocumentHost, startDocumentHost } from '../../../testing/document-host.ts';
import { createRelyingParty, introspect, postForm, revoke, send, tokensOf } from '../../../testing/relying-party.ts';
import { UserAgent } from '../../../testing/user-agent.ts';

const REDIRECT_URI = 'http://127.0.0.1:7777/callback';

let server: TestServer;
let host: DocumentHost;
beforeAll(async () => {
  [server, host] = [await startTestServer(), await startDocumentHost()];
});
afterAll(() => Promise.all([server.stop(), host.stop()]));

let counter = 0;

/** Puts a document at an address of its own, and returns that: the client's id. */
function describedAs(described: object = {}, status?: number): string {
  counter += 1;
  const path = `/clients/${counter}.json`;
  const document = {
    client_id: host.origin + path,
    client_name: 'A described app',
    redirect_uris: [REDIRECT_URI],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  };
  return host.serve(path, { ...document, ...described }, status);
}

const partyOf = (clientId: string, redirectUri = REDIRECT_URI) =>
  createRelyingParty(server.issuer, { clientId, redirectUri });

async function refusalOf(clientId: string): Promise<{ status: number; html: string }> {
  return new UserAgent(server.issuer).get(partyOf(clientId).authorizationUrl({ scope: 'openid' }));
}

describe('a client whose id is the URL of its metadata document', () => {
  it('is advertised, and gets tokens, refreshes and loses them like any other', async () => {
    const { body } = await send(server.url('/.well-known/oauth-authorization-server'));
    expect(body.client_id_metadata_document_supported).toBe(true);
    const party = partyOf(describedAs());
    const first = await party.obtainTokens({ scope: 'openid records:read' });
    const second = tokensOf(await party.refresh(first.refresh_token));
    expect(await introspect(server.issuer, second.access_token)).toMatchObject({
      active: true,
      client_id: party.client.clientId,
      scope: 'openid records:read',
    });
    expect((await revoke(server.issuer, second.refresh_token, party.client)).status).toBe(200);
    expect(await introspect(server.issuer, second.access_token)).toEqual({ active: false });
  });

  it('is fetched once for all its requests, and once for many at a time', async () => {
    const clientId = describedAs();
    const path = new URL(clientId).pathname;
    await Promise.all(Array.from({ length: 10 }, () => refusalOf(clientId)));
    await partyOf(clientId).obtainTokens({ scope: 'openid' });
    expect(host.asked.get(path)).toBe(1);
  });

  it('comes back at any port of the device, as native apps do', async () => {
    const clientId = describedAs();
    const elsewhere = 'http://127.0.0.1:50123/callback';
    expect((await partyOf(clientId, elsewhere).obtainTokens({ scope: 'openid' })).id_token).toBeTruthy();
    const page = await new UserAgent(server.issuer).get(
      partyOf(clientId, 'http://127.0.0.1:7777/other').authorizationUrl(),
    );
    expect([page.status, page.html]).toEqual([400, expect.stringContaining('invalid_redirect_uri')]);
  });

  it('C81: has no more than such clients may have, whatever its document says', async () => {
    const clientId = describedAs({
      grant_types: ['authorization_code', 'password', 'client_credentials', 'implicit'],
      response_types: ['code', 'token'],
      allowed_scope: 'everything',
      scope: 'openid records:read everything',
      resource_server: 'http://localhost:3001',
      self_described: 'registration',
      obstacle: 'none',
    });
    const party = partyOf(clientId);
    const { access_token, scope } = await party.obtainTokens({ scope: 'openid records:read records:write' });
    expect(scope).toBe('openid records:read');
    for (const grant_type of ['client_credentials', 'password']) {
      const answer = await party.requestToken({ grant_type, username: 'alice@example.com', password: 'x' });
      expect(answer).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
    }
    const asked = await postForm(server.url('/token/introspection'), { token: access_token }, party.client);
    expect(asked.body).toEqual({ active: false });
    const { rows } = await server.pool.query('select from client_registrations where client_id = $1', [clientId]);
    expect(rows).toEqual([]);
  });

  it('authenticates with a key of its own, where its document has one', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const jwks = { keys: [await exportJWK(publicKey)] };
    const clientId = describedAs({ token_endpoint_auth_method: 'private_key_jwt', jwks });
    const party = partyOf(clientId);
    const authorization = await party.authorize({ scope: 'openid' });
    expect((await party.exchange(authorization)).body.error).toBe('invalid_client');
    const configuration = await openidClient.discovery(
      new URL(server.issuer),
      clientId,
      undefined,
      openidClient.PrivateKeyJwt(privateKey),
      { execute: [openidClient.allowInsecureRequests] },
    );
    const { callback, verifier } = await party.authorize({ scope: 'openid' });
    const tokens = await openidClient.authorizationCodeGrant(configuration, callback, {
      pkceCodeVerifier: verifier,
      expectedState: 'a-state',
    });
    expect(tokens.claims()?.aud).toBe(clientId);
  });

  it('is found on another node', async () => {
    const party = partyOf(describedAs());
    const { access_token, refresh_token } = await party.obtainTokens({ scope: 'openid records:read' });
    const node = await server.addNode();
    expect(await introspect(node, access_token)).toMatchObject({ active: true });
    expect((await party.refresh(refresh_token, {}, node)).status).toBe(200);
  });

  it('C39: has no active token at a node that finds its document gone, and nobody gets a 500', async () => {
    const clientId = describedAs();
    const party = partyOf(clientId);
    const { access_token, refresh_token } = await party.obtainTokens({ scope: 'openid records:read' });
    host.serve(new URL(clientId).pathname, 'gone', 410);
    const node = await server.addNode();
    expect(await introspect(node, access_token)).toEqual({ active: false });
    const refused = await party.refresh(refresh_token, {}, node);
    expect(refused).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    expect(refused.body.error_description).toContain('410');
    const userinfo = await send(`${node}/me`, { headers: { authorization: `Bearer ${access_token}` } });
    expect([userinfo.status, userinfo.body.error]).toEqual([401, 'invalid_token']);
  });

  it('lets everybody else sign out, where its document has gone meanwhile', async () => {
    const clientId = describedAs();
    const browser = new UserAgent(server.issuer);
    await partyOf(clientId).obtainTokens({ scope: 'openid' }, undefined, browser);
    host.serve(new URL(clientId).pathname, 'gone', 410);
    browser.node = await server.addNode();
    const page = await browser.get(server.url('/session/end'));
    expect(page.status).toBe(200);
    const fields = Object.fromEntries(
      [...page.html.matchAll(/name="(xsrf|logout)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [
        name,
        value,
      ]),
    );
    const done = await browser.post(server.url('/session/end/confirm'), { ...fields, logout: 'yes' });
    expect(done.status).toBe(200);
  });
});

describe('a document that is not taken is explained to whoever makes the client', () => {
  it.each([
    ['of another id', () => describedAs({ client_id: 'https://elsewhere.example/client.json' }), /client_id/],
    ['with a secret', () => describedAs({ client_secret: 'x' }), /client_secret/],
    [
      'that wants to authenticate with a secret',
      () => describedAs({ token_endpoint_auth_method: 'client_secret_basic' }),
      /token_endpoint_auth_method/,
    ],
    ['with keys that are missing', () => describedAs({ token_endpoint_auth_method: 'private_key_jwt' }), /jwks/],
    [
      'with a redirect URI that nobody may have',
      () => describedAs({ redirect_uris: ['javascript:x'] }),
      /redirect_uris/,
    ],
    ['without a redirect URI', () => describedAs({ redirect_uris: undefined }), /redirect_uris/],
    ['that is not there', () => `${host.origin}/nowhere.json`, /404/],
    ['that leads elsewhere', () => describedAs({}, 302), /302/],
    ['that is no JSON', () => host.serve('/broken.json', '{'), /not JSON/],
    ['that is a list', () => host.serve('/list.json', '[]'), /not a JSON object/],
    [
      'of another type',
      () => host.serve('/page.json', '{}', 200, { 'content-type': 'text/html' }),
      /application\/json/,
    ],
    ['that is too long', () => describedAs({ long: 'x'.repeat(70_000) }), /could not be fetched/],
  ])('%s', async (_what, clientId, words) => {
    const page = await refusalOf(clientId());
    expect([page.status, page.html]).toEqual([400, expect.stringMatching(words)]);
    expect(page.html).toContain('invalid_client');
  });

  it('and is not fetched again at once', async () => {
    for (let time = 0; time < 3; time += 1) {
      await refusalOf(`${host.origin}/once.json`);
    }
    expect(host.asked.get('/once.json')).toBe(1);
  });
});

describe('what is no address of a document is an unknown client, and nothing is fetched', () => {
  it.each([
    () => host.origin,
    () => `${host.origin}/`,
    () => `${host.origin}/a/../b.json`,
    () => `${host.origin}/b.json#fragment`,
    () => `${host.origin.replace('http://', 'http://user:pw@')}/b.json`,
    () => 'http://app.example.com/client.json',
    () => 'ftp://app.example.com/client.json',
    () => `https://app.example.com/${'x'.repeat(2000)}`,
    () => 'https://app.example.com/\0',
  ])('%#', async (clientId) => {
    const before = [...host.asked.values()].length;
    const answer = await postForm(
      server.url('/token'),
      { grant_type: 'authorization_code', code: 'x' },
      { clientId: clientId() },
    );
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect([...host.asked.values()].length).toBe(before);
  });

  it('an address inside, though it is https', async () => {
    const page = await refusalOf('https://169.254.169.254/latest/meta-data');
    expect([page.status, page.html]).toEqual([400, expect.stringContaining('could not be fetched')]);
  });
});

it('where it is not enabled such a client is unknown, and nothing of it is advertised', async () => {
  const clientIdMetadataDocuments = { enabled: false };
  const node = await server.addNode({ config: (config: Config) => ({ ...config, clientIdMetadataDocuments }) });
  const { body } = await send(`${node}/.well-known/oauth-authorization-server`);
  expect(body).not.toHaveProperty('client_id_metadata_document_supported');
  const clientId = describedAs();
  const answer = await postForm(`${node}/token`, { grant_type: 'authorization_code', code: 'x' }, { clientId });
  expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  expect(host.asked.get(new URL(clientId).pathname)).toBeUndefined();
});
