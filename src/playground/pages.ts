import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import ejs from 'ejs';

const VIEWS = new URL('../../views/playground/', import.meta.url);
const PAGES = ['home', 'flow', 'browser-client', 'problem', 'unasked'] as const;
export type PageName = (typeof PAGES)[number];

export type RenderPage = (page: PageName, values: Record<string, unknown>) => string;

/** Compiles every view at once: one that does not compile stops the start, not a visitor. */
export function loadPages(shared: Record<string, unknown>): RenderPage {
  const templates = Object.fromEntries(
    PAGES.map((page) => {
      const filename = fileURLToPath(new URL(`${page}.ejs`, VIEWS));
      return [page, ejs.compile(readFileSync(filename, 'utf8'), { filename, rmWhitespace: true })];
    }),
  );
  return (page, values) => templates[page]?.({ page: { ...shared, ...values } }) ?? '';
}

export interface Asset {
  readonly type: string;
  readonly content: string;
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
};

/** The few assets are kept in memory by name, so that no path of a request ever reaches the file system. */
export function loadAssets(): ReadonlyMap<string, Asset> {
  const folder = new URL('assets/', VIEWS);
  return new Map(
    readdirSync(folder).flatMap((name) => {
      const type = TYPES[extname(name)];
      return type ? [[name, { type: `${type}; charset=utf-8`, content: readAsset(new URL(name, folder)) }]] : [];
    }),
  );
}

/**
 * The comments and the indentation are for who writes it, and a fifth of it. What stands on lines of its own is taken out, so
 * no text in quotes is touched; a template that runs over several lines would be, and there is none.
 */
function readAsset(file: URL): string {
  const content = readFileSync(file, 'utf8');
  return content.replace(/^\s*\/\*[\s\S]*?\*\/$/gm, '').replace(/\n\s+/g, '\n');
}
