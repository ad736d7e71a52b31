import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPool } from '../../database/connect.ts';
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts';
import { removeBeyond } from './artifact-statements.ts';

const LIFETIME = 2 * 3600;

let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase('authorization-server');
  pool = createPool({ url: database.url, max: 4, applicationName: 'remove-beyond' });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(() => pool.query('delete from artifacts'));

interface Rows {
  readonly kind?: string;
  readonly account?: string;
  /** Minutes. */
  readonly age: number;
}

function save(count: number, { kind = 'Interaction', account, age }: Rows) {
  return pool.query(
    `insert into artifacts (key, kind, account_id, payload, created_at, expires_at)
      select gen_random_uuid(), $2, $3, '{}', now() - make_interval(mins => $4, secs => n), now() + interval '1 hour'
      from generate_series(1, $1) n`,
    [count, kind, account, age],
  );
}

const remove = async (kept: number, limit = 1000) => (await pool.query(removeBeyond(kept, LIFETIME, limit))).rowCount;

async function left(): Promise<{ kind: string; account_id: string | null; minutes: number }[]> {
  const minutes = 'floor(extract(epoch from now() - created_at) / 60)::int as minutes';
  return (await pool.query(`select kind, account_id, ${minutes} from artifacts order by created_at desc`)).rows;
}

describe('C102: a flood of authorization requests that nobody signs in to', () => {
  it('leaves as many interactions as are kept, the youngest', async () => {
    await save(30, { age: 30 });
    await save(20, { age: 1 });
    expect(await remove(20)).toBe(30);
    expect((await left()).map(({ minutes }) => minutes)).toEqual(Array(20).fill(1));
    expect(await remove(20)).toBe(0);
  });

  it('takes nothing from who has signed in, and nothing that no stranger can make the server keep', async () => {
    for (const kind of ['Interaction', 'DeviceCode', 'Session']) {
      await save(5, { age: 50, kind, account: 'alice' });
    }
    await save(5, { age: 50, kind: 'ReplayDetection' });
    await save(5, { age: 1 });
    expect(await remove(0)).toBe(5);
    expect(await left()).toHaveLength(20);
  });

  it('counts what strangers begin at a device, and the sessions of their pages, like any other sign-in', async () => {
    await save(5, { age: 50, kind: 'DeviceCode' });
    await save(5, { age: 40, kind: 'Session' });
    await save(5, { age: 1 });
    expect(await remove(7)).toBe(8);
    expect((await left()).map(({ kind }) => kind)).toEqual([...Array(5).fill('Interaction'), 'Session', 'Session']);
  });

  it('counts the requests that strangers push, until they are answered', async () => {
    const kind = 'PushedAuthorizationRequest';
    await save(5, { age: 50, kind });
    await pool.query('update artifacts set consumed_at = now()');
    await save(5, { age: 40, kind });
    await save(5, { age: 1 });
    expect(await remove(7)).toBe(3);
    expect((await left()).filter((one) => one.kind === kind)).toHaveLength(7);
  });

  it('is cleared in parts, and once by any number of nodes', async () => {
    await save(50, { age: 1 });
    expect(await remove(10, 15)).toBe(15);
    const removed = await Promise.all([remove(10, 15), remove(10, 15), remove(10, 15)]);
    expect(Math.max(...removed.map(Number))).toBeLessThanOrEqual(15);
    while ((await remove(10, 15)) !== 0);
    expect((await left()).length).toBe(10);
  });

  it('passes over an interaction that a request holds', async () => {
    await save(2, { age: 1 });
    const request = await pool.connect();
    await request.query('begin');
    await request.query('select from artifacts limit 1 for update');
    expect(await remove(0)).toBe(1);
    await request.query('commit');
    request.release();
  });
});
