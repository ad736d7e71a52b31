/** C103: request objects with anything in them, and around it. */
import { base64url } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { DEMO_WEB, encode, postForm } from '../../../testing/relying-party.ts';
import { type ClientKey, createClientKey, signRequest } from '../../../testing/request-object.ts';

const SIGNING = { ...DEMO_WEB, clientId: 'signing', secret: 'a-secret-of-the-signing-client' };

let server: TestServer;
let key: ClientKey;
beforeAll(async () => {
  server = await startTestServer();
  key = await createClientKey();
  await server.apply({
    clients: [
      {
        client_id: SIGNING.clientId,
        client_secret: SIGNING.secret,
        redirect_uris: [SIGNING.redirectUri],
        scope: 'openid profile',
        jwks: { keys: [key.jwk] },
      },
    ],
  });
});
afterAll(() => server.stop());

const signed = (claims: Readonly<Record<string, unknown>> = {}) =>
  signRequest({ issuer: server.issuer, client: SIGNING, key }, claims);

describe('C103: rubbish that a client signed', () => {
  const CLAIMS = [
    ...[
      'iss',
      'aud',
      'exp',
      'nbf',
      'iat',
      'jti',
      'client_id',
      'response_type',
      'response_mode',
      'redirect_uri',
      'scope',
    ],
    ...['state', 'nonce', 'claims', 'authorization_details', 'resource', 'prompt', 'max_age', 'id_token_hint'],
    ...['code_challenge', 'code_challenge_method', 'login_hint', 'acr_values', 'ui_locales', 'client_scope', 'display'],
  ];
  const VALUES = [
    null,
    true,
    7,
    -1,
    1e300,
    '',
    '\u0000',
    '\ud800',
    'x y',
    [],
    [[]],
    ['a', 'b'],
    {},
    { a: { b: [1] } },
    ['openid', 7],
  ];

  /** Pushed, and opened where that was accepted. */
  async function withstand(request: string, what: string) {
    const pushed = await postForm(server.url('/request'), { client_id: SIGNING.clientId, request }, SIGNING);
    expect(pushed.status, `${what}: ${pushed.text}`).toBeLessThan(500);
    if (pushed.status === 201) {
      const reference = { client_id: SIGNING.clientId, request_uri: String(pushed.body.request_uri) };
      const opened = await fetch(server.url(`/auth?${encode(reference)}`), { redirect: 'manual' });
      expect(opened.status, `${what}: ${await opened.text()}`).toBeLessThan(500);
    }
  }

  it.each(CLAIMS)('in %s is never a 5xx', async (name) => {
    for (const value of VALUES) {
      await withstand(await signed({ scope: 'openid', [name]: value }), `${name}=${JSON.stringify(value)}`);
    }
  });

  it('around it is never a 5xx', async () => {
    const [header = '', payload = '', signature = ''] = (await signed()).split('.');
    const part = (value: unknown) => base64url.encode(JSON.stringify(value));
    const requests = [
      ...[null, [], 'x', 7, {}].flatMap((value) => [
        `${part(value)}.${payload}.${signature}`,
        `${header}.${part(value)}.${signature}`,
        `${part({ alg: value })}.${payload}.${signature}`,
        `${part({ alg: 'ES256', kid: value })}.${payload}.${signature}`,
        `${part({ alg: 'ECDH-ES', enc: value })}....`,
        `${part({ alg: 'ECDH-ES', enc: 'A256GCM', epk: value })}.a.b.c.d`,
        `${part({ alg: 'dir', enc: 'A256GCM', kid: value })}..a.b.c`,
      ]),
      ...['.', '..', '...', '....', '.....', 'x', `${header}.${payload}.`, `${header}..${signature}`, '\u0000', '%'],
    ];
    for (const request of requests) {
      await withstand(request, request);
    }
  });
});
