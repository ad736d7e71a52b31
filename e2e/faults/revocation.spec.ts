import pg from 'pg';
import { createRelyingParty, DEMO_MACHINE, DEMO_WEB, revoke, tokensOf } from '../../src/testing/relying-party.ts';
import { type Balancer, startBalancer } from '../servers/balancer.ts';
import { type Node, type Nodes, prepareNodes } from '../servers/nodes.ts';
import { until } from '../servers/process.ts';
import { expect, test } from '../test.ts';

/**
 * Two resource APIs, which remember answers for a minute, and two nodes of the authorization server behind one address. What is
 * revoked at either node is refused by both APIs at once, whatever happens to the nodes.
 */
test.describe.configure({ mode: 'serial' });

/** More of them to measure: REVOCATIONS=300. */
const REVOCATIONS = Number(process.env.REVOCATIONS ?? 20);

let nodes: Nodes;
let balancer: Balancer;
let database: pg.Client;
let authorizationServers: Node[];
let apis: Node[];

test.beforeAll(async () => {
  nodes = await prepareNodes();
  balancer = await startBalancer(nodes.issuer);
  authorizationServers = await Promise.all([nodes.start(), nodes.start()]);
  balancer.nodes.push(...authorizationServers.map(({ address }) => address));
  apis = await Promise.all([nodes.startResourceApi(), nodes.startResourceApi()]);
  database = new pg.Client(nodes.database.urls.DATABASE_URL);
  await database.connect();
});

test.afterAll(async () => {
  await database.end();
  await nodes.stop();
  await balancer.stop();
});

const machine = () => createRelyingParty(nodes.issuer, DEMO_MACHINE);

async function obtainToken(): Promise<string> {
  const parameters = { grant_type: 'client_credentials', scope: 'records:read' };
  return tokensOf(await machine().requestToken(parameters)).access_token;
}

async function call({ address }: Node, token: string): Promise<number> {
  const response = await fetch(`${address}/whoami`, { headers: { authorization: `Bearer ${token}` } });
  await response.body?.cancel();
  return response.status;
}

const callAll = (token: string) => Promise.all(apis.map((api) => call(api, token)));

/** How often the authorization server was asked about tokens, by its own log. */
function introspections(): number {
  const logs = authorizationServers.map(({ process }) => process.output());
  return logs.join('\n').split('"path":"/token/introspection"').length - 1;
}

/** Both APIs hear of revocations: a token is not asked about again for longer than they would remember it otherwise. */
async function isFollowed(): Promise<void> {
  const token = await obtainToken();
  await until(async () => {
    await callAll(token);
    const asked = introspections();
    const end = Date.now() + 1_500;
    while (Date.now() < end) {
      await callAll(token);
    }
    return introspections() === asked;
  }, 'both APIs remember answers');
}

test('C87: a resource API under load asks about less than one request in a hundred', async () => {
  await isFollowed();
  const tokens = await Promise.all(Array.from({ length: 3 }, obtainToken));
  const requests = 500;
  const measure = async () => {
    const before = introspections();
    for (let sent = 0; sent < requests; sent += 1) {
      expect(await callAll(tokens[sent % tokens.length] ?? '')).toEqual([200, 200]);
    }
    const hits = 1 - (introspections() - before) / (requests * apis.length);
    console.log(`${requests * apis.length} requests, ${(hits * 100).toFixed(2)} % of them answered from memory`);
    return hits;
  };
  // Again where the machine stood still for a second, in which nobody could be told of a revocation.
  await expect.poll(measure, { timeout: 60_000 }).toBeGreaterThan(0.99);
});

test('C87, C42: what one node has revoked both APIs refuse, long before they would have asked again', async () => {
  await isFollowed();
  const latencies: number[] = [];
  for (let round = 0; round < REVOCATIONS; round += 1) {
    const token = await obtainToken();
    expect(await callAll(token)).toEqual([200, 200]);
    const { address } = authorizationServers[round % 2] as Node;
    expect((await revoke(address, token, DEMO_MACHINE)).status).toBe(200);
    const revokedAt = performance.now();
    await Promise.all(
      apis.map(async (api) => {
        await until(async () => (await call(api, token)) === 401, 'the token is refused', 5);
        latencies.push(performance.now() - revokedAt);
      }),
    );
  }
  latencies.sort((one, other) => one - other);
  const at = (share: number) => `${latencies[Math.ceil(latencies.length * share) - 1]?.toFixed(0)} ms`;
  console.log(`${REVOCATIONS} revocations, refused by both APIs: p50 ${at(0.5)}, p99 ${at(0.99)}, last ${at(1)}`);
});

test('C87: what ends while no node can tell of it is refused nevertheless, and then all is as before', async () => {
  await isFollowed();
  const tokens = await Promise.all(Array.from({ length: 3 }, obtainToken));
  await Promise.all(tokens.map(callAll));
  const LISTENING = `application_name = 'concierge security events'`;
  await database.query(`select pg_terminate_backend(pid) from pg_stat_activity where ${LISTENING}`);
  await revoke(nodes.issuer, tokens[0] ?? '', DEMO_MACHINE);
  await expect.poll(() => callAll(tokens[0] ?? '')).toEqual([401, 401]);
  expect(await callAll(tokens[1] ?? '')).toEqual([200, 200]);
  await isFollowed();
});

test('C87, C107: receivers of a node that dies go on at another, and miss nothing', async () => {
  await isFollowed();
  const web = createRelyingParty(nodes.issuer, DEMO_WEB);
  const { access_token } = await web.obtainTokens({ scope: 'openid records:read' });
  expect(await callAll(access_token)).toEqual([200, 200]);
  const streams = await streamIds();
  const [doomed, other] = authorizationServers as [Node, Node];
  balancer.nodes.splice(0, 2, other.address);
  doomed.process.signal('SIGKILL');
  await revoke(other.address, access_token, DEMO_WEB);
  await expect.poll(() => callAll(access_token)).toEqual([401, 401]);
  await doomed.process.ended();
  await isFollowed();
  expect(await streamIds()).toEqual(streams);
});

test('C108: a node stops while polls wait at it; and an API that stops leaves no stream behind', async () => {
  const started = await nodes.start();
  balancer.nodes.splice(0, 1, started.address);
  const [, leaving] = authorizationServers as [Node, Node];
  await leaving.process.stop();
  expect(leaving.process.exitCode).toBe(0);
  authorizationServers = [started];
  await isFollowed();
  const [api, ...rest] = apis as [Node, Node];
  await api.process.stop();
  apis = rest;
  expect((await streamIds()).length).toBe(1);
});

async function streamIds(): Promise<string[]> {
  const { rows } = await database.query<{ id: string }>('select id from event_streams order by id');
  return rows.map(({ id }) => id);
}
