import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { visitorOf } from '../../../testing/account-console.ts';
import { startTestServer, type TestServer } from '../../../testing/authorization-server.ts';
import { DEMO_API, DEMO_WEB, introspect, postForm, revoke, send } from '../../../testing/relying-party.ts';
import type { UserAgent, Visit } from '../../../testing/user-agent.ts';
import { removeEndedPersonalTokens } from '../../storage/personal-access-tokens.ts';

const API = 'http://localhost:3001';
const INACTIVE = { active: false };

let server: TestServer;
let browser: UserAgent;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await server.pool.query('delete from personal_access_tokens');
  await server.pool.query('delete from audit_events');
  await server.pool.query('delete from outbox');
  await server.pool.query('delete from rate_limits');
  browser = await visitorOf(server);
});

const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
const FORM = { for: API, name: 'Backup', 'scope.records:read': 'on', date: inDays(30) };
const make = (fields: Record<string, string> = {}, where = browser) =>
  where.post('/account/tokens/new', { id: randomUUID(), ...FORM, ...fields });
const tokenIn = ({ html }: Visit) => html.match(/data-testid="token-value">([^<]*)/)?.[1] ?? '';
const listed = async (where = browser) =>
  [...(await where.get('/account/tokens')).html.matchAll(/data-testid="token">.*?<bdi>([^<]*)/gs)].map(
    ([, name]) => name,
  );
const actionIn = ({ html }: Visit) => html.match(/action="([^"]*\/revoke)"/)?.[1] ?? '';

describe('a token that is made', () => {
  it('is told once, and is worth what was chosen at the resource server, and nothing elsewhere', async () => {
    const visit = await make();
    const token = tokenIn(visit);
    expect(token).toMatch(/^concierge_pat_[\w-]{43}$/);
    expect(visit.headers.get('cache-control')).toBe('no-store');
    expect(await introspect(server.issuer, token)).toMatchObject({
      active: true,
      scope: 'records:read',
      aud: API,
      token_type: 'Bearer',
      client_id: 'concierge-personal',
      username: 'alice@example.com',
    });
    expect(await introspect(server.issuer, token, DEMO_WEB)).toEqual(INACTIVE);
    expect((await send(server.url('/me'), { headers: { authorization: `Bearer ${token}` } })).status).toBe(403);
    expect((await browser.get('/account/tokens')).html).not.toContain(token);
  });

  it('lives for as long as was said, and is listed, but not among the apps', async () => {
    const { exp } = await introspect(server.issuer, tokenIn(await make({ date: inDays(365) })));
    expect(Number(exp) - Date.now() / 1000).toBeGreaterThan(364 * 86_400);
    expect(await listed()).toEqual(['Backup']);
    expect((await browser.get('/account/apps')).html).toContain('data-testid="apps-empty"');
  });

  it('C97: is kept nowhere: what is in the database opens nothing', async () => {
    const token = tokenIn(await make());
    const bare = token.replace('concierge_pat_', '');
    for (const table of ['personal_access_tokens', 'tokens', 'artifacts', 'audit_events', 'outbox']) {
      const { rows } = await server.pool.query(`select row_to_json(t)::text as text from ${table} t`);
      expect(rows.map(({ text }) => text).join()).not.toContain(bare);
    }
    expect(await introspect(server.issuer, bare)).toEqual(INACTIVE);
  });

  it('is audited, and its owner told by mail', async () => {
    await make({ name: 'Backup of “everything”' });
    const { rows } = await server.pool.query(`select kind, details from audit_events where kind like 'personal%'`);
    expect(rows).toEqual([
      {
        kind: 'personal_access_token_made',
        details: expect.objectContaining({
          name: 'Backup of “everything”',
          resource_server: API,
          scopes: ['records:read'],
        }),
      },
    ]);
    expect((await server.pool.query('select from outbox')).rowCount).toBe(1);
  });

  it('says when it was last used', async () => {
    const token = tokenIn(await make());
    expect((await browser.get('/account/tokens')).html).toContain('Not used yet');
    await introspect(server.issuer, token);
    expect((await browser.get('/account/tokens')).html).toContain('Last used now');
  });

  it('follows the roles of the account, and ends with it', async () => {
    const token = tokenIn(await make({ 'scope.records:write': 'on' }));
    const role = (name: string) =>
      server.pool.query(
        `update account_roles set role = $1 where account_id = (select account_id from accounts where email = 'alice@example.com')`,
        [name],
      );
    await role('guest');
    const narrowed = await introspect(server.issuer, token);
    await role('user');
    expect(narrowed.scope).toBe('records:read');
    await server.pool.query(`update accounts set disabled_at = now() where email = 'alice@example.com'`);
    const disabled = await introspect(server.issuer, token);
    await server.pool.query('update accounts set disabled_at = null');
    expect(disabled).toEqual(INACTIVE);
  });

  it('is one, however often the form is sent', async () => {
    const id = randomUUID();
    const [first] = await Promise.all([make({ id }), make({ id })]);
    const again = await make({ id });
    expect(await listed()).toEqual(['Backup']);
    expect(again.html).toContain('made already');
    const { rows } = await server.pool.query(
      `select key from artifacts where kind = 'Grant' and client_id = 'concierge-personal' and consumed_at is null
        and key in (select grant_id from personal_access_tokens)`,
    );
    expect(rows).toHaveLength(1);
    expect(first.status).toBe(200);
  });
});

describe('the form', () => {
  it('offers what the roles of the account permit, and takes nothing else', async () => {
    const guest = await visitorOf(server, { email: 'guest@example.com' });
    const { html } = await guest.get('/account/tokens/new');
    expect([...html.matchAll(/name="scope\.([^"]*)"/g)].map(([, scope]) => scope)).toEqual(['records:read']);
    const refused = await make({ 'scope.records:read': '', 'scope.records:write': 'on' }, guest);
    expect(refused.status).toBe(422);
    const narrowed = tokenIn(await make({ 'scope.records:write': 'on', 'scope.openid': 'on' }, guest));
    expect((await introspect(server.issuer, narrowed)).scope).toBe('records:read');
  });

  it.each([
    [{ name: ' ' }, 'Give it a name'],
    [{ name: 'x'.repeat(61) }, 'shorter name'],
    [{ name: 'evil\u202Ename' }, 'cannot be seen'],
    [{ 'scope.records:read': '' }, 'Choose what it may do'],
    [{ date: '' }, 'Choose a day'],
    [{ date: '2020-01-01' }, 'That day is over'],
    [{ date: inDays(367) }, 'No token lasts longer'],
    [{ id: 'x' }, 'Something is wrong with this form'],
  ])('says what is wrong with %j, and keeps what was typed', async (fields, words) => {
    const visit = await make(fields);
    expect(visit.status).toBe(422);
    expect(visit.html).toContain(words);
    expect(await listed()).toEqual([]);
  });

  it('takes no other resource server, and no incomplete form', async () => {
    expect((await make({ for: 'https://elsewhere.example' })).status).toBe(400);
    expect((await browser.post('/account/tokens/new', {})).status).toBe(422);
  });

  it('offers every resource server that asks about its tokens, one at a time', async () => {
    await server.apply({
      resourceServers: [
        {
          identifier: 'https://photos.example',
          name: 'Photos',
          scopes: [{ name: 'photos:read', description: 'see your photos' }],
        },
        {
          identifier: 'https://jwt.example',
          name: 'Offline',
          accessTokenFormat: 'jwt',
          scopes: [{ name: 'offline:read', description: 'never ask' }],
        },
      ],
      roles: [
        {
          name: 'user',
          scopes: ['records:read', 'records:write', 'blobs:read', 'blobs:write', 'photos:read', 'offline:read'],
        },
      ],
    });
    const { html } = await browser.get(`/account/tokens/new?for=${encodeURIComponent('https://photos.example')}`);
    expect([...html.matchAll(/name="scope\.([^"]*)"/g)].map(([, scope]) => scope)).toEqual(['photos:read']);
    expect(html).not.toContain('Offline');
    await make({ for: 'https://photos.example', 'scope.photos:read': 'on' });
    const { rows } = await server.pool.query('select resource_server, scopes from personal_access_tokens');
    expect(rows).toEqual([{ resource_server: 'https://photos.example', scopes: ['photos:read'] }]);
  });

  it('asks for a fresh sign-in of who signed in long ago', async () => {
    const later = Date.now() + 3600_000;
    const { now } = Date;
    Date.now = () => later;
    try {
      const visit = await browser.get('/account/tokens/new');
      expect(visit.html).toMatch(/action="[^"]*\/sign-in"/);
      await make();
    } finally {
      Date.now = now;
    }
    expect(await listed()).toEqual([]);
  });

  it('makes so many and no more', async () => {
    const { rows } = await server.pool.query(`select account_id from accounts where email = 'alice@example.com'`);
    const token = tokenIn(await make());
    await server.pool.query(
      `insert into personal_access_tokens (id, account_id, name, resource_server, scopes, grant_id, token_slot, token_key, expires_at)
       select gen_random_uuid(), account_id, 'Copy ' || n, resource_server, scopes, grant_id, token_slot, token_key, expires_at
       from personal_access_tokens, generate_series(1, 49) n where account_id = $1`,
      [rows[0].account_id],
    );
    const visit = await make();
    expect(visit.status).toBe(422);
    expect(visit.html).toContain('too many tokens');
    expect((await browser.get('/account/tokens')).html).not.toContain('data-testid="token-new"');
    expect(await introspect(server.issuer, token)).toMatchObject({ active: true });
  });
});

describe('a token that is revoked', () => {
  it('opens nothing any more, at once, and is gone from the list', async () => {
    const token = tokenIn(await make());
    const visit = await browser.post(actionIn(await browser.get('/account/tokens')), {});
    expect(visit.html).toContain('The token was revoked');
    expect(await introspect(server.issuer, token)).toEqual(INACTIVE);
    expect(await listed()).toEqual([]);
    const { rows } = await server.pool.query(
      `select kind from audit_events where kind = 'personal_access_token_revoked'`,
    );
    expect(rows).toHaveLength(1);
  });

  it('is revoked once by two at once', async () => {
    await make();
    const action = actionIn(await browser.get('/account/tokens'));
    await Promise.all([browser.post(action, {}), browser.clone().post(action, {})]);
    const { rows } = await server.pool.query(
      `select kind from audit_events where kind = 'personal_access_token_revoked'`,
    );
    expect(rows).toHaveLength(1);
    expect((await browser.post(action, {})).html).toContain('Nothing was changed');
  });

  it('is nobody else’s to revoke at the console, and anybody’s who has it at the revocation endpoint', async () => {
    const token = tokenIn(await make());
    const guest = await visitorOf(server, { email: 'guest@example.com' });
    await guest.post(actionIn(await browser.get('/account/tokens')), {});
    await guest.post('/account/tokens/../tokens/x/revoke', {});
    const foreign = await browser.post(
      actionIn(await browser.get('/account/tokens')),
      {},
      { 'sec-fetch-site': 'cross-site' },
    );
    expect(foreign.status).toBe(403);
    expect(await introspect(server.issuer, token)).toMatchObject({ active: true });
    expect((await revoke(server.issuer, token, { clientId: 'concierge-personal' })).status).toBe(200);
    expect(await introspect(server.issuer, token)).toEqual(INACTIVE);
    expect(await listed()).toEqual([]);
  });
});

it('nobody can sign in as its client', async () => {
  const requests = [
    { grant_type: 'client_credentials' },
    { grant_type: 'password', username: 'alice@example.com', password: 'correct-horse-battery-staple' },
    { grant_type: 'refresh_token', refresh_token: tokenIn(await make()) },
  ];
  for (const parameters of requests) {
    const { status, body } = await postForm(server.url('/token'), parameters, { clientId: 'concierge-personal' });
    expect([status, body.error]).toEqual([400, 'unauthorized_client']);
  }
  const query = 'client_id=concierge-personal&response_type=code&redirect_uri=https://evil.example';
  expect((await send(server.url(`/auth?${query}`), { headers: { accept: 'text/html' } })).status).toBe(400);
  expect(await introspect(server.issuer, tokenIn(await make()), { clientId: 'concierge-personal' })).toEqual(INACTIVE);
  expect(await introspect(server.issuer, tokenIn(await make()), DEMO_API)).toMatchObject({ active: true });
});

it('those that have expired leave', async () => {
  await make();
  await make({ name: 'Still good' });
  await server.pool.query(
    `update personal_access_tokens set expires_at = now() - interval '1 second' where name = 'Backup'`,
  );
  expect(await listed()).toEqual(['Still good']);
  await server.pool.query(removeEndedPersonalTokens(10));
  const { rows } = await server.pool.query('select name from personal_access_tokens');
  expect(rows).toEqual([{ name: 'Still good' }]);
});
