import { readFileSync } from 'node:fs';
import { createRelyingParty, DEMO_API, DEMO_MACHINE, introspect } from '../../src/testing/relying-party.ts';
import { type Node, type Nodes, prepareNodes } from '../servers/nodes.ts';
import { until } from '../servers/process.ts';
import { expect, test } from '../test.ts';

const WORKERS = 2;

let nodes: Nodes;

test.beforeAll(async () => {
  nodes = await prepareNodes();
});

test.afterAll(() => nodes.stop());

/** A process and its workers: `concierge serve --workers 2`, once both of them serve. */
async function startWorkers(address?: string): Promise<Node> {
  const node = await nodes.start(address, ['--workers', String(WORKERS)]);
  await until(() => listening(node).length === WORKERS, 'both workers listen');
  return node;
}

/** The processes that said so in the log. */
function listening({ process }: Node): number[] {
  const lines = process.output().split('\n');
  return lines.filter((line) => line.includes('authorization server listening')).map((line) => JSON.parse(line).pid);
}

function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

test('C110: two workers serve at one port, and SIGTERM ends them and their primary with 0', async () => {
  const node = await startWorkers();
  const workers = listening(node);
  expect(new Set([...workers, node.process.pid]).size).toBe(WORKERS + 1);
  const machine = createRelyingParty(nodes.issuer, DEMO_MACHINE);
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => machine.requestToken({ grant_type: 'client_credentials' }, node.address)),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  await node.process.stop();
  expect(node.process.exitCode).toBe(0);
  expect(workers.filter(isAlive)).toEqual([]);
});

test('Ctrl-C, which reaches the workers as well, ends everything with 0', async () => {
  const node = await startWorkers();
  node.process.signalGroup('SIGINT');
  await node.process.ended();
  expect(node.process.exitCode).toBe(0);
  expect(listening(node).filter(isAlive)).toEqual([]);
});

test('C107: a worker that is killed is replaced, while requests go on and what was answered stays', async () => {
  const node = await startWorkers(nodes.issuer);
  const [doomed = 0] = listening(node);
  const machine = createRelyingParty(nodes.issuer, DEMO_MACHINE);
  let replaced = false;
  // Connections to the worker that died are reset, and those that it is still given before its death is noticed.
  const ASKERS = 4;
  const requestToken = async (resetsAfterwards = 0): Promise<string> => {
    const answer = await machine.requestToken({ grant_type: 'client_credentials' }).catch((error: unknown) => {
      if (resetsAfterwards > ASKERS) {
        throw error;
      }
    });
    if (answer === undefined) {
      return requestToken(resetsAfterwards + (replaced ? 1 : 0));
    }
    expect(answer.status).toBe(200);
    return String(answer.body.access_token);
  };
  const issued: string[] = [];
  const load = Array.from({ length: ASKERS }, async () => {
    while (!replaced) {
      issued.push(await requestToken());
    }
  });
  await until(() => issued.length > 10, 'requests are answered');
  process.kill(doomed, 'SIGKILL');
  await until(() => listening(node).length > WORKERS, 'another worker listens');
  replaced = true;
  await Promise.all(load);
  expect(node.process.output()).toContain(`"worker":${doomed},"code":null,"signal":"SIGKILL"`);
  for (const token of issued) {
    expect(await introspect(nodes.issuer, token, DEMO_API)).toMatchObject({ active: true });
  }
  await node.process.stop();
  expect(node.process.exitCode).toBe(0);
});

test('a primary that is killed leaves no worker behind', async () => {
  const node = await startWorkers();
  const workers = listening(node);
  node.process.signal('SIGKILL');
  await node.process.ended();
  await until(() => !workers.some(isAlive), 'the workers have ended');
});

test('a port in use is named together with its holder, and once', async () => {
  const node = await startWorkers();
  const late = nodes.start(node.address, ['--workers', String(WORKERS)]);
  const problem = await late.catch(({ message }: Error) => message);
  expect(problem).toContain('It ended with 1 before it was ready');
  const said = `Port ${new URL(node.address).port} is in use by node `;
  expect(String(problem).split(said)).toHaveLength(2);
  await node.process.stop();
});
