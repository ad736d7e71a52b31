import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createPool } from '../../database/connect.ts';
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts';
import { POLICY } from '../../testing/sign-in.ts';
import { createAccountManagement } from '../accounts/manage-accounts.ts';
import { createPasswords, type Passwords } from '../accounts/passwords.ts';
import { applyDirectory } from '../directory/apply-directory.ts';
import { type Directory, parseDirectory } from '../directory/directory.ts';
import type { ResourceServer } from '../resources/resource-server.ts';
import { PostgresAccountStore } from './accounts.ts';
import { createAudit } from './audit.ts';
import { PostgresDirectoryStore } from './directory.ts';
import { PostgresResourceStore } from './resources.ts';

const demo: unknown = parse(readFileSync(join(import.meta.dirname, '../../../config/demo.yaml'), 'utf8'));
const CLIENTS = (demo as { readonly clients: readonly unknown[] }).clients.length;
const nothing: Directory = { resourceServers: [], roles: [], clients: [], trustedIssuers: [], accounts: [] };

let database: TestDatabase;
let pool: pg.Pool;
let passwords: Passwords;
let store: PostgresDirectoryStore;
let resources: PostgresResourceStore;

beforeAll(async () => {
  database = await createTestDatabase('authorization-server');
  pool = createPool({ url: database.url, max: 4, applicationName: 'test' });
  const cheap = { memoryKiB: 1024, iterations: 1, parallelism: 1, concurrency: 2, queue: 64, maxLength: 1024 };
  passwords = await createPasswords(cheap);
  store = new PostgresDirectoryStore(pool);
  resources = new PostgresResourceStore(pool);
});

beforeEach(async () => {
  await pool.query('truncate resource_servers, roles, clients, accounts cascade');
});

afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

async function parseDemo(): Promise<Directory> {
  return parseDirectory(demo, { env: {}, passwordProblem: () => undefined, known: await store.known() });
}

function apply(directory: Directory) {
  const accounts = new PostgresAccountStore(pool);
  const audit = createAudit(pool, () => undefined);
  const endAccess = async () => {};
  const { saveAccount } = createAccountManagement({ accounts, passwords, policy: POLICY, endAccess, audit });
  return applyDirectory(directory, { store, saveAccount });
}

async function waitingForALock(): Promise<number> {
  const { rows } = await pool.query(
    `select count(*)::int as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rows[0].count;
}

/** Every row with its `ctid`, which changes with every write to it. */
async function snapshot(): Promise<unknown[]> {
  const tables = ['resource_servers', 'scopes', 'roles', 'clients', 'accounts', 'account_roles'];
  const rows = tables.map((table) => pool.query(`select ctid, ${table}::text from ${table} order by 2`));
  return (await Promise.all(rows)).map((result) => result.rows);
}

describe('applying a directory', () => {
  it('creates everything the first time and changes nothing the second', async () => {
    const first = await apply(await parseDemo());
    expect(first).toEqual({
      resourceServers: { created: 1, updated: 0, unchanged: 0 },
      roles: { created: 3, updated: 0, unchanged: 0 },
      clients: { created: CLIENTS, updated: 0, unchanged: 0 },
      trustedIssuers: { created: 0, updated: 0, unchanged: 0 },
      accounts: { created: 3, updated: 0, unchanged: 0 },
    });
    const before = await snapshot();
    const second = await apply(await parseDemo());
    expect(Object.values(second).map(({ unchanged }) => unchanged)).toEqual([1, 3, CLIENTS, 0, 3]);
    expect(await snapshot()).toEqual(before);
  });

  it('changes what differs and leaves alone what the file does not name', async () => {
    const directory = await parseDemo();
    await apply(directory);
    const roles = [{ name: 'guest', description: 'Looks around.', scopes: ['records:read', 'blobs:read'] }];
    const changes = await apply({ ...nothing, roles });
    expect(changes.roles).toEqual({ created: 0, updated: 1, unchanged: 0 });
    expect((await resources.listRoles()).map(({ name }) => name)).toEqual(['admin', 'guest', 'user']);
    expect(await resources.permittedScopes(['guest'])).toEqual(new Set(['records:read', 'blobs:read']));
  });

  it('changes resource servers, roles and clients together or not at all', async () => {
    const { roles, clients } = await parseDemo();
    const orphan = {
      ...clients[0],
      clientId: 'orphan',
      resourceServer: 'https://missing.example.com',
    } as Directory['clients'][number];
    await expect(apply({ ...nothing, roles, clients: [orphan] })).rejects.toThrow();
    expect(await resources.listRoles()).toEqual([]);
  });

  it('may happen on several nodes at once', async () => {
    const directory = await parseDemo();
    const results = await Promise.all([apply(directory), apply(directory), apply(directory)]);
    expect(results.reduce((sum, { clients }) => sum + clients.created, 0)).toBe(CLIENTS);
    expect(results.every(({ clients, roles }) => clients.updated === 0 && roles.updated === 0)).toBe(true);
  });

  it('waits for a transaction that writes to several tables, whichever it comes to next', async () => {
    const directory = await parseDemo();
    await apply(directory);
    const other = await pool.connect();
    await other.query(`begin; update scopes set description = 'changed'`);
    const applied = apply(directory);
    await expect.poll(waitingForALock).toBe(1);
    await other.query(`update clients set disabled_at = null; update roles set description = 'changed'; commit`);
    other.release();
    expect((await applied).roles).toEqual({ created: 0, updated: 3, unchanged: 0 });
  });

  it('C97: keeps no secret and no password', async () => {
    await apply(await parseDemo());
    const stored = JSON.stringify(await snapshot());
    expect(stored).toContain('demo-web');
    expect(stored).not.toMatch(/demo-\w+-secret|correct-horse/);
  });
});

describe('resource servers', () => {
  const server = (identifier: string, isDefault: boolean): ResourceServer => ({
    identifier,
    name: 'API',
    isDefault,
    accessTokenFormat: 'jwt',
    accessTokenTtl: 300,
    scopes: [
      { name: 'a:read', description: 'read' },
      { name: 'a:write', description: 'write' },
    ],
    claims: ['email', 'name'],
  });

  it('are listed as they were saved', async () => {
    await apply({ ...nothing, resourceServers: [server('https://a.example', true)] });
    expect(await resources.listResourceServers()).toEqual([server('https://a.example', true)]);
  });

  it('hand over the default', async () => {
    await apply({ ...nothing, resourceServers: [server('https://a.example', true)] });
    await apply({ ...nothing, resourceServers: [server('https://b.example', true)] });
    const listed = await resources.listResourceServers();
    expect(listed.map(({ identifier, isDefault }) => [identifier, isDefault])).toEqual([
      ['https://a.example', false],
      ['https://b.example', true],
    ]);
  });

  it('lose the scopes that their entry no longer has', async () => {
    const before = server('https://a.example', true);
    await apply({ ...nothing, resourceServers: [before] });
    const scopes = [{ name: 'a:read', description: 'look at it' }];
    const { resourceServers } = await apply({ ...nothing, resourceServers: [{ ...before, scopes }] });
    expect(resourceServers.updated).toBe(1);
    expect((await resources.listResourceServers())[0]?.scopes).toEqual(scopes);
  });
});

describe('permittedScopes', () => {
  beforeEach(async () => {
    await pool.query(
      `insert into roles (name, scopes) values ('reader', '{a,b}'), ('writer', '{b,c}'), ('nothing', '{}')`,
    );
  });

  it.each([
    [['reader'], ['a', 'b']],
    [
      ['reader', 'writer'],
      ['a', 'b', 'c'],
    ],
    [['nothing'], []],
    [['unknown'], []],
    [[], []],
  ])('of the roles %j are %j', async (roles, scopes) => {
    expect([...(await resources.permittedScopes(roles))].sort()).toEqual(scopes);
  });
});
