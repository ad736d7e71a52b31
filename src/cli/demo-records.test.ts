import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PostgresAccountStore } from '../authorization-server/storage/accounts.ts';
import { createPool } from '../database/connect.ts';
import type { Owner } from '../resource-server/owner.ts';
import { furnish } from '../resource-server/storage/belongings.ts';
import { RecordStore } from '../resource-server/storage/records.ts';
import { REPORTS } from '../resource-server/storage/report-catalogue.ts';
import { ReportStore } from '../resource-server/storage/reports.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { furnishDemo } from './demo-records.ts';

let databases: [TestDatabase, TestDatabase];
let pools: Pool[];
let urls: { authorizationServer: string; resourceApi: string };

beforeAll(async () => {
  databases = await Promise.all([createTestDatabase('demonstration'), createTestDatabase('resource-server')]);
  urls = { authorizationServer: databases[0].url, resourceApi: databases[1].url };
  pools = databases.map(({ url }) => createPool({ url, max: 4, applicationName: 'test' }));
});

afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  await Promise.all(databases.map((database) => database.drop()));
});

const recordStore = () => new RecordStore(pools[1] as Pool);
const recordsOf = async (owner: Owner) => (await recordStore().list(owner, { limit: 100, cursor: undefined })).records;

async function accountOf(email: string): Promise<Owner> {
  const account = await new PostgresAccountStore(pools[0] as Pool).findByEmail(email);
  return { kind: 'account', sub: String(account?.accountId) };
}

it('gives every demo account and machine something to see, newest first, once, and brings nothing deleted back', async () => {
  const cutOff = { title: 'Cut off half-way', body: '', created: 1 };
  const owner = { kind: 'client', client_id: 'demo-machine' } as const;
  const records = [
    { ...cutOff, changed: 1 },
    { ...cutOff, changed: Number.NaN },
  ];
  await expect(furnish(pools[1] as Pool, [{ owner, records, files: [] }])).rejects.toThrow();
  await Promise.all([furnishDemo(urls), furnishDemo(urls)]);
  const machines = ['demo-machine', 'demo-short-lived'].map((client_id) => ({ kind: 'client', client_id }) as const);
  const people = await Promise.all(['alice@example.com', 'guest@example.com', 'admin@example.com'].map(accountOf));
  for (const owner of [...people, ...machines]) {
    const titles = (await recordsOf(owner)).map(({ title }) => title);
    expect(titles.length).toBeGreaterThan(0);
    expect(new Set(titles).size).toBe(titles.length);
  }
  const alice = people[0] as Owner;
  const created = (await recordsOf(alice)).map(({ createdAt }) => createdAt.getTime());
  expect(created).toEqual(created.toSorted((one, other) => other - one));

  const reports = new ReportStore(pools[1] as Pool);
  for (const report of REPORTS.values()) {
    for (const owner of [alice, machines[0] as Owner]) {
      const { rows } = await reports.run(report, report.parameters.parse({}), owner);
      expect(rows.length).toBeGreaterThan(0);
    }
  }

  const all = await recordsOf(alice);
  for (const { id } of all) {
    await recordStore().delete(id, alice);
  }
  await furnishDemo(urls);
  expect(await recordsOf(alice)).toEqual([]);
});
