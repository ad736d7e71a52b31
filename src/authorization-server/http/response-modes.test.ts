import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { CAPABLE, CAPABLE_REGISTRATION } from '../../testing/capable-client.ts';
import { createPkce, createRelyingParty, type Parameters, type RelyingParty } from '../../testing/relying-party.ts';
import { UserAgent } from '../../testing/user-agent.ts';

let server: TestServer;
let capable: RelyingParty;
beforeAll(async () => {
  server = await startTestServer();
  await server.apply({ clients: [CAPABLE_REGISTRATION] });
  capable = createRelyingParty(server.issuer, CAPABLE);
});
afterAll(() => server.stop());

/** The parameters of the authorization response, wherever they are. */
async function authorize(parameters: Parameters): Promise<Record<string, string>> {
  const request = capable.authorizationUrl({ scope: 'openid', nonce: 'a-nonce', ...parameters });
  const { hash, searchParams } = await new UserAgent(server.issuer).authorize(request);
  return Object.fromEntries(hash === '' ? searchParams : new URLSearchParams(hash.slice(1)));
}

describe('an authorization response', () => {
  it('comes for the words of a response type in any order (RFC 6749 §3.1.1)', async () => {
    expect(await authorize({ response_type: 'token code' })).toMatchObject({
      code: expect.any(String),
      access_token: expect.any(String),
    });
  });

  it('C36b: is never a query where it belongs in a fragment', async () => {
    for (const response_type of ['token', 'id_token', 'id_token token', 'code token']) {
      expect((await authorize({ response_type, response_mode: 'query' })).error).toBe('invalid_request');
    }
  });

  it('C16: is a refusal of a challenge whose method is plain, said or not', async () => {
    const { verifier } = createPkce();
    for (const code_challenge_method of ['plain', undefined]) {
      expect((await authorize({ code_challenge: verifier, code_challenge_method })).error).toBe('invalid_request');
    }
  });

  it('C19: names the issuer, of success and of failure', async () => {
    expect((await authorize({})).iss).toBe(server.issuer);
    expect((await authorize({ prompt: 'nonsense' })).iss).toBe(server.issuer);
    expect((await authorize({ response_type: 'id_token', prompt: 'nonsense' })).iss).toBe(server.issuer);
  });
});
