/** oidcc-config-certification-test-plan */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { send } from '../../testing/relying-party.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

it('oidcc-discovery-endpoint-verification: names everything that OpenID Connect Discovery §3 requires', async () => {
  const { status, headers, body } = await send(server.url('/.well-known/openid-configuration'));
  expect(status).toBe(200);
  expect(headers.get('content-type')).toMatch(/^application\/json/);
  expect(body.issuer).toBe(server.issuer);
  for (const name of [
    'authorization_endpoint',
    'token_endpoint',
    'userinfo_endpoint',
    'jwks_uri',
    'registration_endpoint',
  ]) {
    expect(body[name]).toMatch(new RegExp(`^${server.issuer}/`));
  }
  expect(body.response_types_supported).toEqual(expect.arrayContaining(['code', 'id_token', 'id_token token']));
  expect(body.grant_types_supported).toEqual(expect.arrayContaining(['authorization_code', 'implicit']));
  expect(body.id_token_signing_alg_values_supported).toContain('RS256');
  expect(body.id_token_signing_alg_values_supported).not.toContain('none');
  expect(body.subject_types_supported).toContain('public');
  expect(body.scopes_supported).toEqual(
    expect.arrayContaining(['openid', 'profile', 'email', 'address', 'phone', 'offline_access']),
  );
  expect(body.claims_supported).toEqual(expect.arrayContaining(['sub', 'iss', 'auth_time', 'name', 'email', 'sid']));
  expect(body.token_endpoint_auth_methods_supported).toEqual(
    expect.arrayContaining(['client_secret_basic', 'client_secret_post', 'private_key_jwt']),
  );
  expect(body).toMatchObject({ request_parameter_supported: true, claims_parameter_supported: true });
  expect(body.code_challenge_methods_supported).toEqual(['S256']);
});

it('oidcc-discovery-endpoint-verification: the keys have ids, and say nothing private', async () => {
  const { keys } = (await send(server.url('/jwks'))).body as { keys: Record<string, unknown>[] };
  expect(new Set(keys.map(({ kid }) => kid)).size).toBe(keys.length);
  expect(keys.map(({ kty }) => kty)).toContain('RSA');
  for (const key of keys) {
    expect(key).toMatchObject({
      kid: expect.any(String),
      use: expect.stringMatching(/^(sig|enc)$/),
      alg: expect.any(String),
    });
    expect(['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'].filter((name) => name in key)).toEqual([]);
  }
});
