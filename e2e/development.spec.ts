import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRelyingParty, DEMO_PASSWORD_CLIENT, tokensOf } from '../src/testing/relying-party.ts';
import { DEMO_PASSWORD } from '../src/testing/user-agent.ts';
import { violationsOn } from './accessible.ts';
import { LastWill } from './servers/last-will.ts';
import { type ConciergeOptions, type ConciergeProcess, startConcierge, until } from './servers/process.ts';
import { steadyPort } from './servers/steady-port.ts';
import { ALICE } from './steps.ts';
import { expect, test } from './test.ts';

/** `concierge dev` as somebody starts it who has just cloned the repository, at ports and with data of its own. */
let data: string;
let ports: readonly [server: number, api: number, playground: number, webApp: number, singlePageApp: number];
let lastWill: LastWill;
const started: ConciergeProcess[] = [];

test.beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'concierge-dev-'));
  await chmod(data, 0o755); // As root PostgreSQL runs as somebody else, who has to pass.
  ports = [await steadyPort(), await steadyPort(), await steadyPort(), await steadyPort(), await steadyPort()];
  lastWill = new LastWill();
  lastWill.place(data);
});

test.afterAll(async () => {
  await Promise.all(started.filter((dev) => dev.running).map((dev) => dev.stop()));
  await rm(data, { recursive: true, force: true });
  lastWill.fulfilled();
});

const addressOf = (port: number) => `http://localhost:${port}`;

type How = Pick<ConciergeOptions, 'program' | 'argv'>;

function startDev(how: How = { argv: ['dev'] }): ConciergeProcess {
  const [server, api, playground, webApp, singlePageApp] = ports;
  const env = {
    CONCIERGE_LISTEN_PORT: String(server),
    CONCIERGE_RESOURCE_API_LISTEN_PORT: String(api),
    CONCIERGE_PLAYGROUND_LISTEN_PORT: String(playground),
    CONCIERGE_SAMPLES_WEB_APP_LISTEN_PORT: String(webApp),
    CONCIERGE_SAMPLES_SINGLE_PAGE_APP_LISTEN_PORT: String(singlePageApp),
  };
  const log = join(data, `dev-${started.length}.log`);
  const dev = startConcierge({ ...how, argv: [...how.argv, '--data', data], env, lastWill, log });
  started.push(dev);
  return dev;
}

async function startDevAndWait(how?: How): Promise<ConciergeProcess> {
  const dev = startDev(how);
  await until(() => !dev.running || dev.output().includes('Concierge is ready'), 'concierge dev is ready');
  if (!dev.running) {
    throw new Error(dev.output());
  }
  return dev;
}

/** The line to open in a browser. */
function linkOf(output: string, clientId: string): string {
  const link = output.split('\n').find((line) => line.includes(`/auth?client_id=${clientId}&`));
  expect(link).toBeDefined();
  return String(link).trim();
}

const pidFile = () => join(data, 'postgres/cluster/postmaster.pid');

async function answers(port: number): Promise<boolean> {
  return fetch(addressOf(port)).then(
    () => true,
    () => false,
  );
}

/** Ctrl-C, and a look at what is left. */
async function interrupt(dev: ConciergeProcess): Promise<void> {
  dev.signalGroup('SIGINT');
  await dev.ended();
  expect(dev.exitCode).toBe(0);
  expect(await Promise.all(ports.map(answers))).toEqual(ports.map(() => false));
  expect(existsSync(pidFile())).toBe(false);
}

async function tokenOfAlice(): Promise<string> {
  const party = createRelyingParty(addressOf(ports[0]), DEMO_PASSWORD_CLIENT);
  const credentials = { username: ALICE.email, password: DEMO_PASSWORD };
  const scope = 'records:read records:write';
  return tokensOf(await party.requestToken({ grant_type: 'password', ...credentials, scope })).access_token;
}

async function listRecords(accessToken: string): Promise<string[]> {
  const headers = { authorization: `Bearer ${accessToken}` };
  const { records } = await (await fetch(`${addressOf(ports[1])}/records`, { headers })).json();
  return records.map(({ id }: { id: string }) => id);
}

async function deleteRecord(id: string | undefined, accessToken: string): Promise<void> {
  const init = { method: 'DELETE', headers: { authorization: `Bearer ${accessToken}` } };
  expect((await fetch(`${addressOf(ports[1])}/records/${id}`, init)).status).toBe(204);
}

async function createRecord(accessToken: string): Promise<string> {
  const response = await fetch(`${addressOf(ports[1])}/records`, {
    method: 'POST',
    headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ title: 'Kept', body: 'For the next start.' }),
  });
  return ((await response.json()) as { id: string }).id;
}

async function readRecord(id: string, accessToken: string): Promise<number> {
  const headers = { authorization: `Bearer ${accessToken}` };
  return (await fetch(`${addressOf(ports[1])}/records/${id}`, { headers })).status;
}

test('says where everything is and how to begin, stops at Ctrl-C, and keeps everything, kill -9 included', async ({
  page,
}) => {
  test.setTimeout(90_000);
  const first = await startDevAndWait();
  const output = first.output();
  const [server, , , webApp, singlePageApp] = ports;
  for (const words of [...ports.map(addressOf), ALICE.email, DEMO_PASSWORD, 'curl -u demo-machine']) {
    expect(output).toContain(words);
  }
  await page.goto(addressOf(server));
  await expect(page.getByTestId('demo-account')).toHaveCount(3);
  expect(await violationsOn(page)).toEqual([]);
  for (const signIn of [`${addressOf(webApp)}/sign-in`, `${addressOf(singlePageApp)}/bff/sign-in`]) {
    await page.goto(signIn);
    await expect(page.getByTestId('email')).toBeVisible();
  }
  await page.goto(linkOf(output, 'demo-web'));
  await page.getByTestId('demo-accounts').locator('summary').click();
  await expect(page.getByTestId('demo-account').first()).toContainText(ALICE.email);
  expect(await violationsOn(page)).toEqual([]);
  const accessToken = await tokenOfAlice();
  const [deleted, ...demo] = await listRecords(accessToken);
  expect(demo.length).toBeGreaterThan(0);
  await deleteRecord(deleted, accessToken);
  const id = await createRecord(accessToken);
  await interrupt(first);

  const second = await startDevAndWait();
  expect(await listRecords(accessToken)).toEqual([id, ...demo]);
  expect(await readRecord(id, accessToken)).toBe(200);
  const other = await createRecord(accessToken);
  second.signal('SIGKILL');
  await second.ended();

  const third = await startDevAndWait();
  expect(await readRecord(id, accessToken)).toBe(200);
  expect(await readRecord(other, accessToken)).toBe(200);
  await interrupt(third);
  expect(await readFile(join(data, 'postgres/postgres.log'), 'utf8')).not.toMatch(/^.*(PANIC|corrupt)/m);
});

test('started by npm, stops with it when a supervisor ends it', async () => {
  const npm = await startDevAndWait({ program: ['npm', 'start', '--'], argv: [] });
  npm.signal('SIGTERM');
  await npm.ended();
  const isOver = async () => !existsSync(pidFile()) && !(await Promise.all(ports.map(answers))).includes(true);
  await until(isOver, 'nothing is left of it');
});

test('names the port that is in use and who holds it, and leaves nothing running', async () => {
  const holder = createServer().listen(ports[1], '127.0.0.1');
  const dev = startDev();
  await dev.ended();
  holder.close();
  expect(dev.exitCode).toBe(1);
  expect(dev.output()).toContain(`Port ${ports[1]} is in use by `);
  if (process.platform === 'linux') {
    expect(dev.output()).toContain(`(pid ${process.pid})`);
  }
  expect(existsSync(pidFile())).toBe(false);
  expect(await Promise.all([answers(ports[0]), answers(ports[2])])).toEqual([false, false]);
});
