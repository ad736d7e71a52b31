import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import {
  createRelyingParty,
  DEMO_MACHINE,
  DEMO_WEB,
  introspect,
  revoke,
  tokensOf,
} from '../../testing/relying-party.ts';
import type { Verify } from './access-token.ts';
import { discovery } from './discovery.ts';
import { Revocations } from './revocations.ts';
import { SigningKeys } from './signing-keys.ts';
import { createVerify } from './strategy.ts';
import { tokenKey } from './token-place.ts';

const LEDGER = 'https://ledger.example/api';
const LEDGER_API = { clientId: 'ledger-api', secret: 'ledger-api-secret' };
const NOTHING_SAID = { scopes: undefined };
const QUIET = { warn: () => undefined };

function strategy(issuer: string, revocations = new Revocations(), live = () => true): Verify {
  const found = discovery(issuer, 30_000);
  return createVerify('jwt', {
    issuer,
    audience: LEDGER,
    discovery: found,
    keys: new SigningKeys({ discovery: found, timeoutMs: 30_000, now: Date.now }),
    client: { clientId: LEDGER_API.clientId, clientSecret: LEDGER_API.secret },
    timeoutMs: 30_000,
    logger: QUIET,
    revocations,
    live,
  });
}

describe('a JWT access token of the real server (RFC 9068)', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
    await server.apply({
      resourceServers: [
        {
          identifier: LEDGER,
          name: 'Ledger',
          accessTokenFormat: 'jwt',
          scopes: [{ name: 'records:read', description: 'read' }],
          claims: ['roles', 'email'],
        },
      ],
      clients: [
        { client_id: LEDGER_API.clientId, client_secret: LEDGER_API.secret, grant_types: [], resource_server: LEDGER },
      ],
    });
  });
  afterAll(() => server.stop());

  const request = { scope: 'records:read', resource: LEDGER };
  const ofPerson = () => createRelyingParty(server.issuer, DEMO_WEB).obtainTokens(request);
  const ofMachine = async () =>
    tokensOf(
      await createRelyingParty(server.issuer, DEMO_MACHINE).requestToken({
        grant_type: 'client_credentials',
        ...request,
      }),
    );

  it('says by itself what introspection would say of it, its handles included', async () => {
    for (const { access_token } of [await ofPerson(), await ofMachine()]) {
      const told = await introspect(server.issuer, access_token, LEDGER_API);
      const verified = await strategy(server.issuer)(access_token, NOTHING_SAID);
      const { sub, client_id, scope, exp, roles, grant_id, sid, jti } = told;
      expect(verified).toMatchObject({
        accessToken: {
          subject: sub,
          clientId: client_id,
          scopes: new Set([scope]),
          audience: [LEDGER],
          roles: roles ?? [],
          // Its client can read it, and was granted nothing of that.
          email: undefined,
          issuer: server.issuer,
          expiresAt: new Date(Number(exp) * 1000),
        },
        objection: undefined,
      });
      const named = Object.entries({ token: jti, grant: grant_id, session: sid, account: sub, client: client_id });
      expect(verified?.handles).toEqual(named.flatMap(([kind, id]) => (id === undefined ? [] : [`${kind}:${id}`])));
      expect(tokenKey(String(decodeJwt(access_token).jti))).toBe(jti);
    }
  });

  it('C87: is asked about once an event may be about it, and refused when it has ended', async () => {
    const [revoked, other] = [(await ofPerson()).access_token, (await ofPerson()).access_token];
    const revocations = new Revocations();
    const verify = strategy(server.issuer, revocations);
    await revoke(server.issuer, revoked, DEMO_WEB);
    // Nothing was heard of it yet.
    expect(await verify(revoked, NOTHING_SAID)).toBeDefined();
    revocations.note([`token:${tokenKey(String(decodeJwt(revoked).jti))}`]);
    expect(await verify(revoked, NOTHING_SAID)).toBeUndefined();
    expect(await verify(other, NOTHING_SAID)).toBeDefined();
    revocations.note(['client:demo-web']);
    expect(await verify(other, NOTHING_SAID)).toBeDefined();
    await server.pool.query(`update accounts set disabled_at = now() where email = 'alice@example.com'`);
    expect(await verify(other, NOTHING_SAID)).toBeUndefined();
    await server.pool.query('update accounts set disabled_at = null');
  });

  it('is asked about when events were missed since it was issued', async () => {
    const { access_token } = await ofMachine();
    const revocations = new Revocations();
    const verify = strategy(server.issuer, revocations);
    await revoke(server.issuer, access_token, DEMO_MACHINE);
    expect(await verify(access_token, NOTHING_SAID)).toBeDefined();
    revocations.noteUnknown();
    expect(await verify(access_token, NOTHING_SAID)).toBeUndefined();
  });

  it('C87: is asked about while no events arrive, and refused when it has ended', async () => {
    const { access_token } = await ofMachine();
    let live = true;
    const verify = strategy(server.issuer, new Revocations(), () => live);
    await revoke(server.issuer, access_token, DEMO_MACHINE);
    expect(await verify(access_token, NOTHING_SAID)).toBeDefined();
    live = false;
    expect(await verify(access_token, NOTHING_SAID)).toBeUndefined();
  });

  it('C88: is no opaque token, and no ID token', async () => {
    const verify = strategy(server.issuer);
    const { id_token, access_token } = await createRelyingParty(server.issuer, DEMO_WEB).obtainTokens({
      scope: 'openid',
    });
    await expect(verify(access_token, NOTHING_SAID)).rejects.toThrow(/opaque, and this takes JWT access tokens/);
    await expect(verify(id_token, NOTHING_SAID)).rejects.toThrow(/not an access token/);
  });
});
