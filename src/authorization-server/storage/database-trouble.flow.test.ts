/** A database that is there and does not do what is asked: out of connections, or not writable. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { REQUEST_TIMEOUTS } from '../../database/connect.ts';
import { startTestServer, type TestServer } from '../../testing/authorization-server.ts';
import { createRelyingParty, DEMO_MACHINE, DEMO_WEB, introspect, revoke, send } from '../../testing/relying-party.ts';
import { UserAgent } from '../../testing/user-agent.ts';

const POOL_SIZE = 2;

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer({
    config: (config) => ({ ...config, database: { ...config.database, poolSize: POOL_SIZE } }),
    timeouts: REQUEST_TIMEOUTS,
  });
});
afterEach(() => server.stop());

const machineToken = () =>
  createRelyingParty(server.issuer, DEMO_MACHINE).requestToken({ grant_type: 'client_credentials' });
const publicKeys = () => send(server.url('/jwks'));

describe('a database whose connections are all taken', () => {
  it('C109: costs a quick 503 while keys are still served, and is forgotten when it is over', async () => {
    const connection = await server.pool.connect();
    await connection.query('begin');
    await connection.query('lock table tokens in access exclusive mode');
    const stuck: ReturnType<typeof machineToken>[] = [];
    // One by one: together they would be one statement, on one connection. None waits for longer than a second: where they come
    // so late that another one has given up, it takes one more.
    const takenConnections = async () => {
      const taken = await waitingForALock();
      if (taken < POOL_SIZE) {
        stuck.push(machineToken());
      }
      return taken;
    };
    await expect.poll(takenConnections).toBe(POOL_SIZE);
    const late = machineToken();
    expect((await publicKeys()).status).toBe(200);
    for (const refused of await Promise.all([...stuck, late])) {
      expect(refused).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } });
      expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    }
    await connection.query('rollback');
    connection.release();
    expect((await machineToken()).status).toBe(200);
  });
});

describe('a database that cannot be written to', () => {
  it('C114: costs 503 and leaves nothing half-written', async () => {
    const web = createRelyingParty(server.issuer, DEMO_WEB);
    const [unused, used] = [await web.authorize({}), await web.authorize({})];
    const tokens = await web.exchange(used);
    const before = await everyRow();
    await setReadOnly(true);
    expect(await web.exchange(unused)).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } });
    expect((await web.refresh(String(tokens.body.refresh_token))).status).toBe(503);
    expect((await revoke(server.issuer, String(tokens.body.access_token), DEMO_WEB)).status).toBe(503);
    expect((await machineToken()).status).toBe(503);
    expect((await new UserAgent(server.issuer).get(web.authorizationUrl())).status).toBe(503);
    expect(await introspect(server.issuer, String(tokens.body.access_token))).toMatchObject({ active: true });
    expect(await everyRow()).toEqual(before);
    await setReadOnly(false);
    expect((await web.exchange(unused)).status).toBe(200);
    expect((await web.refresh(String(tokens.body.refresh_token))).status).toBe(200);
  });
});

async function everyRow() {
  const { rows } = await server.pool.query('select to_jsonb(artifacts) as row from artifacts order by key');
  const { rows: tokens } = await server.pool.query('select to_jsonb(tokens) as row from tokens order by key');
  return [...rows, ...tokens];
}

/** For the connections that are made from now on, so those that there are must go. */
async function setReadOnly(readOnly: boolean): Promise<void> {
  const database = new URL(server.databaseUrl).pathname.slice(1);
  await server.pool.query(`
    start transaction read write;
    alter database "${database}" set default_transaction_read_only = ${readOnly};
    commit`);
  await server.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'concierge'`,
  );
  await expect.poll(connectionsOfTheServer).toBe(0);
}

async function connectionsOfTheServer(): Promise<number> {
  return countOf(`application_name = 'concierge'`);
}

async function waitingForALock(): Promise<number> {
  return countOf(`wait_event_type = 'Lock'`);
}

async function countOf(connections: string): Promise<number> {
  const { rows } = await server.pool.query(
    `select count(*)::int as count from pg_stat_activity where datname = current_database() and ${connections}`,
  );
  return rows[0].count;
}
