/** Who may register at all, and what becomes of clients that nobody uses. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '../../../config/schema.ts';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { createRegistering, REDIRECT_URI } from '../../../testing/registering.ts';
import { send, tokensOf } from '../../../testing/relying-party.ts';
import type { TokenPolicy } from '../../clients/initial-access-tokens.ts';
import { hashSecret } from '../../clients/secret.ts';
import { PostgresClientRegistrations } from '../../storage/client-registrations.ts';
import { PostgresInitialAccessTokens } from '../../storage/initial-access-tokens.ts';

const MOST_UNUSED = 10;

type Registration = Config['registration'];

const configured = (registration: Partial<Registration>) => ({
  config: (config: Config): Config => ({ ...config, registration: { ...config.registration, ...registration } }),
});

let server: TestServer;
let registering: ReturnType<typeof createRegistering>;
let nodes: { readonly closed: string; readonly byToken: string };
beforeAll(async () => {
  const scopes = ['openid', 'records:read'];
  server = await startTestServer(configured({ mostUnused: MOST_UNUSED, scopes }));
  nodes = {
    closed: await server.addNode(configured({ access: 'closed' })),
    byToken: await server.addNode(configured({ access: 'initial-access-token', scopes })),
  };
  registering = createRegistering(server);
});
afterAll(() => server.stop());

const registerAt = (node: string, token?: string, described: object = {}) =>
  registering.register(
    { redirect_uris: [REDIRECT_URI], ...described },
    token === undefined ? {} : { authorization: `Bearer ${token}` },
    `${node}/register`,
  );

/** What `concierge initial-access-token` does. */
async function issueToken(policy: TokenPolicy = {}): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  const id = randomBytes(4).toString('hex');
  await initialAccessTokens().issue({ id, policy, tokenHash: hashSecret(token), lifetime: 60 });
  return token;
}

const initialAccessTokens = () => new PostgresInitialAccessTokens(server.pool);

const MACHINE = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] };

it('C102: an address may try sixty times a minute, and so may a whole network of IPv6 addresses', async () => {
  const node = await server.addNode({ config: (config) => ({ ...config, trustedProxies: 1 }) });
  const statusFrom = async (address: string) =>
    (await registering.register('rubbish', { 'x-forwarded-for': address }, `${node}/register`)).status;
  const statuses = await Promise.all(Array.from({ length: 61 }, (_, n) => statusFrom(`2001:db8:1:2:${n}::${n}`)));
  expect(statuses.filter((status) => status === 429)).toHaveLength(1);
  expect(await statusFrom('2001:db8:1:2::')).toBe(429);
  expect(await statusFrom('2001:db8:1:3::')).toBe(400);
});

describe('closed', () => {
  it('nobody registers, and no endpoint is advertised', async () => {
    expect(await registerAt(nodes.closed)).toMatchObject({ status: 403, body: { error: 'invalid_request' } });
    const { body } = await send(`${nodes.closed}/.well-known/openid-configuration`);
    expect(body).not.toHaveProperty('registration_endpoint');
  });

  it('whoever has registered before goes on to work, and to change itself', async () => {
    const client = await registering.registered();
    const elsewhere = client.registration_client_uri.replace(server.issuer, nodes.closed);
    const headers = { authorization: `Bearer ${client.registration_access_token}` };
    expect((await send(elsewhere, { headers })).status).toBe(200);
    const authorization = await registering.partyOf(client).authorize({ scope: 'openid' });
    expect((await registering.partyOf(client).exchange(authorization, {}, nodes.closed)).status).toBe(200);
  });
});

describe('with an initial access token', () => {
  it('that is good until it is revoked', async () => {
    const token = await issueToken();
    expect((await registerAt(nodes.byToken, token)).status).toBe(201);
    const { body } = await registerAt(nodes.byToken, token);
    const [{ id } = { id: '' }] = await initialAccessTokens().list();
    await initialAccessTokens().revoke(id);
    expect(await registerAt(nodes.byToken, token)).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
    const client = body as Awaited<ReturnType<typeof registering.registered>>;
    expect((await registering.manage(client, 'GET')).status).toBe(200);
  });

  it.each([undefined, 'guessed', 'x'.repeat(600)])(
    'and with none or a wrong one (%j) nobody registers',
    async (token) => {
      const answer = await registerAt(nodes.byToken, token);
      expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
      const problem = token === undefined ? '' : ', error="invalid_token"';
      expect(answer.headers.get('www-authenticate')).toBe(`Bearer realm="${server.issuer}"${problem}`);
    },
  );

  it('whose policy its clients are bound to, also when they change', async () => {
    const token = await issueToken({ grantTypes: ['client_credentials'], scopes: ['records:write', 'records:read'] });
    const described = { ...MACHINE, scope: 'records:write blobs:read' };
    const answer = await registerAt(nodes.byToken, token, described);
    expect(answer).toMatchObject({ status: 201, body: { scope: 'records:write' } });
    const client = answer.body as Awaited<ReturnType<typeof registering.registered>>;
    const party = registering.partyOf(client);
    expect(tokensOf(await party.requestToken({ grant_type: 'client_credentials', scope: 'records:write' })).scope).toBe(
      'records:write',
    );
    const change = (fields: object) => registering.manage(client, 'PUT', { client_id: client.client_id, ...fields });
    const widened = { grant_types: ['authorization_code'], redirect_uris: [REDIRECT_URI] };
    expect((await change(widened)).body.error).toBe('invalid_client_metadata');
    expect((await change(described)).body.scope).toBe('records:write');
  });

  it('that has expired nobody registers', async () => {
    const token = await issueToken();
    await server.pool.query(`update initial_access_tokens set expires_at = now() - interval '1 second'`);
    expect((await registerAt(nodes.byToken, token)).status).toBe(401);
  });

  it('C97: it is kept as a hash', async () => {
    const token = await issueToken();
    const { rows } = await server.pool.query('select string_agg(t::text, $1) as kept from initial_access_tokens t', [
      ' ',
    ]);
    expect(rows[0].kept).not.toContain(token);
  });
});

describe('open', () => {
  it('a client gets no grant and no scope beyond what is configured, unless a token says so', async () => {
    expect((await registerAt(server.issuer, undefined, MACHINE)).body.error).toBe('invalid_client_metadata');
    expect((await registerAt(server.issuer, undefined, { scope: 'openid records:write' })).body.scope).toBe('openid');
    const token = await issueToken({ grantTypes: ['client_credentials'] });
    expect((await registerAt(server.issuer, token, MACHINE)).status).toBe(201);
    expect((await registerAt(server.issuer, 'wrong')).status).toBe(401);
  });
});

it('a client that the profile of the server has no room for is told so at once', async () => {
  const node = await server.addNode({ config: (config: Config): Config => ({ ...config, profile: 'fapi-2.0' }) });
  const refused = await registerAt(node, undefined, { token_endpoint_auth_method: 'client_secret_basic' });
  expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_client_metadata' } });
  expect(refused.body.error_description).toContain('token_endpoint_auth_method');
});

describe('clients that nobody uses', () => {
  const registrations = () => new PostgresClientRegistrations(server.pool);
  const isThere = async (clientId: string) => (await registrations().find(clientId)) !== undefined;
  const age = (seconds: number) =>
    server.pool.query(`update client_registrations set registered_at = registered_at - make_interval(secs => $1)`, [
      seconds,
    ]);

  it('C98: are removed after a while; one that had a token stays', async () => {
    const [used, unused] = [await registering.registered(), await registering.registered()];
    await registering.partyOf(used).obtainTokens({ scope: 'openid' });
    await expect
      .poll(async () => {
        const select = 'select used_at is not null as used from client_registrations where client_id = $1';
        return (await server.pool.query(select, [used.client_id])).rows[0].used;
      })
      .toBe(true);
    await age(1_000);
    const fresh = await registering.registered();
    const version = async () => (await server.pool.query('select version from directory_version')).rows[0].version;
    const before = await version();
    expect(await registrations().removeAbandoned(1_000_000, 1_000)).toBe(0);
    expect(await version()).toBe(before);
    await registrations().removeAbandoned(900, 1_000);
    expect(await Promise.all([used, unused, fresh].map(({ client_id }) => isThere(client_id)))).toEqual([
      true,
      false,
      true,
    ]);
  });

  it('C102: cannot be made without end: the oldest of them go, and none that is used or has a token', async () => {
    const token = await issueToken();
    const vouched = await registering.registered({}, { authorization: `Bearer ${token}` });
    const used = await registering.registered();
    await registrations().markUsed(used.client_id);
    await age(60);
    const first = await registering.registered();
    for (let count = 0; count < MOST_UNUSED + 5; count += 1) {
      await registering.registered();
    }
    const last = await registering.registered();
    const { rows } = await server.pool.query(
      'select count(*)::int as unused from client_registrations where used_at is null and initial_access_token is null',
    );
    expect(rows[0].unused).toBeLessThanOrEqual(MOST_UNUSED + 1);
    const there = await Promise.all([vouched, used, first, last].map(({ client_id }) => isThere(client_id)));
    expect(there).toEqual([true, true, false, true]);
  });
});
