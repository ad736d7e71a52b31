import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from '../contenders/child.ts';
import { prepareDatabase, startProduct } from '../contenders/product.ts';
import { startResourceApi } from '../contenders/resource-api.ts';
import { Connection } from '../load/connection.ts';
import { openLoop, type Percentiles, percentilesOf } from '../load/open-loop.ts';
import { expectStatus, get, pick, postForm } from '../load/requests.ts';
import { issueTokens, type MachineToken } from '../load/supply.ts';
import type { Stage } from '../stage.ts';

/** How soon a resource API refuses what another node than the one that it asks has revoked, while it is busy. */
export interface RevocationReach {
  /** Milliseconds from sending the revocation to the first refusal. */
  readonly delays: Percentiles;
  /** To the resource API in the meantime, all told. */
  readonly requests: number;
  /** Of the resource API, about tokens, because of these. */
  readonly questions: number;
}

const SECONDS = 20;
const REVOCATIONS = 200;
const RATE = 2_000;
const CONNECTIONS = 64;
/** Who keeps calling meanwhile. */
const TOKENS = 200;
/** Until the guard hears of revocations, and remembers for longer than a second. */
const SETTLED_MS = 2_500;

export async function measureRevocationReach(stage: Stage): Promise<RevocationReach> {
  const databaseUrl = await stage.database('revocation');
  await prepareDatabase(databaseUrl, { light: true });
  const logFile = stage.logFile('revocation');
  const running: Child[] = [];
  const enter = async (started: Promise<Child>) => {
    const child = await started;
    running.push(child);
    return child;
  };
  try {
    const asked = await enter(startProduct({ databaseUrl, light: true, logFile }));
    const env = { CONCIERGE_ISSUER: `http://localhost:${asked.port}` };
    const other = await enter(startProduct({ databaseUrl, light: true, logFile: stage.logFile('other'), env }));
    const apiDatabase = await stage.database('revocation-api');
    const options = { databaseUrl: apiDatabase, issuerPort: asked.port, logFile: stage.logFile('revocation-api') };
    const api = await enter(startResourceApi(options));
    return await measure({ api: api.port, issuer: asked.port, other: other.port, logFile });
  } finally {
    await Promise.all(running.map((child) => child.stop()));
  }
}

interface Servers {
  readonly api: number;
  readonly issuer: number;
  readonly other: number;
  /** Of the node that the API asks. */
  readonly logFile: string;
}

async function measure({ api, issuer, other, logFile }: Servers): Promise<RevocationReach> {
  const once = { seconds: 1, connections: CONNECTIONS };
  const callers = await issueTokens(issuer, once, TOKENS);
  const doomed = await issueTokens(issuer, once, REVOCATIONS);
  const request = () => whoami(pick(callers));
  const load = { port: api, connections: CONNECTIONS, rate: RATE, request };
  await openLoop({ ...load, seconds: SETTLED_MS / 1000 });
  await openLoop({ ...load, seconds: 1 });
  const connection = new Connection(api);
  for (const one of doomed) {
    expectStatus(await connection.exchange(whoami(one)), 200);
  }
  connection.close();
  const before = introspections(logFile);
  const [busy, revoked] = await Promise.all([openLoop({ ...load, seconds: SECONDS }), revokeAll(doomed, api, other)]);
  return {
    delays: percentilesOf(revoked.delays),
    requests: busy.accepted.count + revoked.requests,
    questions: introspections(logFile) - before,
  };
}

/** One after the other, evenly over the time. */
async function revokeAll(doomed: readonly MachineToken[], api: number, other: number) {
  const [calls, revocations] = [new Connection(api), new Connection(other)];
  const delays: number[] = [];
  let requests = 0;
  const call = async (token: MachineToken) => {
    requests += 1;
    return (await calls.exchange(whoami(token))).status;
  };
  const startedAt = performance.now();
  for (const [number, one] of doomed.entries()) {
    await sleep(Math.max(0, startedAt + (number * SECONDS * 1000) / doomed.length - performance.now()));
    if ((await call(one)) !== 200) {
      throw new Error('the resource API refuses a token before it is revoked');
    }
    const sentAt = performance.now();
    const revocation = revocations.exchange(postForm('/token/revocation', { token: one.token }, one.client));
    while ((await call(one)) !== 401) {
      await sleep(1);
    }
    delays.push(performance.now() - sentAt);
    expectStatus(await revocation, 200);
  }
  calls.close();
  revocations.close();
  return { delays, requests };
}

function whoami({ token }: MachineToken): string {
  return get('/whoami', { Authorization: `Bearer ${token}` });
}

/** The product logs every request. */
function introspections(logFile: string): number {
  return readFileSync(logFile, 'utf8').split('"path":"/token/introspection"').length - 1;
}
