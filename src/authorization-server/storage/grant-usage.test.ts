import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createPool } from '../../database/connect.ts';
import { createTestDatabase } from '../../testing/database.ts';
import { keyOfArtifact } from './artifact-payload.ts';
import { removeExpired } from './artifact-statements.ts';
import { createGrantUsage } from './grant-usage.ts';
import { asUuid } from './grants.ts';

const API = 'https://api.example';
const READ = ['records:read'];

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let pool: Pool;
const warnings: string[] = [];
const logger = { warn: (_details: unknown, text: string) => warnings.push(text) };
const startNode = (where: Pick<Pool, 'query'> = pool) => createGrantUsage(where, logger as never);
const keyOf = (grantId: string) => asUuid(keyOfArtifact('Grant', grantId));

beforeAll(async () => {
  database = await createTestDatabase('authorization-server');
  pool = createPool({ url: database.url, max: 4, applicationName: 'grant usage' });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(async () => {
  warnings.length = 0;
  await pool.query('delete from grant_usage; delete from artifacts');
  await grant('live', `now() + interval '1 day'`);
});

const grant = (id: string, expiresAt: string, consumedAt = 'null') =>
  pool.query(
    `insert into artifacts (key, kind, payload, expires_at, consumed_at) values ($1, 'Grant', '{}', ${expiresAt}, ${consumedAt})`,
    [keyOf(id)],
  );
const rows = async () => (await pool.query('select resource_server, scope from grant_usage order by 1, 2')).rows;

it('asks the database nothing when something is used, and writes it down at the end', async () => {
  let statements = 0;
  const counted = {
    query: ((...args: Parameters<Pool['query']>) => {
      statements += 1;
      return pool.query(...args);
    }) as Pool['query'],
  };
  const usage = startNode(counted);
  for (let time = 0; time < 1000; time += 1) {
    usage.record({ grantId: 'live', resourceServer: API, scopes: [...READ, 'records:write'] });
  }
  usage.record({ grantId: 'live', resourceServer: undefined, scopes: [] });
  expect(statements).toBe(0);
  await usage.close();
  expect(statements).toBe(1);
  expect(await rows()).toEqual([
    { resource_server: '', scope: '' },
    { resource_server: API, scope: 'records:read' },
    { resource_server: API, scope: 'records:write' },
  ]);
});

it('keeps the last of what several nodes know', async () => {
  const [one, other] = [startNode(), startNode()];
  one.record({ grantId: 'live', resourceServer: API, scopes: READ });
  await one.close();
  await pool.query(`update grant_usage set last_used_at = last_used_at + interval '1 hour'`);
  other.record({ grantId: 'live', resourceServer: API, scopes: READ });
  const [use] = await other.ofGrants([keyOf('live')]);
  expect(use?.lastUsed.getTime()).toBeGreaterThan(Date.now() + 3_500_000);
  await other.close();
});

it('notes nothing of a grant that has ended, and forgets a grant when it leaves', async () => {
  await grant('ended', `now() + interval '1 hour'`, 'now()');
  const usage = startNode();
  for (const grantId of ['live', 'ended', 'unknown']) {
    usage.record({ grantId, resourceServer: API, scopes: READ });
  }
  expect((await usage.ofGrants(['live', 'ended', 'unknown'].map(keyOf))).map(({ grantKey }) => grantKey)).toEqual([
    keyOf('live'),
  ]);
  await pool.query(`update artifacts set expires_at = now() - interval '1 hour'`);
  await pool.query(removeExpired(100));
  expect(await rows()).toEqual([]);
  await usage.close();
});

it('says so when the database is away, and tries again', async () => {
  let isAway = true;
  const flaky = {
    query: ((...args: Parameters<Pool['query']>) =>
      isAway ? Promise.reject(new Error('away')) : pool.query(...args)) as Pool['query'],
  };
  const usage = startNode(flaky);
  usage.record({ grantId: 'live', resourceServer: API, scopes: READ });
  await usage.ofGrants([]).catch(() => {});
  expect(warnings).toHaveLength(1);
  expect(await rows()).toEqual([]);
  isAway = false;
  await usage.close();
  expect(await rows()).toEqual([{ resource_server: API, scope: 'records:read' }]);
});

it('writes down more than one statement takes, and of a flood no more than it can keep', async () => {
  const usage = startNode();
  for (let number = 0; number < 60_000; number += 1) {
    usage.record({ grantId: 'live', resourceServer: API, scopes: [`scope:${number}`] });
  }
  await usage.close();
  expect(await rows()).toHaveLength(50_000);
});
