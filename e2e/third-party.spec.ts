/** The package as other projects have it: packed, unpacked below their node_modules, and used. */
import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from './test.ts';

test.describe.configure({ mode: 'serial' });

const ROOT = join(import.meta.dirname, '..');
const MODULES = join(ROOT, 'node_modules');

let project: string;

/** A copy of the sample project with the package in it. All other packages are ours: no registry is asked. */
test.beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'concierge-bookshop-'));
  await cp(join(import.meta.dirname, 'third-party'), project, { recursive: true });
  run('npm', ['pack', '--pack-destination', project], ROOT);
  const installed = join(project, 'node_modules');
  await mkdir(join(installed, 'concierge'), { recursive: true });
  const [tarball = ''] = (await readdir(project)).filter((file) => file.endsWith('.tgz'));
  run('tar', ['-xzf', tarball, '--strip-components=1', '-C', join(installed, 'concierge')], project);
  const ours = (await readdir(MODULES)).filter((name) => !name.startsWith('.'));
  await Promise.all(ours.map((name) => symlink(join(MODULES, name), join(installed, name))));
});

test.afterAll(() => rm(project, { recursive: true, force: true }));

test('the package holds what the product needs, and nothing else', async () => {
  const inside = join(project, 'node_modules/concierge');
  expect((await readdir(inside)).sort()).toEqual(['README.md', 'dist', 'package.json']);
  expect((await readdir(join(inside, 'dist'))).sort()).toEqual(['config', 'locales', 'migrations', 'src', 'views']);
  const files = await readdir(inside, { recursive: true });
  expect(
    files.filter((file) => /(\.test|\.contract|\.spec)\.|\btesting\b|(?<!\.d)\.ts$|\.(env|log)$/.test(file)),
  ).toEqual([]);
});

test('its types are those of the guard and of the test kit, without any that a project would have to add', () => {
  run('tsc', ['--project', '.'], project);
});

test('the servers of docs/protect-your-api.md compile as they stand, and behind a guard whatever type a handler says, without the types of a browser', async () => {
  const source = await readFile(join(ROOT, 'docs/protect-your-api.md'), 'utf8');
  const blocks = [...source.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, block = '']) => block);
  const servers = blocks.filter((block) => block.includes("from 'concierge/guard'"));
  expect(servers).toHaveLength(5);
  const stepUp = blocks.filter((block) => block.includes('placeOrder')).map((block) => HANDLER + block);
  await mkdir(join(project, 'docs'));
  await Promise.all([...servers, ...stepUp].map((block, i) => writeFile(join(project, `docs/${i}.ts`), block)));
  const settings = { extends: '../tsconfig.json', compilerOptions: { lib: ['esnext'] }, include: ['*.ts'] };
  await writeFile(join(project, 'docs/tsconfig.json'), JSON.stringify(settings));
  run('tsc', ['--project', 'docs'], project);
});

test('its command runs', () => {
  const main = join(project, 'node_modules/concierge/dist/src/main.js');
  expect(run(process.execPath, [main, 'help'], project)).toContain('usage: concierge SUBCOMMAND');
});

test('the tests of a project drive a server of their own by it: sign-in, consent, tokens, mail, time', () => {
  const output = run('playwright', ['test', '--reporter=line'], project);
  expect(output).toContain('4 passed');
});

/** In front of a part of the documentation: what was said further up. */
const HANDLER = `
  import Router, { type RouterMiddleware } from '@koa/router';
  import type { Guard, Guarded } from 'concierge/guard';
  declare const guard: Guard;
  declare const placeOrder: RouterMiddleware<Guarded>;
  const router = new Router<Guarded>();
`;

/** The output; throws with it when the program fails. */
function run(program: string, argv: readonly string[], cwd: string): string {
  const { status, error, stdout, stderr } = spawnSync(program, argv, { cwd, encoding: 'utf8', env: environment() });
  if (error !== undefined || status !== 0) {
    throw new Error(`${program} ${argv.join(' ')} failed: ${error ?? ''}\n${stdout}\n${stderr}`);
  }
  return stdout;
}

/** Of somebody who runs it by hand, and not from within a test; with a PostgreSQL that is there already. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(PW|PLAYWRIGHT|TEST|npm|CONCIERGE)_|^FORCE_COLOR$/.test(name),
  );
  const PATH = `${join(MODULES, '.bin')}:${process.env.PATH}`;
  return { ...Object.fromEntries(kept), PATH, DATABASE_URL: process.env.E2E_DATABASE_URL };
}
