import { readFileSync } from 'node:fs';
import type { Mistake } from './mistakes.ts';

export type Environment = Readonly<Record<string, string | undefined>>;
export type Tree = { [key: string]: unknown };

/** Variables with our prefix that are no settings: they hold secrets. */
const SECRETS = [
  'CONCIERGE_SECRET',
  'CONCIERGE_RESOURCE_API_CLIENT_SECRET',
  'CONCIERGE_SMTP_URL',
  'CONCIERGE_LDAP_PASSWORD',
];

/** Kubernetes gives every pod such variables for each service, so for a service named "concierge" too. */
const KUBERNETES_SERVICE_LINK = /^CONCIERGE_(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)$/;

/** `lifetimes.accessToken` is set by `CONCIERGE_LIFETIMES_ACCESS_TOKEN`. */
export function variableOf(path: readonly PropertyKey[]): string {
  const names = path.filter((part) => typeof part === 'string'); // a list is one variable, whatever its length
  const words = names.map((name) => name.replace(/([a-z])(?=[A-Z][a-z])/g, '$1_'));
  return ['CONCIERGE', ...words].join('_').toUpperCase();
}

/**
 * The settings that the environment names, as a tree to lay over the files, and the variables that name none. `defaults`
 * tells which settings there are and what kind of value each of them takes.
 */
export function settingsFromEnvironment(env: Environment, defaults: Tree): { settings: Tree; mistakes: Mistake[] } {
  const known = new Set(SECRETS.flatMap((name) => [name, `${name}_FILE`]));
  const settings = collect(env, defaults, [], known);
  const mistakes = Object.keys(env)
    .filter((name) => name.startsWith('CONCIERGE_') && !known.has(name) && !KUBERNETES_SERVICE_LINK.test(name))
    .map((name) => ({
      path: name,
      problem: 'is not the name of a setting',
      fix: 'correct or unset it; config/default.yaml lists the settings and how a variable is named after one',
    }));
  return { settings, mistakes };
}

function collect(env: Environment, defaults: Tree, path: readonly string[], known: Set<string>): Tree {
  const found: Tree = {};
  for (const [key, value] of Object.entries(defaults)) {
    if (isTree(value)) {
      found[key] = collect(env, value, [...path, key], known);
      continue;
    }
    const name = variableOf([...path, key]);
    const text = env[name];
    known.add(name);
    if (text !== undefined && text !== '') {
      found[key] = parseValue(text, value);
    }
  }
  return found;
}

function parseValue(text: string, like: unknown): unknown {
  if (Array.isArray(like)) {
    return listOf(text);
  }
  if ((typeof like === 'boolean' || like === null) && ['true', 'false'].includes(text)) {
    return text === 'true';
  }
  return typeof like !== 'string' && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

/** The parts of a list that is separated by commas or line breaks. */
export function listOf(text: string): string[] {
  return text
    .split(/[,\r\n]/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether the environment holds this secret, in itself or as a file. An empty variable counts as none. */
export function holdsSecret(env: Environment, name: string): boolean {
  return Boolean(env[name] || env[`${name}_FILE`]);
}

/** The value of `NAME`, or the content of the file that `NAME_FILE` names; `undefined`, and a mistake, when there is none. */
export function readSecret(env: Environment, name: string, mistakes: Mistake[]): string | undefined {
  const file = env[`${name}_FILE`];
  if (env[name] && file) {
    mistakes.push({ path: name, problem: `is set, and ${name}_FILE is too`, fix: 'unset one of them' });
    return undefined;
  }
  const value = file ? contentOf(file, `${name}_FILE`, mistakes) : env[name];
  if (value === '' || (value === undefined && !file)) {
    mistakes.push({ path: name, problem: 'is missing', fix: `set it, or ${name}_FILE to a file that holds it` });
    return undefined;
  }
  return value;
}

function contentOf(file: string, path: string, mistakes: Mistake[]): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    mistakes.push({ path, problem: `${file} cannot be read (${code})`, fix: 'name a file that this process may read' });
    return undefined;
  }
}
