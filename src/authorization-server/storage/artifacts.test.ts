import { randomUUID } from 'node:crypto';
import type { Pool, QueryConfig } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createPool } from '../../database/connect.ts';
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts';
import type { ArtifactStoreDeps } from './artifact-adapter.ts';
import { createArtifactPayload } from './artifact-payload.ts';
import { describeArtifactStore, type NodeOptions } from './artifacts.contract.ts';
import { createArtifactStore } from './artifacts.ts';
import { createSealing } from './sealing.ts';

const payload = createArtifactPayload(createSealing(['a secret for tests']));

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
    payload: createArtifactPayload(createSealing(secrets)),
    currentRequest,
  });
}

describeArtifactStore('the artifact store in PostgreSQL', createNode);

describe('in its table', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  const columnsOf = async (kind: string, id: string) => {
    const { rows } = await nextPool().query(
      `select created_at, expires_at, consumed_at, extract(epoch from expires_at - now())::float8 as expires_in,
         abs(extract(epoch from now() - created_at)) < 60 as created_now, abs(extract(epoch from now() - consumed_at)) < 60 as consumed_now
       from artifacts where key = $1`,
      [payload.keyOf(kind, id)],
    );
    return rows[0];
  };

  it('an artifact expires after the seconds it was given, and without them never', async () => {
    const node = createNode();
    const [token, grant] = [randomUUID(), randomUUID()];
    await node.adapter('AccessToken').upsert(token, {}, 3600);
    await node.adapter('Grant').upsert(grant, {});
    expect((await columnsOf('AccessToken', token)).expires_in).toBeCloseTo(3600, -2);
    expect((await columnsOf('Grant', grant)).expires_at).toBeNull();
    await node.adapter('Grant').upsert(grant, {}, 60);
    await node.adapter('AccessToken').upsert(token, {});
    expect((await columnsOf('Grant', grant)).expires_in).toBeCloseTo(60, -2);
    expect((await columnsOf('AccessToken', token)).expires_at).toBeNull();
  });

  it('saving a session again moves the time at which it expires', async () => {
    const identity = {};
    const sessions = createNode({ currentRequest: () => ({ identity, age: 0 }) }).adapter('Session');
    const [id, uid] = [randomUUID(), randomUUID()];
    await sessions.upsert(id, { uid }, 60);
    await sessions.find(id);
    await sessions.upsert(id, { uid }, 3600);
    expect((await columnsOf('Session', id)).expires_in).toBeCloseTo(3600, -2);
  });

  it('C112: every time is one of the database, whatever the clock of the node says', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2001-01-01') });
    const codes = createNode().adapter('AuthorizationCode');
    const id = randomUUID();
    await codes.upsert(id, {}, 60);
    await codes.consume(id);
    const { expires_in, created_now, consumed_now } = await columnsOf('AuthorizationCode', id);
    expect({ created_now, consumed_now }).toEqual({ created_now: true, consumed_now: true });
    expect(expires_in).toBeCloseTo(60, -2);
  });

  it('one statement revokes a grant, of however many kinds the engine asks in one turn', async () => {
    const { store, sent } = watchedNode();
    const [grantId, other] = [randomUUID(), randomUUID()];
    const kinds = ['AccessToken', 'RefreshToken', 'AuthorizationCode', 'DeviceCode'];
    await Promise.all(kinds.map((kind) => store.adapter(kind).revokeByGrantId(grantId)));
    expect(sent).toEqual(['artifact-revoke-by-grant']);
    await Promise.all([grantId, other].map((one) => store.adapter('AccessToken').revokeByGrantId(one)));
    expect(sent).toHaveLength(3);
  });

  it('C42: a revocation ends what was saved while an earlier one was still running', async () => {
    const store = createNode();
    const [grantId, early, late] = [randomUUID(), randomUUID(), randomUUID()];
    await store.adapter('AccessToken').upsert(early, { grantId }, 60);
    const connection = await nextPool().connect();
    await connection.query('begin');
    await connection.query('select from artifacts where key = $1 for update', [payload.keyOf('AccessToken', early)]);
    const first = store.adapter('AccessToken').revokeByGrantId(grantId);
    await vi.waitFor(async () => expect(await waitingForALock()).toBe(1));
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
    const store = createArtifactStore({ pool, payload, currentRequest: () => undefined });
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
  return { sent, store: createArtifactStore({ pool: watched, payload, currentRequest: () => undefined }) };
}

async function waitingForALock(): Promise<number> {
  const { rows } = await nextPool().query(
    `select count(*)::int as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rows[0].waiting;
}
