import { join } from 'node:path';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPasswords } from '../authorization-server/accounts/passwords.ts';
import { PostgresClientStore } from '../authorization-server/storage/clients.ts';
import { PostgresResourceStore } from '../authorization-server/storage/resources.ts';
import { createPool } from '../database/connect.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { HASHING } from '../testing/sign-in.ts';
import { applyContent, readDirectoryFile } from './apply.ts';
import { followMovedResourceServers } from './moved-resource-servers.ts';

const DEMO = join(import.meta.dirname, '../../config/demo.yaml');
const OWN = 'https://books.example.com';

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase('authorization-server');
  pool = createPool({ url: database.url, max: 2, applicationName: 'test' });
});

afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

const demoAt = (port: number) =>
  readDirectoryFile(DEMO, (text) => text.replaceAll('http://localhost:3001', `http://localhost:${port}`));

async function apply(content: unknown) {
  const passwords = await createPasswords(HASHING);
  const policy = { offlineProblem: () => undefined };
  return applyContent(content, { pool, passwords, policy, env: {}, mode: 'development' });
}

async function startAt(port: number): Promise<void> {
  await followMovedResourceServers(pool, demoAt(port));
  await apply(demoAt(port));
}

it('moves the resource API of the demo directory, there and back, with whoever asks about its tokens', async () => {
  await startAt(3001);
  await apply({
    resourceServers: [{ identifier: OWN, name: 'Books', scopes: [{ name: 'books:read', description: 'see books' }] }],
    clients: [
      {
        client_id: 'of-mine',
        client_secret: 's',
        grant_types: [],
        client_name: 'Mine',
        resource_server: 'http://localhost:3001',
      },
    ],
  });
  for (const port of [4001, 3001, 3001]) {
    await startAt(port);
    const here = `http://localhost:${port}`;
    const servers = await new PostgresResourceStore(pool).listResourceServers();
    expect(servers.map(({ identifier, isDefault }) => [identifier, isDefault])).toEqual([
      [here, true],
      [OWN, false],
    ]);
    expect(servers[0]?.authorizationDetailsTypes?.map(({ type }) => type)).toEqual(['file_upload']);
    expect(servers[0]?.scopes).toHaveLength(5);
    const clients = new PostgresClientStore(pool);
    for (const clientId of ['demo-api', 'of-mine']) {
      expect(await clients.findClient(clientId)).toMatchObject({ resourceServer: here });
    }
  }
});
