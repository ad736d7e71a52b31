import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { portHolder } from '../../src/cli/port-holder.ts';
import { connectTestServer } from '../../src/test-kit/client.ts';
import { ISSUER, PLAYGROUND, RESOURCE_API, SAMPLE_SINGLE_PAGE_APP, SAMPLE_WEB_APP } from '../addresses.ts';
import { CAREFUL, TEST_DIRECTORY } from '../directory.ts';
import { type Database, startDatabase } from './database.ts';
import { LastWill } from './last-will.ts';
import { type ConciergeProcess, runConcierge, startConcierge, untilHealthy } from './process.ts';

/** What is served, where it answers once it is up. Their logs bear their names. */
const PROCESSES = [
  { argv: ['test-server', '--json', '--issuer-port', new URL(ISSUER).port], healthy: `${ISSUER}/healthz` },
  { argv: ['resource-api', '--development'], healthy: `${RESOURCE_API}/healthz` },
  { argv: ['playground'], healthy: `${PLAYGROUND}/` },
  { argv: ['samples'], healthy: `${SAMPLE_SINGLE_PAGE_APP}/` },
] as const;

/**
 * Before all tests: PostgreSQL and the processes, one by one as in production. The authorization server is one that tests can
 * drive; those of faults/, and others that have nodes of their own, are as operators start them.
 */
export default async function startEverything(): Promise<() => Promise<void>> {
  await refuseTakenPorts();
  const lastWill = new LastWill();
  const running: ConciergeProcess[] = [];
  const database = await startDatabase(lastWill);
  const stop = async () => {
    await Promise.all(running.map((one) => one.stop()));
    await database.stop();
    lastWill.fulfilled();
  };
  try {
    await start(database, lastWill, running);
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}

async function start(database: Database, lastWill: LastWill, running: ConciergeProcess[]): Promise<void> {
  const env = {
    ...database.urls,
    CONCIERGE_SECRET: randomBytes(32).toString('base64url'),
    CONCIERGE_RESOURCE_API_CLIENT_SECRET: 'demo-api-secret',
    CONCIERGE_SECOND_FACTOR_REQUIRED_FOR_ROLES: CAREFUL,
    CONCIERGE_LOG_LEVEL: 'info',
  };
  const logOf = (name: string) => join(database.directory, `${name}.log`);
  for (const argv of [['migrate'], ['apply', '--development', '-f', 'config/demo.yaml']]) {
    await runConcierge({ argv, env, lastWill, log: logOf('prepare') });
  }
  await database.becomeTemplate();
  for (const { argv } of PROCESSES) {
    running.push(startConcierge({ argv, env, lastWill, log: logOf(argv[0]) }));
  }
  await Promise.all(running.map((one, index) => untilHealthy(one, PROCESSES[index]?.healthy ?? '')));
  const announcement = running[0]?.output().match(/^\{"issuer".*$/m)?.[0] ?? '';
  await connectTestServer(JSON.parse(announcement)).applyDirectory(TEST_DIRECTORY);
  process.env.CONCIERGE_TEST_SERVER = announcement;
  process.env.E2E_DATABASE_URL = database.urls.DATABASE_URL;
  process.env.E2E_LOGS = JSON.stringify(PROCESSES.map(({ argv }) => logOf(argv[0])));
}

/** The redirect URIs of the demo clients name ports, so the ports cannot be others. */
async function refuseTakenPorts(): Promise<void> {
  for (const address of [ISSUER, RESOURCE_API, PLAYGROUND, SAMPLE_WEB_APP, SAMPLE_SINGLE_PAGE_APP]) {
    const answer = await fetch(address, { redirect: 'manual' }).catch(() => undefined);
    if (answer !== undefined) {
      const holder = await portHolder(Number(new URL(address).port));
      throw new Error(
        `Something answers at ${address} already${holder === undefined ? '' : `: ${holder}`}. ` +
          'The browser tests start their own servers at the ports 3000 to 3004: stop it first ("concierge dev"?).',
      );
    }
  }
}
