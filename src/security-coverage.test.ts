/**
 * Holds docs/security-coverage.md to the truth. A test that the document does not know of yet is no mistake, a claim
 * without a test is one. `UPDATE_COVERAGE=1` writes the column of the tests anew.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const DOCUMENT = join(ROOT, 'docs/security-coverage.md');
const CHECKS = [...Array.from({ length: 116 }, (_, index) => `C${index + 1}`), 'C36b'];

const ROW = /^\| \*\*(?<check>[^*]+)\*\* \| (?<words>[^|]*?) *\| (?<tested>[^|]*?) *\| (?<missing>[^|]*?) *\|$/gm;

/** The numbers that the name of a test begins with: 'C20: …', 'C105, C106: …'. */
const NUMBERED_NAME = /(?<=['"`])(?:C\d+[a-z]?[ ,]*)+(?=:)/g;

beforeAll(() => {
  if (process.env.UPDATE_COVERAGE === '1') {
    const tests = findTests();
    const rewritten = readFileSync(DOCUMENT, 'utf8').replace(ROW, (_row, check, words, _tested, missing) => {
      const files = [...(tests.get(check) ?? [])].sort().map((file) => `\`${file}\``);
      return `| **${check}** | ${words} | ${files.join('<br>')} | ${missing} |`;
    });
    writeFileSync(DOCUMENT, rewritten);
  }
});

it('has one line for each check', () => {
  expect(
    readRows()
      .map(({ check }) => check)
      .sort(),
  ).toEqual(CHECKS.toSorted());
});

it('claims no test that is not there', () => {
  const tests = findTests();
  const claims = readRows().flatMap(({ check, tested }) => tested.map((file) => ({ check, file })));
  const untrue = claims.filter(({ check, file }) => !tests.get(check)?.has(file));
  expect(untrue, 'UPDATE_COVERAGE=1 writes these lines anew').toEqual([]);
});

it('says of every check where it is tested, or why it is not', () => {
  const silent = readRows().filter(
    ({ words, tested, missing }) => words === '' || (tested.length === 0 && missing === ''),
  );
  expect(silent.map(({ check }) => check)).toEqual([]);
});

function readRows() {
  return [...readFileSync(DOCUMENT, 'utf8').matchAll(ROW)].map(({ groups = {} }) => ({
    check: groups.check ?? '',
    words: groups.words ?? '',
    tested: [...(groups.tested ?? '').matchAll(/`([^`]+)`/g)].map(([, file = '']) => file),
    missing: groups.missing ?? '',
  }));
}

/** The files that have a test of each number. */
function findTests(): Map<string, Set<string>> {
  const files = globSync(['src/**/*.{test,contract}.ts', 'e2e/**/*.spec.ts'], { cwd: ROOT });
  const tests = new Map<string, Set<string>>();
  for (const file of files.filter((one) => basename(one) !== basename(import.meta.filename))) {
    const names = readFileSync(join(ROOT, file), 'utf8').match(NUMBERED_NAME) ?? [];
    for (const check of names.flatMap((name) => name.match(/C\d+[a-z]?/g) ?? [])) {
      tests.set(check, (tests.get(check) ?? new Set()).add(file));
    }
  }
  return tests;
}
