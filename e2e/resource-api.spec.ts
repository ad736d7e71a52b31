import type { APIRequestContext } from '@playwright/test';
import { createPkce, tokensOf } from '../src/testing/relying-party.ts';
import { RESOURCE_API } from './addresses.ts';
import { ADMIN, ALICE, answerAt, GUEST, type Person, signInAndApprove, web } from './steps.ts';
import { expect, test } from './test.ts';

const SCOPE = 'openid profile email records:read records:write reports:run';
const NOTE = { title: 'A note', body: 'Nobody else’s business.' };

interface StoredNote {
  readonly id: string;
  readonly title: string;
}

/** Calls the API as whoever the access token speaks for. */
function apiOf(request: APIRequestContext, accessToken: string) {
  const headers = { authorization: `Bearer ${accessToken}` };
  return {
    get: (path: string) => request.get(RESOURCE_API + path, { headers }),
    create: () => request.post(`${RESOURCE_API}/records`, { headers, data: NOTE }),
    run: (report: string) => request.post(`${RESOURCE_API}/reports/${report}/run`, { headers, data: {} }),
  };
}

/** Through request-level sign-in: the one that the browser does is in the first test. */
async function tokenOf(person: Person): Promise<string> {
  return (await web.obtainTokens({ scope: SCOPE }, person)).access_token;
}

test('takes the token that a sign-in in the browser has led to', async ({ page, request }) => {
  const pkce = createPkce();
  await signInAndApprove(page, web.authorizationUrl({ scope: SCOPE }, pkce));
  const code = (await answerAt(page)).searchParams.get('code') ?? '';
  const { access_token } = tokensOf(await web.exchange({ code, verifier: pkce.verifier }));
  const api = apiOf(request, access_token);
  const who = await (await api.get('/whoami')).json();
  expect(who).toMatchObject({ username: ALICE.email, name: ALICE.name, roles: ['user'], client_id: 'demo-web' });
  const created = await api.create();
  expect(created.status()).toBe(201);
  const { id } = (await created.json()) as StoredNote;
  expect((await api.get(`/records/${id}`)).status()).toBe(200);
  const { records } = (await (await api.get('/records')).json()) as { records: StoredNote[] };
  expect(records.map((record) => record.id)).toContain(id);
});

test('keeps the records of one account from another, and shows everyone’s to an administrator', async ({ request }) => {
  const alice = apiOf(request, await tokenOf(ALICE));
  const guest = apiOf(request, await tokenOf(GUEST));
  const admin = apiOf(request, await tokenOf(ADMIN));
  const { id } = (await (await alice.create()).json()) as StoredNote;
  expect((await guest.get(`/records/${id}`)).status()).toBe(404);
  expect((await admin.get(`/records/${id}`)).status()).toBe(200);
  const { records } = (await (await admin.get('/records')).json()) as { records: StoredNote[] };
  expect(records.map((record) => record.id)).toContain(id);
});

test('C83: a guest may read, and is told which scope writing takes', async ({ request }) => {
  const guest = apiOf(request, await tokenOf(GUEST));
  expect((await guest.get('/records')).status()).toBe(200);
  const refused = await guest.create();
  expect(refused.status()).toBe(403);
  expect(await refused.json()).toMatchObject({ error: 'insufficient_scope' });
  expect(refused.headers()['www-authenticate']).toMatch(/error="insufficient_scope".*scope="records:write"/);
});

test('runs reports over what is theirs for whoever may, and for no guest', async ({ request }) => {
  const alice = apiOf(request, await tokenOf(ALICE));
  const { id } = (await (await alice.create()).json()) as StoredNote;
  const ran = await alice.run('recent-changes');
  expect(ran.status()).toBe(200);
  const { rows } = (await ran.json()) as { rows: unknown[][] };
  expect(rows.map(([record]) => record)).toContain(id);
  const guest = apiOf(request, await tokenOf(GUEST));
  const refused = await guest.run('recent-changes');
  expect(refused.status()).toBe(403);
  expect(refused.headers()['www-authenticate']).toMatch(/error="insufficient_scope".*scope="reports:run"/);
  expect((await guest.get('/admin/owners')).status()).toBe(403);
});

test('C84: no token, no entry', async ({ request }) => {
  const refused = await request.get(`${RESOURCE_API}/records`);
  expect(refused.status()).toBe(401);
  expect(refused.headers()['www-authenticate']).toMatch(/^Bearer /);
  expect(refused.headers()['www-authenticate']).not.toContain('error=');
});
