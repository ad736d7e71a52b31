/** docs/clients.md says what is true: of each library the version that is tried here, and where it is tried. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const DOCUMENT = readFileSync(join(ROOT, 'docs/clients.md'), 'utf8');
const { dependencies, devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const VERSIONS: Readonly<Record<string, string>> = { ...dependencies, ...devDependencies };

const ROWS = [
  ...DOCUMENT.matchAll(/^\| \[(?<library>[^\]]+)\]\([^)]+\) \| (?<version>\S+) \|[^|]+\| (?<files>.+) \|$/gm),
].map(({ groups = {} }) => ({
  library: groups.library ?? '',
  version: groups.version,
  files: [...(groups.files ?? '').matchAll(/`([^`]+)`/g)].map(([, file = '']) => file),
}));

/** What is tried with its protocol. */
const ELSEWHERE = [...DOCUMENT.matchAll(/^\| [^|]+ \| ([\w, -]+) \| `(flows\/[^`]+|profiles)` \|$/gm)].flatMap(
  ([, libraries = '', flow = '']) => libraries.split(', ').map((library) => ({ library, flow })),
);

describe('docs/clients.md', () => {
  it.each(ROWS)('names the version of $library that is tried, in files that try it', ({ library, version, files }) => {
    expect(version).toBe(VERSIONS[library]);
    for (const file of files) {
      expect(readFileSync(join(ROOT, file), 'utf8')).toMatch(
        new RegExp(`from '${library}[/']|resolve\\('${library}'\\)`),
      );
    }
  });

  it('has a row for every file of the matrix', () => {
    const tried = globSync('src/client-matrix/*.test.ts', { cwd: ROOT }).filter((file) => !file.includes('documented'));
    expect(
      ROWS.flatMap(({ files }) => files)
        .filter((file) => file.startsWith('src/'))
        .sort(),
    ).toEqual(tried.sort());
  });

  it('tells of every library how it is configured and what it cannot do, and has a column for it', () => {
    const sections = DOCUMENT.split(/^## /m).slice(1);
    expect(sections.map((section) => section.split('\n')[0])).toEqual(ROWS.map(({ library }) => library));
    for (const section of sections) {
      expect(section).toMatch(/^```ts$/m);
      expect(section).toMatch(/^Cannot: /m);
    }
    expect(DOCUMENT).toContain(`| | ${ROWS.map(({ library }) => library).join(' | ')} |`);
  });

  it.each(ELSEWHERE)('names flows that are tried with $library: $flow', ({ library, flow }) => {
    const tests = globSync(`src/authorization-server/${flow}/*.test.ts`, { cwd: ROOT });
    const sources = tests.map((file) => readFileSync(join(ROOT, file), 'utf8'));
    expect(sources.some((source) => source.includes(`from '${library}'`))).toBe(true);
  });

  it('links to files that are there', () => {
    const links = [...DOCUMENT.matchAll(/\]\((?!#)([^)]+)\)/g)].map(([, link = '']) => join(ROOT, 'docs', link));
    expect(links.filter((link) => !existsSync(link))).toEqual([]);
  });
});
