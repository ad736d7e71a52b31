import { SignJWT } from 'jose';
import { tokenRevocation } from 'openid-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import {
  createRelyingParty,
  DEMO_API,
  DEMO_MACHINE,
  DEMO_PASSWORD_CLIENT,
  DEMO_SPA,
  DEMO_WEB,
  introspect,
  type Parameters,
  postForm,
  revoke,
  type TestClient,
  type TokenSet,
  tokensOf,
} from '../../../testing/relying-party.ts';

const INACTIVE = { active: false };

let server: TestServer;
let otherNode: string;
beforeAll(async () => {
  server = await startTestServer();
  otherNode = await server.addNode();
});
afterAll(() => server.stop());

const web = () => createRelyingParty(server.issuer, DEMO_WEB);
const post = (parameters: Parameters, client?: TestClient) =>
  postForm(server.url('/token/revocation'), parameters, client);

describe('token revocation (RFC 7009)', () => {
  let tokens: TokenSet;
  beforeEach(async () => {
    tokens = await web().obtainTokens({ scope: 'openid records:read' });
  });

  it('C42: ends an access token alone: its refresh token and its siblings live on', async () => {
    const sibling = tokensOf(await web().refresh(tokens.refresh_token));
    expect((await revoke(server.issuer, tokens.access_token, DEMO_WEB)).status).toBe(200);
    expect(await introspect(otherNode, tokens.access_token)).toEqual(INACTIVE);
    expect(await introspect(otherNode, sibling.access_token)).toMatchObject({ active: true });
    const refreshed = tokensOf(await web().refresh(sibling.refresh_token));
    expect(await introspect(otherNode, refreshed.access_token)).toMatchObject({ active: true });
  });

  it('C42: ends a refresh token with its access tokens and its grant, on every node at once', async () => {
    const sibling = tokensOf(await web().refresh(tokens.refresh_token));
    expect((await revoke(server.issuer, sibling.refresh_token, DEMO_WEB)).status).toBe(200);
    for (const token of [tokens.access_token, sibling.access_token]) {
      expect(await introspect(otherNode, token)).toEqual(INACTIVE);
    }
    const refused = await web().refresh(sibling.refresh_token, {}, otherNode);
    expect([refused.status, refused.body.error]).toEqual([400, 'invalid_grant']);
  });

  it('C42: says 200 the second time and to a token that never was (§2.2)', async () => {
    for (const token of [tokens.refresh_token, tokens.refresh_token, 'x'.repeat(43), '\0', '🛎️', 'x'.repeat(50_000)]) {
      const { status, headers } = await revoke(server.issuer, token, DEMO_WEB);
      expect(status).toBe(200);
      expect(headers.get('content-type')).toContain('application/json');
    }
  });

  it('C42: finds the token whatever the hint', async () => {
    const [one, two] = [await web().obtainTokens({ scope: 'openid' }), await web().obtainTokens({ scope: 'openid' })];
    await post({ token: one.refresh_token, token_type_hint: 'access_token' }, DEMO_WEB);
    await post({ token: two.access_token, token_type_hint: 'pigeon' }, DEMO_WEB);
    expect(await introspect(otherNode, one.refresh_token, DEMO_WEB)).toEqual(INACTIVE);
    expect(await introspect(otherNode, two.access_token, DEMO_WEB)).toEqual(INACTIVE);
  });

  it.each([DEMO_MACHINE, DEMO_SPA, DEMO_API])(
    'C42: does nothing for $clientId to a token of another client',
    async (client) => {
      for (const token of [tokens.access_token, tokens.refresh_token]) {
        const { status, body } = await revoke(server.issuer, token, client);
        expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_request' });
        expect(body.error_description).toMatch(/another client/);
      }
      expect(await introspect(otherNode, tokens.access_token)).toMatchObject({ active: true });
      expect(await introspect(otherNode, tokens.refresh_token, DEMO_WEB)).toMatchObject({ active: true });
    },
  );

  it.each([
    ['no credentials', undefined, 401, 'invalid_client'],
    ['a wrong secret', { clientId: 'demo-web', secret: 'wrong' }, 401, 'invalid_client'],
    ['the id of a confidential client alone', { clientId: 'demo-web' }, 401, 'invalid_client'],
  ])('C42: refuses %s, and the token lives', async (_, client, status, error) => {
    const answer = await post({ token: tokens.refresh_token }, client);
    expect({ status: answer.status, error: answer.body.error }).toEqual({ status, error });
    expect(answer.body.error_description).toMatch(/client/);
    expect(await introspect(otherNode, tokens.refresh_token, DEMO_WEB)).toMatchObject({ active: true });
  });

  it('refuses a request without a token, with two, and in JSON', async () => {
    for (const parameters of [{}, { token: '' }, { token: [tokens.access_token, tokens.refresh_token] }]) {
      const { status, body } = await post(parameters, DEMO_WEB);
      expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_request' });
      expect(body.error_description).toMatch(/token/);
    }
    expect(await introspect(otherNode, tokens.access_token)).toMatchObject({ active: true });
  });

  it('says 200 to a JWT that is no token of this server, as to any unknown token (§2.2)', async () => {
    const jwt = await new SignJWT({}).setProtectedHeader({ alg: 'HS256' }).sign(new Uint8Array(32));
    expect((await revoke(server.issuer, jwt, DEMO_WEB)).status).toBe(200);
  });

  it('lets openid-client revoke', async () => {
    await tokenRevocation(await web().discover(), tokens.refresh_token);
    expect(await introspect(otherNode, tokens.access_token)).toEqual(INACTIVE);
  });
});

it('lets a public client end its own tokens', async () => {
  const tokens = await createRelyingParty(server.issuer, DEMO_SPA).obtainTokens({ scope: 'openid records:read' });
  expect((await revoke(server.issuer, tokens.refresh_token, DEMO_SPA)).status).toBe(200);
  expect(await introspect(otherNode, tokens.access_token)).toEqual(INACTIVE);
});

it('ends a machine’s token', async () => {
  const machine = createRelyingParty(server.issuer, DEMO_MACHINE);
  const [one, two] = [
    tokensOf(await machine.requestToken({ grant_type: 'client_credentials' })),
    tokensOf(await machine.requestToken({ grant_type: 'client_credentials' })),
  ];
  await revoke(server.issuer, one.access_token, DEMO_MACHINE);
  expect(await introspect(otherNode, one.access_token)).toEqual(INACTIVE);
  expect(await introspect(otherNode, two.access_token)).toMatchObject({ active: true });
});

it('I3: a refresh token revoked while it is being used leaves nothing alive', async () => {
  const credentials = { username: 'alice@example.com', password: 'correct-horse-battery-staple' };
  const client = createRelyingParty(server.issuer, DEMO_PASSWORD_CLIENT);
  for (let round = 0; round < 10; round += 1) {
    const { refresh_token, access_token } = tokensOf(
      await client.requestToken({ grant_type: 'password', ...credentials }),
    );
    const [refreshed, revoked] = await Promise.all([
      client.refresh(refresh_token),
      revoke(otherNode, refresh_token, DEMO_PASSWORD_CLIENT),
    ]);
    expect(revoked.status).toBe(200);
    expect([200, 400]).toContain(refreshed.status);
    const alive = [access_token, refreshed.body.access_token].filter((token) => token !== undefined);
    for (const token of alive) {
      expect(await introspect(server.issuer, String(token))).toEqual(INACTIVE);
    }
  }
});
