import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { CAPABLE, CAPABLE_REGISTRATION, readMetadata, type ServerMetadata } from '../../testing/capable-client.ts';
import {
  ALICE,
  createPkce,
  createRelyingParty,
  type Parameters,
  type RelyingParty,
  send,
} from '../../testing/relying-party.ts';
import { UserAgent } from '../../testing/user-agent.ts';

let server: TestServer;
let metadata: ServerMetadata;
let capable: RelyingParty;
let browser: UserAgent;
beforeAll(async () => {
  server = await startTestServer();
  await server.apply({
    clients: [CAPABLE_REGISTRATION],
  });
  metadata = await readMetadata(server);
  capable = createRelyingParty(server.issuer, CAPABLE);
});
afterAll(() => server.stop());
beforeEach(() => {
  browser = new UserAgent(server.issuer);
});

/** The parameters of the authorization response, wherever they are. */
async function authorize(parameters: Parameters, rp = capable): Promise<Record<string, string>> {
  const request = rp.authorizationUrl({ scope: 'openid', nonce: 'a-nonce', ...parameters });
  const { hash, searchParams } = await browser.authorize(request, ALICE);
  return Object.fromEntries(hash === '' ? searchParams : new URLSearchParams(hash.slice(1)));
}

async function verified(idToken: string, clientId = CAPABLE.clientId) {
  const keys = createRemoteJWKSet(new URL(metadata.jwks_uri));
  return jwtVerify(idToken, keys, { issuer: server.issuer, audience: clientId });
}

describe('response types', () => {
  it('C90: each that is advertised brings exactly what it names', async () => {
    expect(metadata.response_types_supported).toHaveLength(7);
    for (const response_type of metadata.response_types_supported) {
      const answer = await authorize({ response_type });
      const words = response_type.split(' ');
      expect(
        Object.keys(answer)
          .filter((name) => /^(code|id_token|access_token)$/.test(name))
          .sort(),
      ).toEqual(words.map((word) => (word === 'token' ? 'access_token' : word)).sort());
      expect(answer).toMatchObject({ state: 'a-state', iss: server.issuer });
      if (answer.id_token !== undefined) {
        expect((await verified(answer.id_token)).payload.nonce).toBe('a-nonce');
      }
      if (answer.access_token !== undefined) {
        const headers = { authorization: `Bearer ${answer.access_token}` };
        expect((await send(metadata.userinfo_endpoint, { headers })).status).toBe(200);
      }
    }
  });

  it.each(['none', 'nonsense', 'CODE', 'device_code', 'code nonsense'])(
    'C90: %j is not advertised and fails',
    async (response_type) => {
      expect((await authorize({ response_type })).error).toBe('unsupported_response_type');
    },
  );

  it('come in any order (RFC 6749 §3.1.1)', async () => {
    expect(await authorize({ response_type: 'token code' })).toMatchObject({
      code: expect.any(String),
      access_token: expect.any(String),
    });
  });
});

describe('response modes', () => {
  it('C90: query, fragment and form_post bring the code; the signed ones in their own test', async () => {
    const plain = ['form_post', 'fragment', 'query'];
    const signed = ['form_post.jwt', 'fragment.jwt', 'jwt', 'query.jwt'];
    expect([...metadata.response_modes_supported].sort()).toEqual([...plain, ...signed].sort());
    await authorize({});
    const visits = new Map<string, string>();
    for (const response_mode of plain) {
      const visit = await browser.get(capable.authorizationUrl({ scope: 'openid', response_mode }));
      visits.set(response_mode, visit.url + visit.html);
    }
    expect(visits.get('query')).toMatch(/\/capable\?(.*&)?code=/);
    expect(visits.get('fragment')).toMatch(/\/capable#(.*&)?code=/);
    expect(visits.get('form_post')).toMatch(
      /action="http:\/\/localhost:3002\/capable"[\s\S]*name="code" value="[\w-]+"/,
    );
  });

  it.each(['web_message', 'web_message.jwt', 'nonsense', '__proto__'])(
    'C90: %s is not advertised and fails',
    async (response_mode) => {
      expect((await authorize({ response_mode })).error).toBe('unsupported_response_mode');
    },
  );

  it('C36b: query is refused for what belongs in a fragment', async () => {
    for (const response_type of ['token', 'id_token', 'id_token token', 'code token']) {
      expect((await authorize({ response_type, response_mode: 'query' })).error).toBe('invalid_request');
    }
  });
});

describe('what a request may carry', () => {
  it('C90: a code challenge by S256 and nothing else', async () => {
    expect(metadata.code_challenge_methods_supported).toEqual(['S256']);
    const { verifier } = createPkce();
    const plain = { code_challenge: verifier, code_challenge_method: 'plain' };
    expect((await authorize(plain)).error).toBe('invalid_request');
    expect((await authorize({ code_challenge: verifier, code_challenge_method: undefined })).error).toBe(
      'invalid_request',
    );
  });

  it('C90: a request object by value and none by reference, and single claims', async () => {
    expect(metadata).toMatchObject({ claims_parameter_supported: true, request_uri_parameter_supported: false });
    expect(metadata).toHaveProperty('request_parameter_supported', true);
    expect((await authorize({ request: 'a.b.c' })).error).toBe('invalid_request_object');
    expect((await authorize({ request_uri: 'http://169.254.169.254/' })).error).toBe('request_uri_not_supported');
    const claims = JSON.stringify({ id_token: { email: { essential: true } } });
    const { id_token } = await authorize({ response_type: 'id_token', claims });
    expect((await verified(id_token ?? '')).payload).toHaveProperty('email', ALICE.email);
  });

  it('C19: the issuer comes with every answer, of success and of failure', async () => {
    expect(metadata.authorization_response_iss_parameter_supported).toBe(true);
    expect((await authorize({})).iss).toBe(server.issuer);
    expect((await authorize({ prompt: 'nonsense' })).iss).toBe(server.issuer);
    expect((await authorize({ response_type: 'id_token', prompt: 'nonsense' })).iss).toBe(server.issuer);
  });
});
