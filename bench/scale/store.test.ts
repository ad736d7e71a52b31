import pg from 'pg';
import { expect, it } from 'vitest';
import { placeOf } from '../../src/authorization-server/storage/token-payload.ts';
import { createTestDatabase } from '../../src/testing/database.ts';
import { fill, idOf } from './store.ts';

it('makes tokens whose ids are known, each at the place that the product looks it up at', async () => {
  const database = await createTestDatabase('authorization-server');
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(
    `insert into tokens (slot, key, kind, client_id, payload) values (0, gen_random_uuid(), 'ClientCredentials', 'machine', '{}')`,
  );
  const now = Math.floor(Date.now() / 1000);
  const tokens = { count: 50, from: now, until: now + 30 };
  await fill(client, tokens);
  const { rows } = await client.query(`select slot, replace(key::text, '-', '') as key from tokens where slot > 0`);
  const places = Array.from({ length: tokens.count }, (_, n) => placeOf(idOf(tokens, n)));
  const byKey = (one: { key: string }, other: { key: string }) => (one.key < other.key ? -1 : 1);
  expect(rows.sort(byKey)).toEqual(places.sort(byKey));
  await client.end();
  await database.drop();
});
