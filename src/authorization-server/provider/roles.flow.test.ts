/** The scope `roles`: what an account may do, by the operator's own names for it, as it is at this moment. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import {
  ALICE,
  createRelyingParty,
  DEMO_API,
  DEMO_WEB,
  introspect,
  type RelyingParty,
  send,
} from '../../testing/relying-party.ts';

let server: TestServer;
let web: RelyingParty;
beforeAll(async () => {
  server = await startTestServer();
  web = createRelyingParty(server.issuer, DEMO_WEB);
  await server.apply({ roles: [{ name: 'auditor', scopes: ['records:read'] }] });
});
afterAll(() => server.stop());
afterEach(() => haveRoles('user'));

async function haveRoles(...roles: string[]) {
  const account = '(select account_id from accounts where email = $1)';
  await server.pool.query(`delete from account_roles where account_id = ${account}`, [ALICE.email]);
  await server.pool.query(
    `insert into account_roles (account_id, role) select ${account}, role from unnest($2::text[]) as role`,
    [ALICE.email, roles],
  );
}

const rolesAt = {
  userinfo: async (token: string) =>
    (await send(server.url('/me'), { headers: { authorization: `Bearer ${token}` } })).body.roles,
  introspection: async (token: string) => (await introspect(server.issuer, token, DEMO_WEB)).roles,
};

it('discovery lists the scope and the claim', async () => {
  const { body } = await send(server.url('/.well-known/openid-configuration'));
  expect(body.scopes_supported).toContain('roles');
  expect(body.claims_supported).toContain('roles');
});

it('tells the roles at userinfo and introspection, and nobody who did not ask', async () => {
  const asked = await web.obtainTokens({ scope: 'openid roles' });
  const unasked = await web.obtainTokens({ scope: 'openid profile' });
  for (const rolesNow of Object.values(rolesAt)) {
    expect(await rolesNow(asked.access_token)).toEqual(['user']);
    expect(await rolesNow(unasked.access_token)).toBeUndefined();
  }
});

it('tells them in the ID token where the client asks for them there', async () => {
  const claims = JSON.stringify({ id_token: { roles: null } });
  const { id_token } = await web.obtainTokens({ scope: 'openid', claims });
  const told = JSON.parse(Buffer.from(id_token.split('.')[1] ?? '', 'base64url').toString());
  expect(told.roles).toEqual(['user']);
});

it('a change of roles counts at the next introspection and userinfo, for the scopes too', async () => {
  const { access_token } = await web.obtainTokens({ scope: 'openid roles records:read records:write' });
  expect((await introspect(server.issuer, access_token, DEMO_API)).scope).toBe(
    'openid roles records:read records:write',
  );
  await haveRoles('auditor', 'guest');
  for (const rolesNow of Object.values(rolesAt)) {
    expect(await rolesNow(access_token)).toEqual(['auditor', 'guest']);
  }
  expect((await introspect(server.issuer, access_token, DEMO_API)).scope).toBe('openid roles records:read');
});
