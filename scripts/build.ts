import { execFileSync } from 'node:child_process';
import { cpSync, globSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/**
 * `npm pack` ships what this puts into dist/: Node runs no TypeScript below node_modules. Folders keep their places towards
 * each other, because the sources look for migrations, pages and words relative to themselves.
 */
const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');

rmSync(DIST, { recursive: true, force: true });
execFileSync('tsc', ['--project', 'tsconfig.build.json'], { cwd: ROOT, stdio: 'inherit' });
for (const path of ['views', 'locales', ...globSync(['config/*.yaml', 'src/**/*.txt'], { cwd: ROOT })]) {
  cpSync(join(ROOT, path), join(DIST, path), { recursive: true });
}
