import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPool } from '../../database/connect.ts';
import { BlobStore } from '../storage/blobs.ts';
import { accountToken, BLOB_LIMIT, machineToken, startTestApi, type TestApi } from '../testing/start-api.ts';

let api: TestApi;
let database: pg.Client;
beforeAll(async () => {
  api = await startTestApi();
  api.issuer.answer('alice', accountToken('alice'));
  api.issuer.answer('bob', accountToken('bob'));
  api.issuer.answer('admin', accountToken('root', { roles: ['admin'] }));
  api.issuer.answer('namesake', machineToken('alice'));
  database = new pg.Client({ connectionString: api.databaseUrl });
  await database.connect();
});
afterAll(async () => {
  await database.end();
  await api.stop();
});

const upload = (body: BodyInit, type = 'application/octet-stream') =>
  api.call('alice', '/blobs', { method: 'POST', body, headers: { 'content-type': type } });

async function storedRows(): Promise<number[]> {
  const { rows } = await database.query(
    'select (select count(*)::int from blobs) as blobs, (select count(*)::int from blob_chunks) as chunks',
  );
  return [rows[0].blobs, rows[0].chunks];
}

/** In pieces, without a Content-Length. */
const streamOf = (bytes: Buffer) =>
  new ReadableStream({
    start(controller) {
      for (let start = 0; start < bytes.length; start += 50_000) {
        controller.enqueue(bytes.subarray(start, start + 50_000));
      }
      controller.close();
    },
  });

it.each([0, 1, 256 * 1024, BLOB_LIMIT - 1, BLOB_LIMIT])('stores %i bytes and gives them back', async (size) => {
  const bytes = randomBytes(size);
  const created = await upload(bytes, 'image/png');
  expect(created.status).toBe(201);
  const { id, ...blob } = (await created.json()) as { id: string };
  expect(created.headers.get('location')).toBe(`/blobs/${id}`);
  expect(blob).toMatchObject({ content_type: 'image/png', size, owner: { kind: 'account', sub: 'alice' } });

  const found = await api.call('alice', `/blobs/${id}`);
  expect(found.status).toBe(200);
  expect(found.headers.get('content-length')).toBe(String(size));
  expect(Buffer.compare(Buffer.from(await found.arrayBuffer()), bytes)).toBe(0);
});

it('takes a stream whose length nobody announced', async () => {
  const bytes = randomBytes(700_000);
  const created = await api.call('alice', '/blobs', {
    method: 'POST',
    body: streamOf(bytes),
    duplex: 'half',
  } as object);
  expect(created.status).toBe(201);
  const found = await api.call('alice', created.headers.get('location') ?? '');
  expect(found.headers.get('content-type')).toBe('application/octet-stream');
  expect(Buffer.compare(Buffer.from(await found.arrayBuffer()), bytes)).toBe(0);
});

it('answers HEAD without the bytes', async () => {
  const { id } = (await (await upload('hello')).json()) as { id: string };
  const response = await api.call('alice', `/blobs/${id}`, { method: 'HEAD' });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-length')).toBe('5');
});

it('C94: serves what somebody uploaded as HTML as a download, in a sandbox, unsniffed', async () => {
  const { id } = (await (await upload('<script>alert(1)</script>', 'text/html; charset=utf-8')).json()) as {
    id: string;
  };
  const { headers } = await api.call('alice', `/blobs/${id}`);
  expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(headers.get('content-disposition')).toBe('attachment');
  expect(headers.get('content-security-policy')).toContain('sandbox');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('cache-control')).toBe('no-store');
});

it('C36: keeps blobs to their owner and to administrators', async () => {
  const { id } = (await (await upload('mine')).json()) as { id: string };
  expect((await api.call('bob', `/blobs/${id}`)).status).toBe(404);
  expect((await api.call('namesake', `/blobs/${id}`)).status).toBe(404);
  expect(await (await api.call('admin', `/blobs/${id}`)).text()).toBe('mine');
});

describe('C101: an upload', () => {
  it('is refused with 413 when it announces too much, and nothing is stored', async () => {
    const before = await storedRows();
    expect((await upload(randomBytes(BLOB_LIMIT + 1))).status).toBe(413);
    expect(await storedRows()).toEqual(before);
  });

  it('is refused with 413 when it grows too large, and nothing is stored', async () => {
    const before = await storedRows();
    const body = streamOf(randomBytes(BLOB_LIMIT + 1));
    const response = await api.call('alice', '/blobs', { method: 'POST', body, duplex: 'half' } as object);
    expect(response.status).toBe(413);
    expect(await storedRows()).toEqual(before);
  });

  it('hears its refusal and is cut off when it goes on sending', async () => {
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    let answer = '';
    socket.setEncoding('utf8').on('data', (data) => {
      answer += data;
    });
    socket.write(
      'POST /blobs HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer alice\r\nContent-Length: 99999999999\r\n\r\nx',
    );
    await once(
      socket.on('error', () => undefined),
      'close',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('leaves nothing behind when its sender hangs up', async () => {
    const before = await storedRows();
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    socket.write('POST /blobs HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer alice\r\nContent-Length: 900000\r\n\r\n');
    socket.write(randomBytes(600_000));
    await expect.poll(storedRows).not.toEqual(before);
    expect((await upload('others are served meanwhile')).status).toBe(201);
    socket.destroy();
    await expect.poll(storedRows).toEqual([(before[0] ?? 0) + 1, (before[1] ?? 0) + 1]);
  });
});

it.each([
  ['nonsense', 400],
  [`text/plain; x=${'y'.repeat(300)}`, 400],
  ['application/x-www-form-urlencoded', 415],
  ['multipart/form-data; boundary=x', 415],
])('refuses the Content-Type %s with %i', async (type, status) => {
  expect((await upload('x', type)).status).toBe(status);
});

it('refuses a Content-Encoding', async () => {
  const headers = { 'content-encoding': 'gzip' };
  expect((await api.call('alice', '/blobs', { method: 'POST', body: 'x', headers })).status).toBe(415);
});

it.each(['6f1b2c9e-3a52-4f4e-9b69-0c8d0a3b6d11', 'x', '%00'])('answers 404 for the id %s', async (id) => {
  expect((await api.call('alice', `/blobs/${id}`)).status).toBe(404);
});

it('forgets the uploads that a crash cut off, and no other', async () => {
  const { id } = (await (await upload('complete')).json()) as { id: string };
  const insert = `insert into blobs (owner_kind, owner_id, content_type, created_at)
    values ('account', 'alice', 'text/plain', now() - $1::interval) returning id`;
  const [abandoned, running] = await Promise.all(
    ['2 hours', '1 minute'].map(async (age) => (await database.query<{ id: string }>(insert, [age])).rows[0]?.id),
  );
  expect((await api.call('alice', `/blobs/${running}`)).status).toBe(404);
  const pool = createPool({ url: api.databaseUrl, max: 1, applicationName: 'test' });
  await new BlobStore(pool).deleteAbandoned();
  await pool.end();
  const { rows } = await database.query<{ id: string }>('select id from blobs where id = any($1)', [
    [id, abandoned, running],
  ]);
  expect(rows.map((row) => row.id).sort()).toEqual([id, running].sort());
});
