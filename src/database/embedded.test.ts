import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded.ts';

let parent: string;
let directory: string;
let running: EmbeddedPostgres[];

async function start(where = directory): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ directory: where });
  running.push(server);
  return server;
}

beforeEach(async () => {
  parent = await mkdtemp(join(inject('scratchDirectory'), 'embedded-'));
  await chmod(parent, 0o755);
  directory = join(parent, 'postgres');
  running = [];
});

afterEach(async () => {
  await Promise.all(running.map((server) => server.stop()));
  const places = [parent, ...running.map((server) => server.directory)];
  await Promise.all(places.map((path) => rm(path, { recursive: true, force: true })));
});

async function query(url: string, ...statements: string[]) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await client.query(statements.join(';'));
  } finally {
    await client.end();
  }
}

const WRITE = ['create table notes (text text)', "insert into notes values ('kept')"];
const readNotes = async (server: EmbeddedPostgres) =>
  (await query(server.url('postgres'), 'select text from notes')).rows;
const KEPT = [{ text: 'kept' }];

async function postmasterPid(): Promise<number> {
  return Number.parseInt(await readFile(join(directory, 'cluster', 'postmaster.pid'), 'utf8'), 10);
}

/** Another process that starts the same server, says its URL and waits to be told to stop, or killed. */
async function startInChild(): Promise<{ child: ChildProcess; url: string }> {
  const script = `
    import { startEmbeddedPostgres } from ${JSON.stringify(new URL('./embedded.ts', import.meta.url).href)};
    const server = await startEmbeddedPostgres({ directory: ${JSON.stringify(directory)} });
    console.log(server.url('postgres'));
    process.stdin.once('data', async () => { await server.stop(); process.exit(); });`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    env: {},
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout, 'data');
  return { child, url: String(line).trim() };
}

describe('startEmbeddedPostgres', () => {
  it('creates a UTF-8 cluster with a password, on the loopback interface', async () => {
    const server = await start();
    const { rows } = await query(server.url('postgres'), 'show server_encoding');
    expect(rows).toEqual([{ server_encoding: 'UTF8' }]);
    expect((await query(server.url('postgres'), 'show listen_addresses')).rows).toEqual([
      { listen_addresses: '127.0.0.1' },
    ]);
    expect((await stat(join(directory, 'password'))).mode & 0o777).toBe(0o600);
    const guess = Object.assign(new URL(server.url('postgres')), { password: 'guess' });
    await expect(query(guess.href, 'select 1')).rejects.toThrow('password authentication failed');
  });

  it('keeps data over a restart, and creates a database once', async () => {
    const first = await start();
    await query(await first.ensureDatabase('shop'), ...WRITE);
    await Promise.all([first.stop(), first.stop()]);
    const second = await start();
    const url = await second.ensureDatabase('shop');
    expect((await query(url, 'select text from notes')).rows).toEqual(KEPT);
  });

  it('takes over the server that a killed process left behind, and stops it', async () => {
    const { child, url } = await startInChild();
    await query(url, ...WRITE);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const server = await start();
    expect(await readNotes(server)).toEqual(KEPT);
    await server.stop();
    await expect(query(url, 'select 1')).rejects.toThrow();
  });

  it('recovers when the server was killed too', async () => {
    const { child, url } = await startInChild();
    await query(url, ...WRITE);
    process.kill(await postmasterPid(), 'SIGKILL');
    child.kill('SIGKILL');
    expect(await readNotes(await start())).toEqual(KEPT);
  });

  it('starts although postmaster.pid names a living process of somebody else', async () => {
    const first = await start();
    await query(first.url('postgres'), ...WRITE);
    const pidFile = await readFile(join(directory, 'cluster', 'postmaster.pid'), 'utf8');
    await first.stop();
    const foreign = [process.pid, ...pidFile.split('\n').slice(1)].join('\n');
    await writeFile(join(directory, 'cluster', 'postmaster.pid'), foreign);
    expect(await readNotes(await start())).toEqual(KEPT);
  });

  it('shares one server among processes of one directory; the last to leave stops it', async () => {
    const { child, url } = await startInChild();
    const server = await start();
    expect(server.url('postgres')).toBe(url);
    await server.stop();
    expect((await query(url, 'select 1 as one')).rows).toEqual([{ one: 1 }]);
    child.stdin?.write('stop');
    await once(child, 'exit');
    await expect(query(url, 'select 1')).rejects.toThrow();
  });

  it('lets two processes start at the same moment, the first time ever', async () => {
    const [{ child, url }, server] = await Promise.all([startInChild(), start()]);
    expect(server.url('postgres')).toBe(url);
    child.kill('SIGKILL');
  });

  it('never attaches to the server of another directory', async () => {
    const [one, other] = await Promise.all([start(), start(join(parent, 'other'))]);
    expect(one.port).not.toBe(other.port);
    await query(one.url('postgres'), ...WRITE);
    await expect(readNotes(other)).rejects.toThrow('does not exist');
  });

  it('starts afresh after a run that was killed while it created the cluster', async () => {
    const draft = `${directory}.new-4194304`; // Above every process id of Linux, and far above macOS's.
    await mkdir(join(draft, 'cluster'), { recursive: true });
    await writeFile(join(draft, 'cluster', 'PG_VERSION'), '18');
    await start();
    await expect(stat(draft)).rejects.toThrow('ENOENT');
  });

  it('works at a path that is too long for a Unix socket', async () => {
    const server = await start(join(parent, 'long'.repeat(25), 'postgres'));
    expect((await query(server.url('postgres'), 'select 1 as one')).rows).toEqual([{ one: 1 }]);
  });
});
