import { CompactEncrypt, CompactSign, importJWK, type JWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { asParameters } from '../../testing/client-assertion.ts';
import { createPkce, encode, type Parameters, postForm, send } from '../../testing/relying-party.ts';
import { type ClientKey, createClientKey } from '../../testing/request-object.ts';

const CLIENT = {
  clientId: 'signing',
  secret: 'the-secret-of-the-signing-client',
  redirectUri: 'http://localhost:3002/s',
};
const DEEP = '['.repeat(3_000) + ']'.repeat(3_000);
const NO_TEXT = '{"toString":1}';

let server: TestServer;
let key: ClientKey;
beforeAll(async () => {
  server = await startTestServer();
  key = await createClientKey();
  const common = { jwks: { keys: [key.jwk] }, scope: 'openid records:read' };
  await server.apply({
    clients: [
      {
        ...common,
        client_id: CLIENT.clientId,
        client_secret: CLIENT.secret,
        redirect_uris: [CLIENT.redirectUri],
        grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
      },
      {
        ...common,
        client_id: 'asserting',
        token_endpoint_auth_method: 'private_key_jwt',
        grant_types: ['client_credentials'],
        scope: 'records:read',
      },
    ],
  });
});
afterAll(() => server.stop());

const seconds = () => Math.floor(Date.now() / 1000);

/** A JWT in which one member is this JSON, whatever it is. */
function sign(claims: object, member: string, json: string): Promise<string> {
  const text = `${JSON.stringify(claims).slice(0, -1)},${JSON.stringify(member)}:${json}}`;
  return new CompactSign(Buffer.from(text))
    .setProtectedHeader({ alg: key.alg, kid: key.jwk.kid ?? '' })
    .sign(key.privateKey);
}

const requestClaims = () => ({
  iss: CLIENT.clientId,
  client_id: CLIENT.clientId,
  aud: server.issuer,
  response_type: 'code',
  redirect_uri: CLIENT.redirectUri,
  scope: 'openid',
  code_challenge: createPkce().challenge,
  code_challenge_method: 'S256',
  iat: seconds(),
  nbf: seconds(),
  exp: seconds() + 60,
});

/** As anybody can, who needs no key for that. */
const withoutSignature = (jwt: string) => `${jwt.split('.', 2).join('.')}.AAAA`;

async function encryptToServer(text: string): Promise<string> {
  const { keys } = (await send(server.url('/jwks'))).body as { keys: JWK[] };
  const jwk = keys.find(({ use }) => use === 'enc') ?? {};
  return new CompactEncrypt(Buffer.from(text))
    .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', kid: jwk.kid ?? '' })
    .encrypt(await importJWK(jwk, 'ECDH-ES'));
}

describe.each([
  ['a member that is no text', 'state', NO_TEXT],
  ['a list with something that is no text', 'resource', `[${NO_TEXT}]`],
  ['endless lists', 'resource', DEEP],
  ['endless lists in a member that nobody knows', 'unknown', DEEP],
  ['endless authorization details', 'authorization_details', DEEP],
])('a request object with %s', (_what, member, json) => {
  const objects = async () => {
    const signed = await sign(requestClaims(), member, json);
    return [signed, withoutSignature(signed), await encryptToServer(signed)];
  };

  it('C103: is refused to the client, signed or not or encrypted', async () => {
    for (const request of await objects()) {
      const { status, headers } = await send(server.url(`/auth?${encode({ client_id: CLIENT.clientId, request })}`));
      expect([status, headers.get('location')]).toEqual([303, expect.stringContaining('error=invalid_request_object')]);
    }
  });

  it.each(['/request', '/device/auth'])('C103: is refused in JSON at %s', async (path) => {
    for (const request of await objects()) {
      const { status, body } = await postForm(server.url(path), { request }, CLIENT);
      expect([status, String(body.error)]).toEqual([400, expect.stringMatching(/^invalid_request(_object)?$/)]);
    }
  });
});

describe('other documents', () => {
  const assertion = () => ({ iss: 'asserting', sub: 'asserting', aud: server.issuer, exp: seconds() + 60 });
  const ask = async (member: string, json: string) =>
    postForm(server.url('/token'), {
      grant_type: 'client_credentials',
      scope: 'records:read',
      ...asParameters(await sign({ ...assertion(), jti: crypto.randomUUID() }, member, json)),
    });

  it('C103: a client that signs endless lists is told so', async () => {
    expect(await ask('unknown', DEEP)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });

  it('lists in lists, brackets in texts and a few objects are nobody to worry about', async () => {
    expect((await ask('unknown', `[[{"a":[${JSON.stringify('["{'.repeat(100))}]}]]`)).status).toBe(200);
  });

  it.each<Parameters>([{ claims: `{"id_token":{"acr":{"values":${DEEP}}}}` }, { authorization_details: DEEP }])(
    'C103: what is nested without end in a parameter is refused',
    async (parameters) => {
      const { status, body } = await postForm(server.url('/device/auth'), { scope: 'openid', ...parameters }, CLIENT);
      expect([status, body.error]).toEqual([400, 'invalid_request']);
    },
  );
});
