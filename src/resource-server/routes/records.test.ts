import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountToken, machineToken, startTestApi, type TestApi } from '../testing/start-api.ts';

interface Record {
  id: string;
  title: string;
  owner: object;
}

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  api.issuer.answer('alice', accountToken('alice', { roles: ['user'] }));
  api.issuer.answer('bob', accountToken('bob', { roles: ['user'] }));
  api.issuer.answer('admin', accountToken('root', { roles: ['admin'] }));
  api.issuer.answer('robot', machineToken('robot'));
});
afterAll(() => api.stop());

const UNKNOWN = '6f1b2c9e-3a52-4f4e-9b69-0c8d0a3b6d11';

async function create(token: string, content: object = { title: 'Title', body: 'Body' }): Promise<Record> {
  const response = await api.call(token, '/records', { method: 'POST', json: content });
  expect(response.status).toBe(201);
  return (await response.json()) as Record;
}

async function idsOf(token: string, query = '?limit=100'): Promise<string[]> {
  const { records } = (await (await api.call(token, `/records${query}`)).json()) as { records: Record[] };
  return records.map(({ id }) => id);
}

it('creates, shows, replaces and deletes a record', async () => {
  const response = await api.call('alice', '/records', { method: 'POST', json: { title: 'First', body: '' } });
  expect(response.status).toBe(201);
  const record = (await response.json()) as Record;
  const path = `/records/${record.id}`;
  expect(response.headers.get('location')).toBe(path);
  expect(record).toEqual({
    id: expect.any(String),
    title: 'First',
    body: '',
    owner: { kind: 'account', sub: 'alice' },
    created_at: expect.stringMatching(/Z$/),
    updated_at: expect.stringMatching(/Z$/),
  });
  expect(await (await api.call('alice', path)).json()).toEqual(record);

  const replaced = await api.call('alice', path, { method: 'PUT', json: { title: 'Second', body: 'More' } });
  expect(replaced.status).toBe(200);
  expect(await replaced.json()).toMatchObject({ id: record.id, title: 'Second', body: 'More' });

  const deleted = await api.call('alice', path, { method: 'DELETE' });
  expect(deleted.status).toBe(204);
  expect(await deleted.text()).toBe('');
  expect((await api.call('alice', path)).status).toBe(404);
  expect((await api.call('alice', path, { method: 'DELETE' })).status).toBe(404);
});

describe('the records of others', () => {
  it.each(['bob', 'robot'])('do not exist for %s', async (token) => {
    const { id } = await create('alice');
    const json = { title: 'Mine now', body: '' };
    expect((await api.call(token, `/records/${id}`)).status).toBe(404);
    expect((await api.call(token, `/records/${id}`, { method: 'PUT', json })).status).toBe(404);
    expect((await api.call(token, `/records/${id}`, { method: 'DELETE' })).status).toBe(404);
    expect(await idsOf(token)).not.toContain(id);
    expect(await (await api.call('alice', `/records/${id}`)).json()).toMatchObject({ title: 'Title' });
  });

  it('are open to an administrator, and stay with their owner', async () => {
    const { id } = await create('alice');
    expect(await idsOf('admin')).toContain(id);
    const json = { title: 'Moderated', body: '' };
    const replaced = await api.call('admin', `/records/${id}`, { method: 'PUT', json });
    expect(await replaced.json()).toMatchObject({ title: 'Moderated', owner: { kind: 'account', sub: 'alice' } });
    expect(await (await api.call('alice', `/records/${id}`)).json()).toMatchObject({ title: 'Moderated' });
    expect((await api.call('admin', `/records/${id}`, { method: 'DELETE' })).status).toBe(204);
  });
});

describe('C36: a client whose id equals the sub of an account', () => {
  it('has records of its own', async () => {
    api.issuer.answer('namesake', machineToken('alice'));
    const ofAccount = await create('alice');
    const ofClient = await create('namesake');
    expect(ofClient.owner).toEqual({ kind: 'client', client_id: 'alice' });
    expect((await api.call('namesake', `/records/${ofAccount.id}`)).status).toBe(404);
    expect((await api.call('alice', `/records/${ofClient.id}`)).status).toBe(404);
    expect(await idsOf('namesake')).toEqual([ofClient.id]);
  });

  it('is no account either when the authorization server calls it sub', async () => {
    api.issuer.answer('rfc9068', machineToken('alice', { sub: 'alice', roles: ['admin'] }));
    const ofAccount = await create('alice');
    expect((await api.call('rfc9068', `/records/${ofAccount.id}`)).status).toBe(404);
  });

  it('is no administrator, whatever roles a client is said to have', async () => {
    api.issuer.answer('powerful', machineToken('powerful', { roles: ['admin'] }));
    await create('alice');
    expect(await idsOf('powerful')).toEqual([]);
  });
});

describe('the list', () => {
  it('is read page by page, newest first, whatever is added meanwhile', async () => {
    api.issuer.answer('carol', accountToken('carol'));
    const created = [];
    for (let n = 0; n < 5; n += 1) {
      created.unshift((await create('carol')).id);
    }
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query = cursor === null ? '?limit=2' : `?limit=2&cursor=${cursor}`;
      const page = (await (await api.call('carol', `/records${query}`)).json()) as {
        records: Record[];
        next_cursor: string | null;
      };
      seen.push(...page.records.map(({ id }) => id));
      cursor = page.next_cursor;
      await create('carol');
    } while (cursor !== null);
    expect(seen).toEqual(created);
  });

  it.each([
    'limit=0',
    'limit=101',
    'limit=-1',
    'limit=ten',
    'limit=1e1',
    'limit=',
    'limit=1&limit=2',
    'limit[]=1',
    'cursor=0',
    'cursor=x',
    `cursor=${'9'.repeat(40)}`,
    'cursor=1;drop%20table%20records',
    'cursor=%00',
  ])('answers 400 or the page to ?%s, and never fails', async (query) => {
    const response = await api.call('alice', `/records?${query}`);
    expect(response.status).toBe(query === 'limit[]=1' ? 200 : 400);
  });
});

describe('a body that is none', () => {
  const send = (body: BodyInit, type = 'application/json') =>
    api.call('alice', '/records', { method: 'POST', body, headers: { 'content-type': type } });

  it.each([
    ['not JSON', 'title'],
    ['JSON that breaks off', '{"title":'],
    ['not UTF-8', Buffer.from('7b227469746c65223a22ff227d', 'hex')],
    ['null', 'null'],
    ['a list', '[]'],
    ['nothing', ''],
    ['without a body', '{"title":"a"}'],
    ['an empty title', '{"title":"","body":""}'],
    ['a title too long', JSON.stringify({ title: 'x'.repeat(201), body: '' })],
    ['a body too long', JSON.stringify({ title: 'x', body: 'x'.repeat(10_001) })],
    ['a title that is a number', '{"title":1,"body":""}'],
    ['NUL in the title', '{"title":"a\\u0000b","body":""}'],
    ['half a surrogate pair in the body', '{"title":"a","body":"\\ud800"}'],
    ['C81: an owner of its own choice', '{"title":"a","body":"","owner":{"kind":"account","sub":"bob"}}'],
    ['C81: an id', `{"title":"a","body":"","id":"${UNKNOWN}"}`],
    ['C84: an access token', '{"title":"a","body":"","access_token":"alice"}'],
    ['a prototype', '{"title":"a","body":"","__proto__":{"admin":true}}'],
    ['C103: a deep nest', `${'['.repeat(30_000)}${']'.repeat(30_000)}`],
  ])('is refused with 400 when it is %s', async (_, body) => {
    const response = await send(body);
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: 'invalid_request', error_description: expect.any(String) });
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
    '',
  ])('is refused with 415 when its type is %j', async (type) => {
    expect((await send('{"title":"a","body":""}', type)).status).toBe(415);
  });

  it('C101: is refused with 413 as soon as it proves too large', async () => {
    expect((await send(JSON.stringify({ title: 'x', body: 'x'.repeat(200_000) }))).status).toBe(413);
  });
});

it('stores every text as it is', async () => {
  for (const title of ["'; drop table records; --", '\u{1f469}‍\u{1f680} \r\n\t"\\', '$1 %s :id ?', '<script>']) {
    const { id } = await create('alice', { title, body: title });
    expect(await (await api.call('alice', `/records/${id}`)).json()).toMatchObject({ title, body: title });
  }
});

it.each([UNKNOWN, '1', 'x', '%00', '%ff', '..%2f..', "'%20or%20'1'='1", `${UNKNOWN}0`, 'a'.repeat(2_000)])(
  'answers 404 for the id %s',
  async (id) => {
    for (const options of [{}, { method: 'DELETE' }, { method: 'PUT', json: { title: 'a', body: '' } }]) {
      const response = await api.call('alice', `/records/${id}`, options);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ error: 'not_found' });
    }
  },
);
