import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPool } from '../../database/connect.ts';
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts';
import type { Client } from '../clients/client.ts';
import { hashSecret } from '../clients/secret.ts';
import { PostgresClientStore } from './clients.ts';

let database: TestDatabase;
let pool: pg.Pool;
let clients: PostgresClientStore;

beforeAll(async () => {
  database = await createTestDatabase('authorization-server');
  pool = createPool({ url: database.url, max: 4, applicationName: 'test' });
  clients = new PostgresClientStore(pool);
});

afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

function clientCalled(clientId: string): Client {
  return {
    clientId,
    metadata: {
      client_name: 'Shop',
      redirect_uris: ['https://shop.example.com/cb'],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      scope: 'openid',
    },
    secretHash: hashSecret('canary-client-secret'),
    resourceServer: undefined,
  };
}

it('goes through every client that somebody vouches for and that is not disabled, however many there are', async () => {
  const ids = Array.from({ length: 501 }, (_, n) => `many-${String(n).padStart(3, '0')}`);
  for (const id of ids) {
    await clients.saveClient(clientCalled(id));
  }
  await pool.query("update clients set disabled_at = now() where client_id = 'many-007'");
  await pool.query(
    "insert into client_registrations (client_id, access_token_hash, policy) values ('many-008', 'a-hash', '{}')",
  );
  const found = [];
  for await (const { clientId } of clients.vouchedFor()) {
    found.push(clientId);
  }
  expect(found.filter((id) => id.startsWith('many-'))).toEqual(
    ids.filter((id) => id !== 'many-007' && id !== 'many-008'),
  );
});

async function updatedAt(clientId: string): Promise<Date> {
  const { rows } = await pool.query('select updated_at from clients where client_id = $1', [clientId]);
  return rows[0].updated_at;
}

describe('PostgresClientStore', () => {
  it('finds a client as it was saved', async () => {
    const shop = clientCalled('shop');
    expect(await clients.saveClient(shop)).toBe('created');
    expect(await clients.findClient('shop')).toEqual({ ...shop, createdAt: expect.any(Date) });
  });

  it('writes nothing when the client is stored like that already', async () => {
    const same = clientCalled('same');
    await clients.saveClient(same);
    const before = await updatedAt('same');
    const { client_name, ...rest } = same.metadata;
    const otherOrder = { ...same, metadata: { ...rest, client_name } as Client['metadata'] };
    expect(await clients.saveClient(otherOrder)).toBe('unchanged');
    expect(await updatedAt('same')).toEqual(before);
  });

  it('replaces everything when anything differs', async () => {
    const { client_name: _, ...metadata } = clientCalled('changed').metadata;
    await clients.saveClient(clientCalled('changed'));
    const changed = { ...clientCalled('changed'), metadata, secretHash: undefined };
    expect(await clients.saveClient(changed)).toBe('updated');
    expect(await clients.findClient('changed')).toEqual({ ...changed, createdAt: expect.any(Date) });
  });

  it('does not find a disabled client, and saving it does not enable it', async () => {
    await clients.saveClient(clientCalled('disabled'));
    await pool.query("update clients set disabled_at = now() where client_id = 'disabled'");
    expect(await clients.findClient('disabled')).toBeUndefined();
    await clients.saveClient({ ...clientCalled('disabled'), secretHash: undefined });
    expect(await clients.findClient('disabled')).toBeUndefined();
  });

  it('deletes a client once', async () => {
    await clients.saveClient(clientCalled('gone'));
    expect(await clients.deleteClient('gone')).toBe(true);
    expect(await clients.deleteClient('gone')).toBe(false);
    expect(await clients.findClient('gone')).toBeUndefined();
  });

  it.each(['', 'nobody', 'shop\0', '\0', '\ud800', 'x'.repeat(1_000_000), "shop' or '1'='1"])(
    'finds nothing for an id like %.20j',
    async (clientId) => {
      expect(await clients.findClient(clientId)).toBeUndefined();
    },
  );

  it('saves a client once when several try at the same time', async () => {
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => clients.saveClient(clientCalled('race'))));
    expect(outcomes.filter((outcome) => outcome === 'updated')).toEqual([]);
    expect(await clients.findClient('race')).toEqual({ ...clientCalled('race'), createdAt: expect.any(Date) });
  });

  it('C97: keeps no client secret', async () => {
    await clients.saveClient(clientCalled('secretive'));
    const { rows } = await pool.query<{ row: string }>('select clients::text as row from clients');
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.some(({ row }) => row.includes('canary'))).toBe(false);
  });
});
