import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ALL_SCOPES, accountToken, machineToken, startTestApi, type TestApi } from '../testing/start-api.ts';
import { ENDPOINTS } from './endpoints.ts';

/** The callers of this file, and what each of their tokens is like. */
const TOKENS = {
  guest: accountToken('gil', { roles: ['guest'] }),
  'no role': accountToken('nora', { roles: [] }),
  'an unknown role': accountToken('rita', { roles: ['administrator', 'root', 'Admin'] }),
  user: accountToken('alice'),
  'other user': accountToken('bob'),
  admin: accountToken('ada', { roles: ['admin'] }),
  client: machineToken('robot'),
  'client in disguise': machineToken('robot', { sub: 'robot', roles: ['admin'] }),
  'for another audience': accountToken('alice', { aud: 'https://other.example.com' }),
  'without scope': accountToken('ada', { roles: ['admin'], scope: 'openid profile' }),
};
type Caller = 'nobody' | keyof typeof TOKENS;

/** By caller, what becomes of a request for something of Alice's, or for what is everybody's own. */
type Expected = Partial<Record<Caller, number>> & { readonly whoMay: number };

/** Everywhere, whatever else is said. */
const REFUSED: Partial<Record<Caller, number>> = { nobody: 401, 'for another audience': 401, 'without scope': 403 };
const LESSER = ['guest', 'no role', 'an unknown role'] as const;
const all = (callers: readonly Caller[], status: number) => Object.fromEntries(callers.map((one) => [one, status]));

const ONLY_OF_ALICE = all(['other user', 'client', 'client in disguise'], 404);
const NOT_FOR_GUESTS = all(LESSER, 403);

const EXPECTED: Readonly<Record<string, Expected>> = {
  'GET /records': { whoMay: 200 },
  'POST /records': { whoMay: 201, ...NOT_FOR_GUESTS },
  'GET /records/:id': { whoMay: 200, ...ONLY_OF_ALICE, ...all(LESSER, 404) },
  'PUT /records/:id': { whoMay: 200, ...ONLY_OF_ALICE, ...NOT_FOR_GUESTS },
  'DELETE /records/:id': { whoMay: 204, ...ONLY_OF_ALICE, ...NOT_FOR_GUESTS },
  'POST /blobs': { whoMay: 201, ...NOT_FOR_GUESTS },
  'GET /blobs/:id': { whoMay: 200, ...ONLY_OF_ALICE, ...all(LESSER, 404) },
  'GET /reports': { whoMay: 200, ...NOT_FOR_GUESTS },
  'POST /reports/:name/run': { whoMay: 200, ...NOT_FOR_GUESTS },
  'GET /admin/owners': {
    whoMay: 200,
    ...all([...LESSER, 'user', 'other user', 'client', 'client in disguise'], 403),
  },
  'GET /whoami': { whoMay: 200, 'without scope': 200 },
};

const CALLERS = ['nobody', ...Object.keys(TOKENS)] as readonly Caller[];

let api: TestApi;
const ofAlice = { record: '', blob: '' };
beforeAll(async () => {
  api = await startTestApi();
  for (const [name, token] of Object.entries(TOKENS)) {
    api.issuer.answer(name.replaceAll(' ', '-'), token);
  }
});
afterAll(() => api.stop());
beforeEach(async () => {
  ofAlice.record = await create('/records', { json: { title: 'Of Alice', body: 'Hers' } });
  ofAlice.blob = await create('/blobs', { body: 'hers' });
});

async function create(path: string, content: object): Promise<string> {
  const response = await api.call('user', path, { method: 'POST', ...content });
  return ((await response.json()) as { id: string }).id;
}

function request(endpoint: string, caller: Caller): Promise<Response> {
  const [method = '', route = ''] = endpoint.split(' ');
  const id = route.startsWith('/blobs') ? ofAlice.blob : ofAlice.record;
  const path = route.replace(':id', id).replace(':name', 'longest-records');
  const json = route.startsWith('/records') ? { title: 'New', body: '' } : {};
  const body = method === 'POST' || method === 'PUT' ? { json } : {};
  const headers = caller === 'nobody' ? { authorization: '' } : {};
  return api.call(caller.replaceAll(' ', '-'), path, { method, ...body, headers });
}

it('says of every endpoint what becomes of every caller', () => {
  expect(Object.keys(EXPECTED)).toEqual(Object.keys(ENDPOINTS));
});

describe.each(Object.keys(EXPECTED))('C83: %s', (endpoint) => {
  const { whoMay, ...others } = EXPECTED[endpoint] as Expected;

  it.each(CALLERS.map((caller) => [caller, { ...REFUSED, ...others }[caller] ?? whoMay] as const))(
    'for %s is %i',
    async (caller, status) => {
      const response = await request(endpoint, caller);
      expect(response.status).toBe(status);
      const answer = await response.text();
      if (status === 403) {
        const error = caller === 'without scope' ? 'insufficient_scope' : 'insufficient_role';
        expect(JSON.parse(answer)).toMatchObject({ error });
      }
      if (status >= 400) {
        expect(answer).not.toMatch(/Of Alice|Hers|hers/);
      }
    },
  );
});

it('C83: names the scopes that a token lacks, all of those that the endpoint takes, and no more than these', async () => {
  api.issuer.answer('half', accountToken('ada', { roles: ['admin'], scope: 'records:read' }));
  const response = await api.call('half', '/admin/owners');
  expect(response.status).toBe(403);
  expect(response.headers.get('www-authenticate')).toContain('scope="records:read blobs:read"');
  expect(((await response.json()) as { error_description: string }).error_description).toContain('blobs:read');
});

it('takes the role from the authorization server alone, at every request', async () => {
  const claims = { roles: ['admin'], role: 'admin', is_admin: true };
  const query = `?${new URLSearchParams({ role: 'admin', roles: 'admin', as: 'ada' })}`;
  const headers = { 'x-role': 'admin', 'x-roles': 'admin', cookie: 'role=admin; roles=admin' };
  expect((await api.call('user', `/admin/owners${query}`, { headers })).status).toBe(403);
  const path = '/reports/longest-records/run';
  expect((await api.call('user', path, { method: 'POST', json: claims, headers })).status).toBe(400);
  api.issuer.answer('promoted', accountToken('alice'));
  expect((await api.call('promoted', '/admin/owners')).status).toBe(403);
  api.issuer.answer('promoted', accountToken('alice', { roles: ['user', 'admin'] }));
  expect((await api.call('promoted', '/admin/owners')).status).toBe(200);
});

it('counts for an administrator what everybody keeps, and what is being uploaded for nobody', async () => {
  const { owners } = (await (await api.call('admin', '/admin/owners')).json()) as { owners: { owner: object }[] };
  const alice = owners.filter(({ owner }) => JSON.stringify(owner) === '{"kind":"account","sub":"alice"}');
  expect(alice).toEqual([
    {
      owner: { kind: 'account', sub: 'alice' },
      records: expect.any(Number),
      blobs: expect.any(Number),
      bytes: expect.any(Number),
      latest: expect.stringMatching(/^\d{4}-.*Z$/),
    },
  ]);
  expect(owners.map(({ owner }) => owner)).toContainEqual({ kind: 'client', client_id: 'robot' });
  expect(JSON.stringify(owners)).not.toContain('gil');
});

it('tells its endpoints with their rules to whoever opens its address', async () => {
  const { endpoints } = (await (await fetch(api.url)).json()) as { endpoints: object[] };
  expect(endpoints).toHaveLength(Object.keys(ENDPOINTS).length);
  expect(endpoints).toContainEqual({
    method: 'POST',
    path: '/reports/:name/run',
    scope: 'reports:run',
    callers: ['user', 'admin', 'client'],
    does: expect.any(String),
  });
  const { scopes_supported } = (await (await fetch(`${api.url}/.well-known/oauth-protected-resource`)).json()) as {
    scopes_supported: string[];
  };
  expect(scopes_supported).toEqual(ALL_SCOPES.split(' ').sort());
});
