import { randomUUID } from 'node:crypto';
import type { Pool, QueryConfig } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPool } from '../../database/connect.ts';
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts';
import type { GrantToCopy } from '../grants/remembered-grant.ts';
import { keyOfArtifact } from './artifact-payload.ts';
import { type ArtifactStore, createArtifactStore } from './artifacts.ts';
import { endAll } from './end-all.ts';
import { createGrantStore } from './grants.ts';
import { copyRemembered } from './remembered-grants.ts';
import { endGrantsOfAccount } from './revocation-statements.ts';
import { createSealing } from './sealing.ts';

let database: TestDatabase;
let pool: Pool;
let store: ArtifactStore;
beforeAll(async () => {
  database = await createTestDatabase('authorization-server');
  pool = createPool({ url: database.url, max: 6, applicationName: 'remembered' });
  store = createArtifactStore({
    pool,
    sealing: createSealing(['a secret for tests']),
    currentRequest: () => undefined,
    refreshGrace: { seconds: 0, longest: async () => ({ refreshToken: 60, accessToken: 60 }) },
  });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(() => pool.query('delete from artifacts'));

const WHO = { accountId: 'alice', clientId: 'shop' };
const now = () => Math.floor(Date.now() / 1000);

interface Given {
  readonly scope?: string;
  readonly at?: number;
  readonly exp?: number;
}

/** As the consent page saves it. */
async function give({ scope = 'openid', at = 1, exp = now() + 600 }: Given = {}): Promise<string> {
  const id = randomUUID();
  const grant = { ...WHO, openid: { scope }, lasts: 'month', remembered: { at, client: 'as seen' }, exp };
  await store.adapter('Grant').upsert(id, grant, exp - now());
  return id;
}

const copyTo = (id: string, changes: Partial<GrantToCopy> = {}) => ({ id, client: 'as seen', ...WHO, ...changes });
const copy = (changes: Partial<GrantToCopy> = {}) => store.copyRemembered(copyTo('a session', changes));
const find = (id = 'a session') => store.adapter('Grant').find(id);

describe('a grant that is remembered', () => {
  it('is copied as it is, its end included', async () => {
    const exp = now() + 600;
    const id = await give({ exp });
    expect(await copy()).toBe(true);
    const { jti: _, ...copied } = (await find()) ?? {};
    expect(copied).toMatchObject({ openid: { scope: 'openid' }, exp });
    const { jti: __, ...original } = (await find(id)) ?? {};
    expect(copied).toEqual(original);
  });

  it('is the one that was decided last, and not the one that was made last', async () => {
    await give({ scope: 'openid email', at: 2 });
    await give({ scope: 'openid', at: 1 });
    await copy();
    expect(await find()).toMatchObject({ openid: { scope: 'openid email' } });
  });

  it.each([
    ['another account', { accountId: 'bob' }],
    ['another client', { clientId: 'bank' }],
    ['a client that is seen otherwise by now', { client: 'with another name' }],
  ])('is nothing for %s', async (_, changes) => {
    await give();
    expect(await copy(changes)).toBe(false);
  });

  it('is not one that is over, or that was not given at the consent page', async () => {
    await give({ exp: now() - 1 });
    await store.adapter('Grant').upsert(randomUUID(), { ...WHO, openid: { scope: 'openid' }, exp: now() + 600 }, 600);
    expect(await copy()).toBe(false);
  });

  it('is copied once for any number of requests at once, and not again where the copy has ended', async () => {
    const id = await give();
    expect(await Promise.all(Array.from({ length: 5 }, () => copy()))).toEqual([true, true, true, true, true]);
    await store.adapter('Grant').destroy('a session');
    expect(await copy()).toBe(false);
    expect(await find(id)).toBeDefined();
  });

  it.each([
    ['one of them', async (id: string) => store.adapter('Grant').destroy(id)],
    ['all of the client', () => createGrantStore(pool).revoke(WHO)],
    ['all of the account', () => store.revokeByAccountId(WHO.accountId)],
  ])('is not copied after the end of %s', async (_, end) => {
    await end(await give());
    expect(await copy()).toBe(false);
  });
});

/** Runs `work` while a statement has taken effect and is not committed, and commits it once `work` waits for it. */
async function beforeCommitOf<Result>(statement: QueryConfig, work: () => Promise<Result>): Promise<Result> {
  const client = await pool.connect();
  await client.query('begin');
  await client.query(statement);
  const result = work();
  await expect.poll(waiting, { interval: 5 }).toBe(1);
  await client.query('commit');
  client.release();
  return result;
}

async function waiting(): Promise<number> {
  const { rows } = await pool.query(
    `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rows.length;
}

const copying = () => copyRemembered(keyOfArtifact('Grant', 'a session'), copyTo('a session'));

describe('at the same moment', () => {
  const all = () => createGrantStore(pool);

  it.each([
    ['"remove all access"', () => all().revoke(WHO)],
    ['the end of all the account has', () => store.revokeByAccountId(WHO.accountId)],
    ['the end of all but one client', () => endAll(pool, endGrantsOfAccount(WHO.accountId, 'the console'))],
  ])('%s reaches a copy that is being made', async (_, end) => {
    const id = await give();
    await beforeCommitOf<unknown>(copying(), end);
    expect([await find(id), await find()]).toEqual([undefined, undefined]);
  });

  it('says how many were ended, with the copy', async () => {
    await give();
    expect(await beforeCommitOf(copying(), () => all().revoke(WHO))).toBe(2);
  });

  it('a scope that is taken away everywhere is taken from a copy that is being made', async () => {
    const id = await give({ scope: 'openid email' });
    const change = { withoutScope: { scope: 'email', at: undefined } };
    expect(await beforeCommitOf(copying(), () => all().change(WHO, change))).toBe(2);
    expect([await find(id), await find()]).toEqual([
      expect.objectContaining({ openid: { scope: 'openid' } }),
      expect.objectContaining({ openid: { scope: 'openid' } }),
    ]);
  });

  it('nothing is copied of what is being ended', async () => {
    const key = keyOfArtifact('Grant', await give());
    const ending = { text: 'update artifacts set consumed_at = now() where key = $1', values: [key] };
    expect(await beforeCommitOf(ending, () => copy())).toBe(false);
  });

  it('what is being changed is copied as it is then', async () => {
    const key = keyOfArtifact('Grant', await give({ scope: 'openid email' }));
    const text = `update artifacts set payload = replace(payload, 'openid email', 'openid') where key = $1`;
    expect(await beforeCommitOf({ text, values: [key] }, () => copy())).toBe(true);
    expect(await find()).toMatchObject({ openid: { scope: 'openid' } });
  });
});
