import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { createProver, type Prover, thumbprintOf } from '../../../testing/dpop.ts';
import { type Answer, DEMO_SPA, DEMO_WEB, introspect, tokensOf } from '../../../testing/relying-party.ts';
import { type ClientKey, createClientKey } from '../../../testing/request-object.ts';
import { DEMO_PASSWORD } from '../../../testing/user-agent.ts';

const JWT_API = 'https://jwt.example.com';

let server: TestServer;
let prover: Prover;
let otherNode: string;
let key: ClientKey;
let thiefs: ClientKey;
beforeAll(async () => {
  [server, key, thiefs] = await Promise.all([startTestServer(), createClientKey(), createClientKey()]);
  otherNode = await server.addNode();
  prover = createProver(server);
  const scopes = [{ name: 'records:read', description: 'x' }];
  await server.apply({ resourceServers: [{ identifier: JWT_API, name: 'JWT', accessTokenFormat: 'jwt', scopes }] });
});
afterAll(() => server.stop());

const REFUSED_GRANT = { status: 400, error: 'invalid_grant' };
const told = ({ status, body }: Answer) => ({ status, error: body.error });

describe('a refresh token', () => {
  it('of a public client is bound to the key, through every rotation', async () => {
    let { refresh_token } = await prover.obtainTokens(DEMO_SPA, { scope: 'openid' }, key);
    for (const _ of [1, 2]) {
      expect(told(await prover.refresh(refresh_token, { client: DEMO_SPA, proof: thiefs }))).toEqual(REFUSED_GRANT);
      expect(told(await prover.refresh(refresh_token, { client: DEMO_SPA }))).toEqual(REFUSED_GRANT);
      ({ refresh_token } = tokensOf(await prover.refresh(refresh_token, { client: DEMO_SPA, proof: key })));
    }
  });

  it('of a public client with a password is, too', async () => {
    const client = { clientId: 'public-password' };
    const grant_types = ['password', 'refresh_token'];
    await server.apply({
      clients: [{ client_id: client.clientId, token_endpoint_auth_method: 'none', grant_types, scope: 'records:read' }],
    });
    const parameters = { username: 'alice@example.com', password: DEMO_PASSWORD, scope: 'records:read' };
    const answer = await prover.requestToken({ grant_type: 'password', ...parameters }, { client, proof: key });
    const { refresh_token } = tokensOf(answer);
    expect(told(await prover.refresh(refresh_token, { client, proof: thiefs }))).toEqual(REFUSED_GRANT);
    expect(told(await prover.refresh(refresh_token, { client }))).toEqual(REFUSED_GRANT);
    expect((await prover.refresh(refresh_token, { client, proof: key })).status).toBe(200);
  });

  it('of a confidential client gets tokens for the key that it comes with', async () => {
    const { refresh_token } = await prover.obtainTokens(DEMO_WEB, { scope: 'records:read' }, key);
    const another = tokensOf(await prover.refresh(refresh_token, { client: DEMO_WEB, proof: thiefs }));
    const { cnf } = await introspect(server.issuer, another.access_token);
    expect(cnf).toEqual({ jkt: await thumbprintOf(thiefs) });
  });

  it.each([
    ['an opaque token', {}],
    ['a JWT', { resource: JWT_API }],
  ])(
    'that comes again so soon gets the same tokens with the same key, and none with another: %s',
    async (_, parameters) => {
      const { refresh_token } = await prover.obtainTokens(DEMO_WEB, { scope: 'records:read', ...parameters }, key);
      const first = tokensOf(await prover.refresh(refresh_token, { client: DEMO_WEB, proof: key }));
      const answers = [
        await prover.refresh(refresh_token, { client: DEMO_WEB, proof: thiefs }),
        await prover.refresh(refresh_token, { client: DEMO_WEB }),
      ];
      expect(answers.map(told)).toEqual([REFUSED_GRANT, REFUSED_GRANT]);
      const again = tokensOf(await prover.refresh(refresh_token, { client: DEMO_WEB, proof: key }));
      expect(again.refresh_token).toBe(first.refresh_token);
      expect(await introspect(server.issuer, first.refresh_token, DEMO_WEB)).toMatchObject({ active: true });
    },
  );

  it('that comes many times at once with two keys gets tokens for one of them', async () => {
    const { refresh_token } = await prover.obtainTokens(DEMO_WEB, { scope: 'records:read' }, key);
    const keys = [key, thiefs];
    const nodes = [server.issuer, otherNode, otherNode, server.issuer];
    const answers = await Promise.all(
      Array.from({ length: 24 }, async (_, n) => {
        const proof = keys[n % 2];
        return {
          proof,
          answer: await prover.refresh(refresh_token, { client: DEMO_WEB, proof, node: nodes[n % 4] ?? '' }),
        };
      }),
    );
    const served = answers.filter(({ answer }) => answer.status === 200);
    const refused = answers.filter(({ answer }) => answer.status !== 200);
    expect(new Set(served.map(({ proof }) => proof)).size).toBe(1);
    expect(new Set(served.map(({ answer }) => answer.body.access_token)).size).toBe(1);
    expect(new Set(refused.map(({ answer }) => answer.body.error))).toEqual(new Set(['invalid_grant']));
    const { cnf } = await introspect(server.issuer, String(served[0]?.answer.body.access_token));
    expect(cnf).toEqual({ jkt: await thumbprintOf(served[0]?.proof as ClientKey) });
  });
});
