import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { createReceiver } from '../../testing/event-stream.ts';
import { basicAuth, DEMO_API, DEMO_SPA, DEMO_WEB, send } from '../../testing/relying-party.ts';
import { createEventStreams } from '../storage/event-streams.ts';
import { removeAbandonedStreams, removeOldEvents } from '../storage/security-events.ts';

const RISC = 'https://schemas.openid.net/secevent/risc/event-type';
const VERIFICATION = 'https://schemas.openid.net/secevent/ssf/event-type/verification';
const OTHER_API = { clientId: 'ledger-api', secret: 'ledger-api-secret' };

let server: TestServer;
let otherNode: string;
beforeAll(async () => {
  server = await startTestServer();
  otherNode = await server.addNode();
  await server.apply({
    resourceServers: [{ identifier: 'https://ledger.example', name: 'Ledger', scopes: [] }],
    clients: [
      {
        client_id: OTHER_API.clientId,
        client_secret: OTHER_API.secret,
        grant_types: [],
        resource_server: 'https://ledger.example',
      },
    ],
  });
});
afterAll(() => server.stop());
beforeEach(() => server.pool.query('delete from event_streams'));

const receiver = (client = DEMO_API, node = server.issuer) => createReceiver(server.issuer, client, node);
const event = (kind: string, name = '') =>
  server.pool.query('insert into security_events (kind, account_id) values ($1, $2)', [kind, name]);

/** As RFC 8936 polls wait: what arrives, and when. */
async function wait(address: string, headers: Record<string, string>) {
  const request = httpRequest(address, { method: 'POST', headers });
  request.end('{}');
  const [response] = await once(request, 'response');
  const [first] = await once(response.setEncoding('utf8'), 'data');
  let rest = '';
  response.on('data', (chunk: string) => {
    rest += chunk;
  });
  const ended = once(response, 'end').then(
    () => 'ended',
    () => 'broken',
  );
  return { status: response.statusCode, first, request, ended, text: () => rest };
}

describe('a transmitter of the Shared Signals Framework 1.0', () => {
  it('describes itself (§7.1)', async () => {
    const { status, body, headers } = await send(server.url('/.well-known/ssf-configuration'));
    expect(status).toBe(200);
    expect(headers.get('etag')).not.toBeNull();
    expect(body).toEqual({
      spec_version: '1_0',
      issuer: server.issuer,
      jwks_uri: server.url('/jwks'),
      delivery_methods_supported: ['urn:ietf:rfc:8936'],
      configuration_endpoint: server.url('/ssf/streams'),
      status_endpoint: server.url('/ssf/status'),
      verification_endpoint: server.url('/ssf/verify'),
      authorization_schemes: [{ spec_urn: 'urn:ietf:rfc:7617' }],
      default_subjects: 'ALL',
    });
  });

  it('makes, shows, changes and deletes a stream (§8.1.1)', async () => {
    const { ask } = receiver();
    const wanted = { delivery: { method: 'urn:ietf:rfc:8936' }, events_requested: [`${RISC}/account-disabled`, 'x:y'] };
    const { status, body } = await ask('POST', '/ssf/streams', { ...wanted, description: 'one' });
    expect(status).toBe(201);
    const stream_id = String(body.stream_id);
    expect(body).toMatchObject({
      iss: server.issuer,
      aud: 'http://localhost:3001',
      delivery: { method: 'urn:ietf:rfc:8936', endpoint_url: server.url(`/ssf/poll?stream_id=${stream_id}`) },
      events_requested: wanted.events_requested,
      events_delivered: [`${RISC}/account-disabled`],
      description: 'one',
    });
    const one = `/ssf/streams?stream_id=${stream_id}`;
    expect((await ask('GET', one)).body).toEqual(body);
    expect((await ask('GET', '/ssf/streams')).body).toEqual([body]);
    expect((await ask('PATCH', '/ssf/streams', { stream_id, description: 'two' })).body).toEqual({
      ...body,
      description: 'two',
    });
    const replaced = (await ask('PUT', '/ssf/streams', { stream_id })).body;
    expect(replaced).not.toHaveProperty('description');
    expect(replaced.events_delivered).toEqual(replaced.events_supported);
    expect((await ask('DELETE', one)).status).toBe(204);
    expect((await ask('DELETE', one)).status).toBe(404);
    expect((await ask('GET', one)).status).toBe(404);
  });

  it('delivers what was asked for, pauses, and goes on (§8.1.2)', async () => {
    const { ask, open } = receiver();
    const { id: stream_id, events } = await open({ events_requested: [`${RISC}/account-disabled`] });
    await event('account-changed', 'a');
    await event('account-disabled', 'b');
    expect(await events()).toMatchObject([{ uri: `${RISC}/account-disabled`, subject: { sub: 'b' } }]);
    const status = (said: object) => ask('POST', '/ssf/status', { stream_id, ...said });
    expect((await status({ status: 'paused', reason: 'night' })).body).toEqual({
      stream_id,
      status: 'paused',
      reason: 'night',
    });
    await event('account-disabled', 'c');
    expect(await events()).toEqual([]);
    await status({ status: 'enabled' });
    expect((await ask('GET', `/ssf/status?stream_id=${stream_id}`)).body).toEqual({ stream_id, status: 'enabled' });
    expect(await events()).toMatchObject([{ subject: { sub: 'c' } }]);
    await status({ status: 'disabled' });
    await event('account-disabled', 'd');
    await status({ status: 'enabled' });
    await event('account-disabled', 'e');
    expect(await events()).toMatchObject([{ subject: { sub: 'e' } }]);
  });

  it('verifies a stream, and that one only (§8.1.4)', async () => {
    const { ask, open } = receiver();
    const [one, other] = [await open(), await open()];
    const verify = () => ask('POST', '/ssf/verify', { stream_id: one.id, state: 'a-state' });
    expect((await verify()).status).toBe(204);
    expect(await one.events()).toMatchObject([
      { uri: VERIFICATION, subject: { format: 'opaque', id: one.id }, details: { state: 'a-state' } },
    ]);
    expect(await other.events()).toEqual([]);
    const again = await verify();
    expect([again.status, again.headers.get('retry-after')]).toEqual([429, '10']);
  });
});

describe('who may receive', () => {
  it('C44: a client of a resource server, with its secret', async () => {
    const { id } = await receiver().open();
    for (const path of ['/ssf/streams', `/ssf/poll?stream_id=${id}`, '/ssf/verify', '/ssf/status']) {
      const attempt = (authorization?: string) =>
        send(server.url(path), { method: 'POST', ...(authorization && { headers: { authorization } }) });
      const wrong = [undefined, 'Basic', 'Basic !', 'Bearer x', basicAuth(DEMO_API.clientId, 'wrong')];
      for (const authorization of [
        ...wrong,
        basicAuth('nobody', 'x'),
        basicAuth(DEMO_SPA.clientId, ''),
        basicAuth('a\0', 'x'),
      ]) {
        const { status, headers, body } = await attempt(authorization);
        expect([status, body.err]).toEqual([401, 'authentication_failed']);
        expect(headers.get('www-authenticate')).toBe(`Basic realm="${server.issuer}"`);
      }
      expect((await attempt(basicAuth(DEMO_WEB.clientId, DEMO_WEB.secret))).status).toBe(403);
    }
  });

  it('C38: nobody the streams of another', async () => {
    const { id: stream_id } = await receiver().open();
    const { ask } = receiver(OTHER_API);
    const query = `?stream_id=${stream_id}`;
    const attempts = await Promise.all([
      ask('GET', `/ssf/streams${query}`),
      ask('DELETE', `/ssf/streams${query}`),
      ask('PATCH', '/ssf/streams', { stream_id }),
      ask('PUT', '/ssf/streams', { stream_id }),
      ask('GET', `/ssf/status${query}`),
      ask('POST', '/ssf/status', { stream_id, status: 'disabled' }),
      ask('POST', '/ssf/verify', { stream_id }),
      ask('POST', `/ssf/poll${query}`, { returnImmediately: true }),
      ask('POST', `/ssf/poll${query}`, {}),
    ]);
    expect(new Set(attempts.map(({ status }) => status))).toEqual(new Set([404]));
    expect((await ask('GET', '/ssf/streams')).body).toEqual([]);
    expect((await receiver().ask('GET', `/ssf/status${query}`)).body.status).toBe('enabled');
  });

  it('no more streams than a client can use; those that nobody polls make room', async () => {
    await server.pool.query(
      `insert into event_streams (client_id, position) select 'demo-api', 0 from generate_series(1, 200)`,
    );
    expect((await receiver().ask('POST', '/ssf/streams', {})).status).toBe(409);
    await server.pool.query(
      `update event_streams set seen_at = now() - interval '6 minutes' where id in (select id from event_streams limit 3)`,
    );
    await receiver().open();
    expect((await server.pool.query('select from event_streams')).rowCount).toBe(198);
  });

  it('C89: nonsense is refused, and never an error of ours', async () => {
    const { id: stream_id, address } = await receiver().open();
    const { ask, headers } = receiver();
    const attempts = await Promise.all([
      ask('POST', '/ssf/streams', { delivery: { method: 'urn:ietf:rfc:8935', endpoint_url: 'https://x.example' } }),
      ask('POST', '/ssf/streams', { events_requested: 'all' }),
      ask('POST', '/ssf/streams', { description: 'a\0b' }),
      ask('POST', '/ssf/streams', { events_requested: ['\0'] }),
      ask('POST', '/ssf/status', { stream_id, status: 'broken' }),
      ask('POST', '/ssf/status', { stream_id, status: 'paused', reason: '\0' }),
      ask('POST', '/ssf/verify', { stream_id, state: '\0' }),
      ask('POST', '/ssf/verify', { stream_id: 'x', state: 1 }),
      ask('POST', address, { maxEvents: -1 }),
      ask('POST', address, { ack: 'x' }),
      send(address, { method: 'POST', headers, body: '{' }),
      send(address, { method: 'POST', headers, body: '[]' }),
      send(address, { method: 'POST', headers: { authorization: headers.authorization }, body: '{}' }),
    ]);
    expect(attempts.map(({ status, body }) => [status, typeof body.err])).toEqual(attempts.map(() => [400, 'string']));
    expect((await ask('POST', '/ssf/poll?stream_id=x', {})).status).toBe(404);
    expect((await ask('POST', '/ssf/poll', {})).status).toBe(404);
    expect((await ask('GET', '/ssf/poll')).status).toBe(405);
    const long = { ack: ['x'.repeat(60_000)] };
    expect((await ask('POST', address, long)).status).toBe(413);
  });
});

describe('polls (RFC 8936)', () => {
  it('tell events again until they are acknowledged, and those before what is missing stay', async () => {
    const { poll } = await receiver().open();
    for (const name of ['a', 'b', 'c']) {
      await event('account-changed', name);
    }
    const ask = async (request: object) => (await poll({ returnImmediately: true, ...request })).body as never as Told;
    const first = await ask({ maxEvents: 2 });
    expect([Object.keys(first.sets).length, first.moreAvailable]).toEqual([2, true]);
    const all = Object.keys((await ask({})).sets);
    expect(all.length).toBe(3);
    expect(Object.keys((await ask({ ack: [all[1]] })).sets)).toEqual([all[0], all[2]]);
    const left = await ask({ ack: [all[0], all[1]], setErrs: { 'no-such': { err: 'x' } } });
    expect(Object.keys(left.sets)).toEqual([all[2]]);
    expect(await ask({ setErrs: { [all[2] as string]: { err: 'jwtParse', description: 'x' } } })).toEqual({ sets: {} });
    expect(await ask({})).toEqual({ sets: {} });
  });

  it('go through more events than are read at once', async () => {
    const { events } = await receiver().open();
    await server.pool.query(
      `insert into security_events (kind, account_id, stream_id) select 'verification', null, gen_random_uuid() from generate_series(1, 450)`,
    );
    await event('account-changed', 'last');
    expect(await events()).toMatchObject([{ subject: { sub: 'last' } }]);
  });

  it('wait with signs of life, and tell at once what another node has committed', async () => {
    const { address } = await receiver().open();
    const { headers } = receiver();
    const waiting = await wait(address, headers);
    expect([waiting.status, waiting.first.trim()]).toEqual([200, '']);
    await expect.poll(() => waiting.text()).toMatch(/^ {2,}$/);
    const { ask } = receiver(DEMO_API, otherNode);
    await ask('POST', '/ssf/verify', { stream_id: address.split('=')[1] });
    expect(await waiting.ended).toBe('ended');
    expect(Object.keys(JSON.parse(waiting.text()).sets).length).toBe(1);
  });

  it('wait once for each stream: another takes the place of one that a receiver has forgotten', async () => {
    const { address } = await receiver().open();
    const one = await wait(address, receiver().headers);
    const other = await wait(address, receiver().headers);
    expect([await one.ended, JSON.parse(one.text())]).toEqual(['ended', { sets: {} }]);
    await event('account-changed', 'a');
    expect(await other.ended).toBe('ended');
    expect(Object.keys(JSON.parse(other.text()).sets).length).toBe(1);
  });

  it('go on at another node', async () => {
    const { id, events } = await receiver().open();
    await event('account-changed', 'a');
    const there = receiver(DEMO_API, otherNode);
    const { body } = await there.ask('POST', `/ssf/poll?stream_id=${id}`, {});
    const [jti] = Object.keys((body as never as Told).sets);
    await event('account-changed', 'b');
    await there.ask('POST', `/ssf/poll?stream_id=${id}`, { ack: [jti], maxEvents: 0 });
    expect(await events()).toMatchObject([{ subject: { sub: 'b' } }]);
  });

  it('break off when nobody can tell any more, and are possible again a moment later', async () => {
    const { address, poll } = await receiver().open();
    const waiting = await wait(address, receiver().headers);
    await server.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'concierge security events' and datname = current_database()`,
    );
    expect(await waiting.ended).toBe('broken');
    await event('account-changed', 'a');
    await expect
      .poll(async () => Object.keys(((await poll({})).body as never as Partial<Told>).sets ?? {}).length)
      .toBe(1);
  });

  it('end with nothing where the stream is deleted; one whose receiver hangs up is given up', async () => {
    const { ask, headers, open } = receiver();
    const [deleted, left] = [await open(), await open()];
    const [one, other] = [await wait(deleted.address, headers), await wait(left.address, headers)];
    other.request.destroy();
    await ask('DELETE', `/ssf/streams?stream_id=${deleted.id}`);
    await event('account-changed', 'a');
    expect(await one.ended).toBe('ended');
    expect(JSON.parse(one.text())).toEqual({ sets: {} });
    expect(await left.events()).toMatchObject([{ subject: { sub: 'a' } }]);
  });
});

interface Told {
  readonly sets: Readonly<Record<string, string>>;
  readonly moreAvailable?: boolean;
}

it('events appear in the order in which they are committed: who has seen one never misses a smaller one', async () => {
  const { events } = await receiver().open();
  const [slow, quick] = await Promise.all(
    [0, 1].map(async () => {
      const client = new pg.Client(server.databaseUrl);
      await client.connect();
      return client;
    }),
  );
  const note = (client: pg.Client | undefined, name: string) =>
    client?.query(`insert into security_events (kind, account_id) values ('account-changed', $1)`, [name]);
  await slow?.query('begin');
  await note(slow, 'slow');
  await quick?.query('begin');
  await note(quick, 'quick');
  await quick?.query('commit');
  expect(await events()).toMatchObject([{ subject: { sub: 'quick' } }]);
  await slow?.query('commit');
  expect(await events()).toMatchObject([{ subject: { sub: 'slow' } }]);
  await Promise.all([slow?.end(), quick?.end()]);
});

it('a hundred transactions at once are told once each, in order', async () => {
  const streams = createEventStreams(server.pool);
  const { id } = (await streams.create('demo-api', { description: undefined, eventsRequested: undefined })) ?? {
    id: '',
  };
  const seen: number[] = [];
  const read = async () => {
    const { events = [], stream } = (await streams.pending('demo-api', id)) ?? {};
    seen.push(...events.map(({ position }) => position));
    await streams.advance(id, events.at(-1)?.position ?? stream?.position ?? 0);
  };
  const written = Promise.all(Array.from({ length: 100 }, (_one, index) => event('account-changed', `${index}`)));
  let done = false;
  void written.then(() => {
    done = true;
  });
  while (!done) {
    await read();
  }
  await read();
  expect(seen.length).toBe(100);
  expect(seen).toEqual(seen.toSorted((one, other) => one - other));
});

it('events and streams go after an hour, and a receiver that lags behind begins anew', async () => {
  const [lagging, other] = [await receiver().open(), await receiver().open()];
  await event('account-changed', 'old');
  await other.events();
  await server.pool.query(`update security_events set at = now() - interval '2 hours'`);
  await server.pool.query(removeOldEvents(3600, 1000));
  expect((await lagging.poll({ returnImmediately: true })).status).toBe(404);
  expect((await other.poll({ returnImmediately: true })).status).toBe(200);
  await server.pool.query(`update event_streams set seen_at = now() - interval '2 hours'`);
  await server.pool.query(removeAbandonedStreams(3600, 1000));
  expect((await other.poll({ returnImmediately: true })).status).toBe(404);
});
