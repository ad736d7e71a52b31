import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ACCOUNT_CONSOLE } from './selectors/account-console.ts';
import { SELF_SERVICE } from './selectors/self-service.ts';
import { SIGNING_IN } from './selectors/signing-in.ts';
import { SELECTORS } from './selectors.ts';

const ROOT = join(import.meta.dirname, '../..');
const DOCUMENT = join(ROOT, 'docs/test-kit.md');
const TABLES = /(?<=<!-- selectors -->\n)[\s\S]*?(?=<!-- \/selectors -->)/;

const DELIBERATELY =
  'Tests of other people find these elements by their data-testid. To add one, describe it in src/test-kit/selectors/. ' +
  'Renaming or removing one breaks those tests: do it there as well, and tell operators in CHANGELOG.md under "Breaking".';

/** The playground and the samples are there to be looked at, and nobody's tests drive them. */
const views = globSync('views/**/*.ejs', { cwd: ROOT, exclude: ['views/playground', 'views/samples'] });

/** The test ids that a view writes, and those that it has another view write. A part that is computed is in braces. */
function testIdsIn(source: string): string[] {
  const written = [...source.matchAll(/data-testid="([^"]*)"/g)].map(([, value = '']) => value);
  const handedOver = [...source.matchAll(/(?:\btestid: |\bfield\(|\bbdi\()'([^']*)'/g)].map(([, value = '']) => value);
  return [...written.flatMap(alternatives), ...handedOver];
}

function alternatives(value: string): string[] {
  const either = value.match(/\? '([^']*)' : '([^']*)'/);
  if (either !== null) {
    return either.slice(1);
  }
  const computed = /^<%= .* %>$|' \+ /.test(value); // Whoever includes this view says which.
  return computed ? [] : [value.replaceAll(/<%= (.*?) %>/g, '{$1}')];
}

it('finds the test ids of the views, whichever way they are written', () => {
  const source = `<b data-testid="one"><b data-testid="nav-<%= entry.id %>"><b data-testid="<%= view.name %>">
    <b data-testid="<%= view.is ? 'this' : 'that' %>"><%- include('/x', { testid: 'handed-over' }) %>`;
  expect(testIdsIn(source)).toEqual(['one', 'nav-{entry.id}', 'this', 'that', 'handed-over']);
});

it('every test id of the pages is documented, and every one that is documented is there', () => {
  const found = views.map((file) => {
    const ids = new Set(testIdsIn(readFileSync(join(ROOT, file), 'utf8')));
    return [file.replace(/^views\/(.*)\.ejs$/, '$1'), [...ids].sort()] as const;
  });
  const documented = Object.entries(SELECTORS).map(([view, ids]) => [view, Object.keys(ids).sort()] as const);
  const there = Object.fromEntries(found.filter(([, ids]) => ids.length > 0));
  expect(there, DELIBERATELY).toEqual(Object.fromEntries(documented));
});

it('docs/test-kit.md lists them', () => {
  const tables = [
    table('On the way to a client', SIGNING_IN),
    table('Without being signed in', SELF_SERVICE),
    table('In the account console', ACCOUNT_CONSOLE),
  ].join('\n');
  const document = readFileSync(DOCUMENT, 'utf8');
  if (process.env.UPDATE_SELECTORS) {
    writeFileSync(DOCUMENT, document.replace(TABLES, tables));
  } else {
    expect(document.match(TABLES)?.[0], 'Run: UPDATE_SELECTORS=1 npx vitest run selectors').toBe(tables);
  }
});

function table(title: string, selectors: Readonly<Record<string, Readonly<Record<string, string>>>>): string {
  const rows = Object.entries(selectors).flatMap(([view, ids]) =>
    Object.entries(ids).map(([id, words], index) => `| ${index === 0 ? view : ''} | \`${id}\` | ${words} |`),
  );
  return `### ${title}\n\n| Page or part | \`data-testid\` | What it is |\n|---|---|---|\n${rows.join('\n')}\n`;
}
