import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { createRegistering, REDIRECT_URI, type Registered } from '../../../testing/registering.ts';
import { introspect, send } from '../../../testing/relying-party.ts';

let server: TestServer;
let registering: ReturnType<typeof createRegistering>;
const logged: string[] = [];
beforeAll(async () => {
  server = await startTestServer({ logger: pino({ level: 'trace' }, { write: (line) => logged.push(line) }) });
  registering = createRegistering(server);
});
afterAll(() => server.stop());

const OTHER_URI = 'https://app.example.com/other';

/** What it sends to change itself: RFC 7592 §2.2. */
const changeOf = ({ client_id }: Registered, change: object = {}) => ({
  client_id,
  redirect_uris: [REDIRECT_URI],
  ...change,
});

describe('a client reads itself', () => {
  it('C79: and sees everything but its secret', async () => {
    const client = await registering.registered();
    const { status, headers, body } = await registering.manage(client, 'GET');
    const { client_secret: _secret, client_secret_expires_at: _never, ...rest } = client;
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual(rest);
  });

  it('with its own token only', async () => {
    const [client, other] = [await registering.registered(), await registering.registered()];
    for (const token of [other.registration_access_token, 'wrong', '', client.client_secret ?? '']) {
      const answer = await registering.manage(client, 'GET', undefined, token);
      expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer .*error="invalid_token"/);
    }
    // RFC 7592 §2.1: the token of one is no harm to it, shown for another.
    expect((await registering.manage(other, 'GET')).status).toBe(200);
  });

  it.each(['demo-web', 'nobody', '%00', ''])('and nobody reads %j', async (id) => {
    const answer = await send(server.url(`/register?client_id=${id}`), { headers: { authorization: 'Bearer x' } });
    expect([400, 401]).toContain(answer.status);
    expect(answer.body.error).toMatch(/^invalid_(token|request)$/);
  });
});

describe('a client changes itself', () => {
  it('on every node, and gets a new token in place of the old one', async () => {
    const node = await server.addNode();
    const client = await registering.registered();
    const changed = await registering.manage(client, 'PUT', changeOf(client, { redirect_uris: [OTHER_URI] }));
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({ redirect_uris: [OTHER_URI], client_id_issued_at: client.client_id_issued_at });
    expect(changed.body).not.toHaveProperty('client_secret');
    expect((await registering.manage(client, 'GET')).status).toBe(401);
    const now = { ...client, ...changed.body } as Registered;
    expect((await registering.manage(now, 'GET')).body.redirect_uris).toEqual([OTHER_URI]);
    const party = registering.partyOf(now, OTHER_URI);
    const answer = await party.exchange(await party.authorize({ scope: 'openid' }), {}, node);
    expect(answer.status, answer.text).toBe(200);
  });

  it('and keeps its secret, which it may repeat to prove that it has it', async () => {
    const client = await registering.registered();
    const repeated = changeOf(client, { client_secret: client.client_secret, client_name: 'Named' });
    const { status, body } = await registering.manage(client, 'PUT', repeated);
    expect({ status, name: body.client_name }).toEqual({ status: 200, name: 'Named' });
    expect((await registering.partyOf(client).obtainTokens({ scope: 'openid' })).id_token).toBeTruthy();
  });

  it('C79: and gets a secret when it needs one from now on, and loses it when it does not', async () => {
    const client = await registering.registered({ token_endpoint_auth_method: 'none' });
    const { body } = await registering.manage(client, 'PUT', changeOf(client));
    expect(body).toMatchObject({ client_secret: expect.stringMatching(/^[\w-]{43}$/), client_secret_expires_at: 0 });
    const confidential = body as Registered;
    const change = changeOf(client, { token_endpoint_auth_method: 'none' });
    const publicAgain = await registering.manage(confidential, 'PUT', change);
    expect(publicAgain.body).not.toHaveProperty('client_secret');
    const { rows } = await server.pool.query('select secret_hash from clients where client_id = $1', [
      client.client_id,
    ]);
    expect(rows).toEqual([{ secret_hash: null }]);
  });

  it.each([
    ['another id', { client_id: 'demo-web' }, 'invalid_request'],
    ['a secret that is not its own', { client_secret: 'guessed' }, 'invalid_request'],
    ['its token', { registration_access_token: 'x' }, 'invalid_request'],
    ['its address', { registration_client_uri: 'x' }, 'invalid_request'],
    ['when it was registered', { client_id_issued_at: 1 }, 'invalid_request'],
    ['when its secret ends', { client_secret_expires_at: 0 }, 'invalid_request'],
    ['a grant that it may not have', { grant_types: ['client_credentials'] }, 'invalid_client_metadata'],
    ['a redirect URI that nobody may have', { redirect_uris: ['javascript:x'] }, 'invalid_redirect_uri'],
  ])('C81: but not by sending %s, and nothing is changed then', async (_what, change, error) => {
    const client = await registering.registered();
    const answer = await registering.manage(client, 'PUT', changeOf(client, change));
    expect(answer).toMatchObject({ status: 400, body: { error } });
    expect((await registering.manage(client, 'GET')).body.redirect_uris).toEqual([REDIRECT_URI]);
  });

  it('C79: and not by sending the hash of its secret, for whoever saw the database', async () => {
    const client = await registering.registered();
    const { rows } = await server.pool.query('select secret_hash from clients where client_id = $1', [
      client.client_id,
    ]);
    const answer = await registering.manage(client, 'PUT', changeOf(client, { client_secret: rows[0].secret_hash }));
    expect(answer.status).toBe(400);
  });

  it('C82: and of many who try at once one does', async () => {
    const client = await registering.registered();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        registering.manage(client, 'PUT', changeOf(client, { client_name: `Name ${index}` })),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(401)]);
    const winner = answers.find(({ status }) => status === 200)?.body as Registered;
    expect((await registering.manage(winner, 'GET')).body.client_name).toBe(winner.client_name);
  });

  it('C81: until an operator takes it into the directory and vouches for it', async () => {
    const client = await registering.registered({ token_endpoint_auth_method: 'none' });
    const entry = { client_id: client.client_id, token_endpoint_auth_method: 'none', redirect_uris: [OTHER_URI] };
    await server.apply({ clients: [entry] });
    expect((await registering.manage(client, 'PUT', changeOf(client))).status).toBe(401);
  });
});

describe('a client removes itself', () => {
  it('C39: and its grants and tokens end with it, on every node', async () => {
    const node = await server.addNode();
    const client = await registering.registered({ grant_types: ['authorization_code', 'refresh_token'] });
    const party = registering.partyOf(client);
    const { access_token, refresh_token } = await party.obtainTokens({ scope: 'openid records:read' });
    expect(await introspect(node, access_token)).toMatchObject({ active: true });
    const gone = await registering.manage(client, 'DELETE');
    expect([gone.status, gone.text]).toEqual([204, '']);
    expect(await introspect(server.issuer, access_token)).toEqual({ active: false });
    expect(await introspect(node, access_token)).toEqual({ active: false });
    const userinfo = await send(server.url('/me'), { headers: { authorization: `Bearer ${access_token}` } });
    expect(userinfo.status).toBe(401);
    expect((await party.refresh(refresh_token)).body.error).toBe('invalid_client');
    expect((await registering.manage(client, 'GET')).status).toBe(401);
    const { rows } = await server.pool.query(
      `select kind from artifacts where client_id = $1 and consumed_at is null
        union all select kind from tokens where client_id = $1 and revoked_at is null`,
      [client.client_id],
    );
    expect(rows).toEqual([]);
  });

  it('with its own token only, and once', async () => {
    const client = await registering.registered();
    expect((await registering.manage(client, 'DELETE', undefined, 'wrong')).status).toBe(401);
    const answers = await Promise.all([1, 2, 3].map(() => registering.manage(client, 'DELETE')));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 401, 401]);
  });
});

it('C92: the log has the requests, and no secret and no token of theirs', async () => {
  const client = await registering.registered();
  const { body } = await registering.manage(client, 'PUT', changeOf(client, { client_secret: client.client_secret }));
  const changed = { ...client, ...body } as Registered;
  await registering.manage(changed, 'PUT', changeOf(client, { client_secret: 'wrong' }));
  await registering.manage(changed, 'DELETE');
  const secrets = [client.client_secret, client.registration_access_token, changed.registration_access_token];
  const text = logged.join('');
  expect(text).toContain('/register');
  expect(secrets.filter((secret) => text.includes(String(secret)))).toEqual([]);
});
