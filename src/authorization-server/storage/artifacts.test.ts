import { randomUUID } from 'node:crypto';
import type { Pool, QueryConfig } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createPool } from '../../database/connect.ts';
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts';
import { createArtifactPayload } from './artifact-payload.ts';
import { describeArtifactStore, type NodeOptions } from './artifacts.contract.ts';
import { type ArtifactStoreDeps, createArtifactStore } from './artifacts.ts';
import { createSealing } from './sealing.ts';
import { placeOf } from './token-payload.ts';

const sealing = createSealing(['a secret for tests']);
const payload = createArtifactPayload(sealing);
const WITHOUT_GRACE = { seconds: 0, longest: async () => ({ refreshToken: 60, accessToken: 60 }) };
const outsideOfRequests = { sealing, currentRequest: () => undefined, refreshGrace: WITHOUT_GRACE };

let database: TestDatabase;
let pools: readonly Pool[];
let nodes = 0;

beforeAll(async () => {
  database = await createTestDatabase('authorization-server');
  const connect = (node: number) => createPool({ url: database.url, max: 8, applicationName: `node ${node}` });
  pools = [connect(0), connect(1)];
});

afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  await database.drop();
});

/** Each node has the pool that the previous one has not. */
function nextPool(): Pool {
  nodes += 1;
  return pools[nodes % pools.length] as Pool;
}

function createNode({ currentRequest = () => undefined, secrets = ['a secret for tests'] }: NodeOptions = {}) {
  return createArtifactStore({
    pool: nextPool(),
    sealing: createSealing(secrets),
    currentRequest,
    refreshGrace: WITHOUT_GRACE,
  });
}

describeArtifactStore('the artifact store in PostgreSQL', createNode);

describe('in its table', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  const columnsOf = async (kind: string, id: string) => {
    const { rows } = await nextPool().query(
      `select expires_at, extract(epoch from expires_at - now())::float8 / 3600 as hours,
         abs(extract(epoch from now() - created_at)) < 60 as created_now, abs(extract(epoch from now() - consumed_at)) < 60 as consumed_now
       from artifacts where key = $1`,
      [payload.keyOf(kind, id)],
    );
    return rows[0];
  };

  it('an artifact may go within the hour after the seconds it was given, and without them never', async () => {
    const grants = createNode().adapter('Grant');
    const [short, endless] = [randomUUID(), randomUUID()];
    await grants.upsert(short, {}, 3600);
    await grants.upsert(endless, {});
    expect((await columnsOf('Grant', short)).hours).toSatisfy((hours: number) => hours > 0.99 && hours <= 2);
    expect((await columnsOf('Grant', endless)).expires_at).toBeNull();
    await grants.upsert(endless, {}, 60);
    await grants.upsert(short, {});
    expect((await columnsOf('Grant', endless)).hours).toSatisfy((hours: number) => hours > 0 && hours <= 1.1);
    expect((await columnsOf('Grant', short)).expires_at).toBeNull();
  });

  it('saving a session again moves the time at which it may go', async () => {
    const identity = {};
    const sessions = createNode({ currentRequest: () => ({ identity, age: 0 }) }).adapter('Session');
    const [id, uid] = [randomUUID(), randomUUID()];
    await sessions.upsert(id, { uid }, 60);
    await sessions.find(id);
    await sessions.upsert(id, { uid }, 7200);
    expect((await columnsOf('Session', id)).hours).toBeGreaterThan(1.99);
  });

  it('a session that is saved again and again stays where it is, for its indexes and its time to go', async () => {
    const identity = {};
    const sessions = createNode({ currentRequest: () => ({ identity, age: 0 }) }).adapter('Session');
    const [id, uid] = [randomUUID(), randomUUID()];
    await sessions.upsert(id, { uid, accountId: 'alice' }, 7200);
    await sessions.find(id);
    const before = await columnsOf('Session', id);
    await sessions.upsert(id, { uid, accountId: 'alice', authorizations: { shop: {} } }, 7200);
    expect((await columnsOf('Session', id)).expires_at).toEqual(before.expires_at);
  });

  it('C112: every time is one of the database, whatever the clock of the node says', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2001-01-01') });
    const requests = createNode().adapter('PushedAuthorizationRequest');
    const id = randomUUID();
    await requests.upsert(id, {}, 3600);
    await requests.consume(id);
    const { hours, ...times } = await columnsOf('PushedAuthorizationRequest', id);
    expect(times).toMatchObject({ created_now: true, consumed_now: true });
    expect(hours).toSatisfy((hours: number) => hours > 0.99 && hours <= 2);
  });

  it('one statement revokes a grant, of however many kinds the engine asks in one turn', async () => {
    const { store, sent } = watchedNode();
    const [grantId, other] = [randomUUID(), randomUUID()];
    const kinds = ['AccessToken', 'RefreshToken', 'AuthorizationCode', 'DeviceCode'];
    await Promise.all(kinds.map((kind) => store.adapter(kind).revokeByGrantId(grantId)));
    expect(sent).toEqual(['revoke-by-grant']);
    await Promise.all([grantId, other].map((one) => store.adapter('AccessToken').revokeByGrantId(one)));
    expect(sent).toHaveLength(3);
  });

  it('C42: a revocation ends what was saved while an earlier one was still running', async () => {
    const store = createNode();
    const [grantId, early, late] = [randomUUID(), randomUUID(), randomUUID()];
    await store.adapter('AccessToken').upsert(early, { grantId }, 60);
    const connection = await nextPool().connect();
    await connection.query('begin');
    await connection.query('select from tokens where key = $1 for update', [placeOf(early).key]);
    const first = store.adapter('AccessToken').revokeByGrantId(grantId);
    await expect.poll(waitingForALock).toBe(1);
    await store.adapter('AccessToken').upsert(late, { grantId }, 60);
    const second = store.adapter('AccessToken').revokeByGrantId(grantId);
    await connection.query('commit');
    connection.release();
    await Promise.all([first, second]);
    expect(await store.adapter('AccessToken').find(late)).toBeUndefined();
  });

  it('C43: what the database did not do is not said to be done', async () => {
    const pool = createPool({ url: database.url, max: 1, applicationName: 'ended' });
    await pool.end();
    const store = createArtifactStore({ ...outsideOfRequests, pool });
    const adapter = store.adapter('AccessToken');
    for (const act of [
      () => adapter.upsert('id', {}, 60),
      () => adapter.find('id'),
      () => adapter.consume('id'),
      () => adapter.destroy('id'),
      () => adapter.revokeByGrantId('grant'),
      () => adapter.revokeByGrantId('grant'),
      () => store.revokeByAccountId('alice'),
      () => store.revokeByClientId('shop'),
    ]) {
      await expect(act()).rejects.toThrow('after calling end on the pool');
    }
  });
});

/** A node of which the names of its statements are known. */
function watchedNode() {
  const pool = nextPool();
  const sent: (string | undefined)[] = [];
  const watched = {
    query: (query: QueryConfig) => {
      sent.push(query.name);
      return pool.query(query);
    },
  } as ArtifactStoreDeps['pool'];
  return { sent, store: createArtifactStore({ ...outsideOfRequests, pool: watched }) };
}

async function waitingForALock(): Promise<number> {
  const { rows } = await nextPool().query(
    `select count(*)::int as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rows[0].waiting;
}
