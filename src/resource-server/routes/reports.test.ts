import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPool } from '../../database/connect.ts';
import { CannotReport, ReportStore } from '../storage/reports.ts';
import { accountToken, machineToken, startTestApi, type TestApi } from '../testing/start-api.ts';

interface Outcome {
  report: string;
  parameters: object;
  columns: string[];
  rows: unknown[][];
  truncated: boolean;
  ran_at: string;
}

let api: TestApi;
let database: pg.Client;
beforeAll(async () => {
  api = await startTestApi();
  api.issuer.answer('alice', accountToken('alice'));
  api.issuer.answer('bob', accountToken('bob'));
  api.issuer.answer('admin', accountToken('ada', { roles: ['admin'] }));
  api.issuer.answer('namesake', machineToken('alice'));
  database = new pg.Client({ connectionString: api.databaseUrl });
  await database.connect();
});
afterAll(async () => {
  await database.end();
  await api.stop();
});

/** Of three owners, two of whom have the same id. */
beforeEach(async () => {
  await database.query('truncate records, blobs cascade');
  await database.query(`insert into records (owner_kind, owner_id, title, body, created_at, updated_at) values
    ('account', 'alice', 'Bell Street', 'A street, and another Street.', now() - interval '1 day', now() - interval '1 day'),
    ('account', 'alice', 'Größe', 'größer größer', now() - interval '40 days', now()),
    ('account', 'bob', 'Secret of Bob', 'bobs words bobs words', now(), now()),
    ('client', 'alice', 'Of a machine', 'whirr', now(), now())`);
  await database.query(`insert into blobs (owner_kind, owner_id, content_type, size, completed_at) values
    ('account', 'alice', 'text/plain', 5, now()), ('account', 'alice', 'text/plain', 7, now()),
    ('account', 'alice', 'image/png', 3000000000, now()), ('account', 'alice', 'image/gif', null, null),
    ('account', 'bob', 'application/x-of-bob', 1, now())`);
});

const post = (token: string, name: string, json: unknown = {}) =>
  api.call(token, `/reports/${name}/run`, { method: 'POST', json });

async function run(token: string, name: string, parameters: object = {}): Promise<Outcome> {
  const response = await post(token, name, parameters);
  expect(response.status).toBe(200);
  return (await response.json()) as Outcome;
}

interface Listed {
  name: string;
  description: string;
  parameters: Record<string, { type: string; default: unknown; description: string }>;
}

async function list(): Promise<Listed[]> {
  return ((await (await api.call('alice', '/reports')).json()) as { reports: Listed[] }).reports;
}

describe('a report', () => {
  it('says how many records each day brought, and of days without any that they had none', async () => {
    const { columns, rows, ...outcome } = await run('alice', 'records-per-day', { days: 3 });
    expect(columns).toEqual(['day', 'records']);
    const dayBefore = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
    expect(rows).toEqual([
      [dayBefore(2), 0],
      [dayBefore(1), 1],
      [dayBefore(0), 0],
    ]);
    expect(outcome).toEqual({
      report: 'records-per-day',
      parameters: { days: 3, count: 366 },
      truncated: false,
      ran_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    });
  });

  it('says what changed, and when', async () => {
    const { columns, rows } = await run('alice', 'recent-changes');
    expect(columns).toEqual(['id', 'title', 'what', 'at', 'owner_kind', 'owner_id']);
    expect(rows.map(([, title, what]) => [title, what])).toEqual([
      ['Größe', 'changed'],
      ['Bell Street', 'created'],
    ]);
  });

  it('counts words of any alphabet, whatever their case', async () => {
    const { rows } = await run('alice', 'words', { count: 2, shortest: 5 });
    expect(rows).toEqual([
      ['street', 3, 1],
      ['größer', 2, 1],
    ]);
  });

  it('adds up files that are larger than a 32-bit number, and none whose upload still runs', async () => {
    const { rows } = await run('alice', 'files-by-type');
    expect(rows.map(([type, files, bytes]) => [type, files, bytes])).toEqual([
      ['image/png', 1, 3_000_000_000],
      ['text/plain', 2, 12],
    ]);
  });

  it('says when there is more than was asked for', async () => {
    expect(await run('alice', 'longest-records', { count: 1 })).toMatchObject({
      rows: [[expect.any(String), 'Bell Street', 29, expect.any(String), 'account', 'alice']],
      truncated: true,
    });
    expect((await run('alice', 'longest-records', { count: 2 })).truncated).toBe(false);
  });
});

describe('whose records a report is about', () => {
  it('is the business of the server: each sees what is theirs, in every report that there is', async () => {
    for (const { name } of await list()) {
      expect(JSON.stringify((await run('alice', name)).rows)).not.toMatch(/bob|machine|whirr/i);
      expect(JSON.stringify((await run('namesake', name)).rows)).not.toMatch(/bob|street|Größe|"account"|text\/plain/i);
    }
    const owner = { owner_kind: 'account', owner_id: 'bob' };
    expect((await post('alice', 'longest-records', owner)).status).toBe(400);
  });

  it('is everybody for an administrator', async () => {
    const { rows } = await run('admin', 'longest-records');
    expect(rows.map(([, title]) => title)).toHaveLength(4);
    expect(JSON.stringify((await run('admin', 'files-by-type')).rows)).toContain('application/x-of-bob');
  });
});

it('lists the reports with what each takes', async () => {
  const reports = await list();
  expect(reports.map(({ name }) => name)).toEqual([
    'records-per-day',
    'recent-changes',
    'longest-records',
    'words',
    'files-by-type',
  ]);
  expect(reports[0]?.parameters.days).toEqual({
    type: 'integer',
    minimum: 1,
    maximum: 366,
    default: 30,
    description: expect.any(String),
  });
  for (const { name, description } of reports) {
    expect(description).not.toBe('');
    expect((await run('alice', name)).report).toBe(name);
  }
});

it.each(['no-such-report', 'constructor', '__proto__', 'RECORDS-PER-DAY', "words';select", '%00', 'words%2frun'])(
  'answers 404 for the report %s, and tells which there are',
  async (name) => {
    const response = await post('alice', name);
    expect(response.status).toBe(404);
    const { error, error_description } = (await response.json()) as { error: string; error_description: string };
    expect(error).toBe('not_found');
    expect(error_description).toContain('records-per-day, recent-changes, longest-records');
  },
);

it.each([
  ['a parameter too large', { days: 367 }, 'days'],
  ['a parameter too small', { count: 0 }, 'count'],
  ['a fraction', { days: 1.5 }, 'days'],
  ['text', { days: '1; drop table records' }, 'days'],
  ['a list', { days: [1] }, 'days'],
  ['null', { days: null }, 'days'],
  ['a number beyond numbers', { days: 1e308 }, 'days'],
  ['a parameter that it does not take', { dayz: 3 }, 'dayz'],
  ['two mistakes', { days: -1, count: 'x' }, 'count'],
  ['no object', [], 'The body'],
])('answers 400 to %s, and names it', async (_, parameters, named) => {
  const response = await post('alice', 'records-per-day', parameters);
  expect(response.status).toBe(400);
  const { error, error_description } = (await response.json()) as { error: string; error_description: string };
  expect(error).toBe('invalid_request');
  expect(error_description).toContain(named);
});

it('takes JSON, and nothing else', async () => {
  const form = { method: 'POST', body: 'days=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } };
  expect((await api.call('alice', '/reports/words/run', form)).status).toBe(415);
  expect((await api.call('alice', '/reports/words/run', { method: 'POST' })).status).toBe(415);
  expect((await api.call('alice', '/reports/words/run')).status).toBe(405);
});

describe('what a report can do to the database', () => {
  const parameters = { count: 1 };
  const reach = { kind: 'account', sub: 'alice' } as const;
  const store = () => {
    const pool = createPool({ url: api.databaseUrl, max: 5, applicationName: 'reports test' });
    return { pool, reports: new ReportStore(pool) };
  };
  const asking = (sql: string) => ({ description: '', parameters: null as never, sql });

  it('is to read it: a statement that writes fails, and the connection is as it was', async () => {
    const { pool, reports } = store();
    const writing = asking("select nextval('records_position_seq')");
    await expect(reports.run(writing, parameters, reach)).rejects.toThrow(/read-only transaction/);
    const { rows } = await pool.query("select current_setting('transaction_read_only') as read_only");
    expect(rows).toEqual([{ read_only: 'off' }]);
    await pool.end();
  });

  it('ends after a second, and says so', async () => {
    const { pool, reports } = store();
    await expect(reports.run(asking('select pg_sleep(60)'), parameters, reach)).rejects.toThrow(CannotReport);
    expect(pool.totalCount - pool.idleCount).toBe(0);
    await pool.end();
  });

  it('C101: leaves connections to everybody else: of many at once a few run, and the others are told to come again', async () => {
    const { pool, reports } = store();
    const asked = Array.from({ length: 6 }, () => reports.run(asking('select pg_sleep(0.05)'), parameters, reach));
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.map(({ status }) => status).sort()).toEqual([
      ...Array(3).fill('fulfilled'),
      ...Array(3).fill('rejected'),
    ]);
    await expect(reports.run(asking('select 1 as one'), parameters, reach)).resolves.toMatchObject({ rows: [[1]] });
    await pool.end();
  });
});
