import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ejs from 'ejs';
import type { Person } from './authorization-server.ts';
import type { Problem } from './problems.ts';
import type { StoredRecord } from './resource-api.ts';

const VIEWS = new URL('../../../views/samples/', import.meta.url);

export interface Permission {
  readonly scope: string;
  readonly words: string;
  readonly granted: boolean;
}

export interface Pages {
  welcome(): string;
  /** `records` is undefined where this app may not see them. */
  home(values: {
    readonly subject: string;
    readonly person: Person;
    readonly permissions: readonly Permission[];
    readonly records: readonly StoredRecord[] | undefined;
  }): string;
  problem(problem: Problem): string;
}

/** Compiled at the start: a template that is broken stops the program, and not a visitor. */
export function loadPages(issuer: string): Pages {
  const compile = (name: string) => {
    const filename = fileURLToPath(new URL(`web-app/${name}.ejs`, VIEWS));
    return ejs.compile(readFileSync(filename, 'utf8'), { filename });
  };
  const [welcome, home, problem] = [compile('welcome'), compile('home'), compile('problem')];
  return {
    welcome: () => welcome({ page: { issuer } }),
    home: (values) => home({ page: { ...values, day } }),
    problem: (values) => problem({ page: values }),
  };
}

/** This server does not know where the browser is, so its days are those of UTC. */
function day(date: Date): string {
  return date.toLocaleDateString('en', { dateStyle: 'long', timeZone: 'UTC' });
}

export interface Asset {
  readonly type: string;
  readonly content: string;
}

/** By name and from memory: no path of a request reaches the file system. */
export function loadAssets(): ReadonlyMap<string, Asset> {
  const read = (path: string) => readFileSync(new URL(path, VIEWS), 'utf8');
  return new Map([
    ['sample.css', { type: 'text/css; charset=utf-8', content: read('sample.css') }],
    ['bell.svg', { type: 'image/svg+xml', content: read('../assets/bell.svg') }],
  ]);
}
