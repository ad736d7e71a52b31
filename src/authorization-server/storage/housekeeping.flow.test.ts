/** Housekeeping has no hour of its own: it happens while everybody is served. */
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import {
  createRelyingParty,
  DEMO_MACHINE,
  DEMO_SPA,
  introspect,
  postForm,
  tokensOf,
} from '../../testing/relying-party.ts';
import { removeExpired } from './artifact-statements.ts';
import { housekeepingJobs } from './housekeeping-jobs.ts';
import { TokenPartitions } from './token-partitions.ts';
import { slotOf } from './token-slot.ts';

const HOUR = 3600;
const ROUNDS = 12;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const hoursAgo = (hours: number) => new Date(Date.now() - hours * HOUR * 1000);

async function saveExpired(count: number): Promise<void> {
  await server.pool.query(
    `insert into artifacts (key, kind, payload, expires_at)
      select gen_random_uuid(), 'Interaction', '', now() - interval '1 day' from generate_series(1, $1)`,
    [count],
  );
  await server.pool.query(
    `insert into tokens (slot, key, kind, payload)
      select $1, gen_random_uuid(), 'AccessToken', '' from generate_series(1, $2)`,
    [slotOf(hoursAgo(4).getTime() / 1000, HOUR), count],
  );
}

// Where the machine stands still for half a second, whoever waits for a turn at the database is refused: that is no failure of it.
it('C98: tokens are issued and looked up while partitions come and go and rows are removed, and no request fails', {
  retry: 3,
}, async () => {
  const machine = createRelyingParty(server.issuer, DEMO_MACHINE);
  const partitions = new TokenPartitions(server.pool, pino({ level: 'silent' }));
  const answers: object[] = [];
  let over = false;
  const requests = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (!over) {
        const { access_token } = tokensOf(await machine.requestToken({ grant_type: 'client_credentials' }));
        answers.push(await introspect(server.issuer, access_token));
      }
    }),
  );
  requests.catch(() => {}); // It is told at the end.
  let dropped = 0;
  for (let round = 0; round < ROUNDS; round++) {
    await partitions.ensure([HOUR], hoursAgo(6));
    await saveExpired(50);
    await Promise.all([server.pool.query(removeExpired(20)), server.pool.query(removeExpired(20))]);
    dropped += (await partitions.dropPast(new Date())) === undefined ? 0 : 1;
    await partitions.removeExpiredFromDefault(new Date(), 20);
  }
  over = true;
  await requests;
  expect(answers.length).toBeGreaterThan(0);
  expect(answers.filter((answer) => !('active' in answer) || answer.active !== true)).toEqual([]);
  expect(dropped).toBeGreaterThan(0);
});

it('C102: of the requests that strangers push for a public client no more are kept than of sign-ins', async () => {
  const request = { response_type: 'code', redirect_uri: DEMO_SPA.redirectUri, scope: 'openid' };
  const challenge = { code_challenge: 'a'.repeat(43), code_challenge_method: 'S256' };
  for (let n = 0; n < 5; n++) {
    expect((await postForm(server.url('/request'), { ...request, ...challenge }, DEMO_SPA)).status).toBe(201);
  }
  const { pool } = server;
  const jobs = housekeepingJobs({
    pool,
    partitions: new TokenPartitions(pool, pino({ level: 'silent' })),
    tokenLifetimes: async () => [HOUR],
    pendingSignIns: { kept: 2, lifetime: HOUR },
    unusedRegistrations: HOUR,
    auditRetention: 86_400,
  });
  await jobs.find(({ name }) => name === 'pending sign-ins')?.step(new Date());
  const { rows } = await pool.query(`select key from artifacts where kind = 'PushedAuthorizationRequest'`);
  expect(rows).toHaveLength(2);
});
