import pg from 'pg';
import { expect, it } from 'vitest';
import { createTestDatabase } from './database.ts';

it('gives every caller a migrated database of its own', async () => {
  const one = await createTestDatabase('authorization-server');
  const others = await Promise.all(Array.from({ length: 8 }, () => createTestDatabase('authorization-server')));
  const urls = new Set([one, ...others].map(({ url }) => url));
  expect(urls.size).toBe(9);
  for (const { url, drop } of [one, ...others]) {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => {});
    await client.connect();
    await client.query('select from clients');
    await drop();
  }
});
