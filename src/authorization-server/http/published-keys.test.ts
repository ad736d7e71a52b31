import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { CAPABLE_REGISTRATION, readMetadata, type ServerMetadata } from '../../testing/capable-client.ts';
import { send } from '../../testing/relying-party.ts';

let server: TestServer;
let metadata: ServerMetadata;
beforeAll(async () => {
  server = await startTestServer();
  metadata = await readMetadata(server);
});
afterAll(() => server.stop());

describe('the keys', () => {
  it.each(['none', 'HS256', 'PS256'])('C75: sign no ID token by %s for anybody', async (alg) => {
    const registration = { ...CAPABLE_REGISTRATION, client_id: 'other-alg', id_token_signed_response_alg: alg };
    await expect(server.apply({ clients: [registration] })).rejects.toThrow(/id_token_signed_response_alg/);
  });

  it.each(['/jwks', '/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'])(
    'C73: %s may be kept for five minutes, by anyone',
    async (path) => {
      expect((await fetch(server.url(path))).headers.get('cache-control')).toBe('public, max-age=300');
    },
  );

  it('C71: the keys are public parts only, each with its own id', async () => {
    const { headers, text } = await send(metadata.jwks_uri);
    expect(headers.get('content-type')).toMatch('application/jwk-set+json');
    const { keys }: { keys: Record<string, string>[] } = JSON.parse(text);
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(keys.length);
    for (const key of keys) {
      const allowed = key.kty === 'RSA' ? ['n', 'e'] : ['crv', 'x', 'y'];
      expect(Object.keys(key).sort()).toEqual(['kty', 'use', 'alg', 'kid', ...allowed].sort());
    }
    expect(keys.map(({ use, alg }) => `${use} ${alg}`).sort()).toEqual(['enc ECDH-ES', 'sig ES256', 'sig RS256']);
  });

  it('C74: every node publishes the same keys', async () => {
    const node = await server.addNode();
    expect((await send(`${node}/jwks`)).text).toBe((await send(metadata.jwks_uri)).text);
  });
});
