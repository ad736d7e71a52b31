import type pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPool } from '../../database/connect.ts';
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts';
import type { Client } from '../clients/client.ts';
import { PostgresClientRegistrations } from './client-registrations.ts';
import { housekeepingJobs } from './housekeeping-jobs.ts';
import { PostgresInitialAccessTokens } from './initial-access-tokens.ts';
import { TokenPartitions } from './token-partitions.ts';

let database: TestDatabase;
let pool: pg.Pool;
let registrations: PostgresClientRegistrations;
beforeAll(async () => {
  database = await createTestDatabase('authorization-server');
  pool = createPool({ url: database.url, max: 8, applicationName: 'test' });
  registrations = new PostgresClientRegistrations(pool);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const PLENTY = 1_000;

function clientNamed(clientId: string, client_name: string): Client {
  const metadata = {
    client_name,
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  } as const;
  return { clientId, metadata, secretHash: undefined, resourceServer: undefined, selfDescribed: 'registration' };
}

function register(clientId: string) {
  const client = clientNamed(clientId, 'First');
  const registration = {
    client,
    accessTokenHash: 'first',
    initialAccessToken: undefined,
    policy: { scopes: ['openid'] },
  };
  return registrations.register(registration, PLENTY);
}

it('finds what was registered, and nothing of a client that an operator registered', async () => {
  const issuedAt = await register('found');
  expect(await registrations.find('found')).toEqual({
    client: { ...clientNamed('found', 'First'), createdAt: expect.any(Date) },
    accessTokenHash: 'first',
    policy: { scopes: ['openid'] },
    issuedAt,
  });
  await pool.query(`insert into clients (client_id, metadata) values ('of-operator', '{}')`);
  expect(await registrations.find('of-operator')).toBeUndefined();
  expect(await registrations.remove('of-operator', 'first')).toBe(false);
});

it('C98: what nobody uses, and tokens that have expired, are jobs of the housekeeping', async () => {
  await register('abandoned');
  await register('used');
  await registrations.markUsed('used');
  const tokens = new PostgresInitialAccessTokens(pool);
  await tokens.issue({ id: 'old', policy: {}, tokenHash: 'old', lifetime: 60 });
  await tokens.issue({ id: 'new', policy: {}, tokenHash: 'new', lifetime: 60 });
  await pool.query(`
    update client_registrations set registered_at = now() - interval '2 hours';
    update initial_access_tokens set expires_at = now() - interval '1 hour' where id = 'old'`);
  const partitions = new TokenPartitions(pool, pino({ level: 'silent' }));
  const pendingSignIns = { kept: 1, lifetime: 1 };
  const deps = {
    pool,
    partitions,
    tokenLifetimes: async () => [],
    pendingSignIns,
    unusedRegistrations: 3600,
    auditRetention: 86_400,
  };
  for (const job of housekeepingJobs(deps).filter(({ name }) => /registrations|initial access/.test(name))) {
    expect(await job.step(new Date())).toBe(false);
  }
  expect(await registrations.find('abandoned')).toBeUndefined();
  expect(await registrations.find('used')).toBeDefined();
  expect((await pool.query('select id from initial_access_tokens')).rows).toEqual([{ id: 'new' }]);
});

it('C82: of any number of changes with one token exactly one is made', async () => {
  await register('changed');
  const changes = Array.from({ length: 8 }, (_, index) =>
    registrations.reissue({
      client: clientNamed('changed', `Name ${index}`),
      formerAccessTokenHash: 'first',
      accessTokenHash: `second ${index}`,
    }),
  );
  const made = await Promise.all(changes);
  expect(made.filter(Boolean)).toHaveLength(1);
  const winner = made.indexOf(true);
  expect(await registrations.find('changed')).toMatchObject({
    client: { metadata: { client_name: `Name ${winner}` } },
    accessTokenHash: `second ${winner}`,
  });
});

it('C82: a client is removed with the token of this moment only, and once', async () => {
  await register('removed');
  expect(await registrations.remove('removed', 'former')).toBe(false);
  const removals = await Promise.all([1, 2, 3].map(() => registrations.remove('removed', 'first')));
  expect(removals.filter(Boolean)).toHaveLength(1);
  expect(await registrations.find('removed')).toBeUndefined();
});
