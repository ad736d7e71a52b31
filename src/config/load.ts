import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'yaml';
import type { z } from 'zod';
import {
  type Environment,
  holdsSecret,
  isTree,
  listOf,
  readSecret,
  settingsFromEnvironment,
  type Tree,
  variableOf,
} from './environment.ts';
import { ConfigError, type Mistake } from './mistakes.ts';
import { productionMistakes, SHORTEST_SECRET } from './production.ts';
import {
  type Config,
  type DatabaseConfig,
  type Frozen,
  type Mode,
  type ResourceApiConfig,
  Settings,
} from './schema.ts';

const DEFAULT_FILE = resolve(import.meta.dirname, '../../config/default.yaml');

export interface Source {
  readonly env: Environment;
  /** A YAML file laid over the defaults. */
  readonly file?: string | undefined;
  readonly mode: Mode;
}

/** The settings alone, without the secrets: what `concierge dev` looks at before it has a database. */
export function loadSettings(source: Source): Frozen<Settings> {
  return frozen(load(source, []).settings);
}

/** The configuration of the authorization server. Throws a `ConfigError` with everything that is wrong. */
export function loadConfig(source: Source): Config {
  const { settings, secrets } = load(source, ['DATABASE_URL', 'CONCIERGE_SECRET']);
  return frozen({
    ...settings,
    ...selfDescription(settings, source.mode),
    ...people(settings, source),
    mode: source.mode,
    database: { ...settings.database, url: secrets.DATABASE_URL },
    secrets: listOf(secrets.CONCIERGE_SECRET) as [string, ...string[]], // load() has counted them
  });
}

/** What `concierge migrate` and `concierge apply` need: they decrypt nothing. Throws a `ConfigError` likewise. */
export function loadDatabaseConfig(source: Source): DatabaseConfig {
  const { settings, secrets } = load(source, ['DATABASE_URL']);
  return frozen({
    ...settings,
    ...selfDescription(settings, source.mode),
    ...people(settings, source),
    mode: source.mode,
    database: { ...settings.database, url: secrets.DATABASE_URL },
  });
}

/** OpenID Connect Core §5.4 and §11: about the account that agrees, and no resource server. */
const OPENID_SCOPES = ['openid', 'profile', 'email', 'address', 'phone', 'offline_access'];

/** Where nothing is said: in development any client may come, and elsewhere none that nobody has vouched for. */
function selfDescription({ registration, clientIdMetadataDocuments, profile }: Settings, mode: Mode) {
  const development = mode === 'development';
  return {
    registration: {
      ...registration,
      access: registration.access ?? (development ? ('open' as const) : ('closed' as const)),
      scopes: registration.scopes ?? (development ? ('all' as const) : OPENID_SCOPES),
    },
    clientIdMetadataDocuments: { enabled: clientIdMetadataDocuments.enabled ?? (development || profile === 'mcp') },
  };
}

/** What else is needed for people: where nothing is said, and the secrets of servers that this one asks. */
function people({ issuer, accounts, mail, upstreamProviders, ldap }: Settings, { env, mode }: Source) {
  const optional = (name: string) => (holdsSecret(env, name) ? readSecret(env, name, []) : undefined);
  return {
    accounts: {
      ...accounts,
      registration: accounts.registration ?? (mode === 'development' ? ('open' as const) : ('closed' as const)),
    },
    mail: {
      smtpUrl: optional('CONCIERGE_SMTP_URL') ?? null,
      from: mail.from ?? `no-reply@${new URL(issuer).hostname}`,
    },
    upstreamProviders: upstreamProviders.map((provider) => ({
      ...provider,
      clientSecret: provider.clientSecretVariable === null ? undefined : optional(provider.clientSecretVariable),
    })),
    ldap: ldap && { ...ldap, bindPassword: ldap.bindDn === null ? undefined : optional('CONCIERGE_LDAP_PASSWORD') },
  };
}

/** Secrets that some settings ask for, and what of them cannot be read or is no such thing. */
function secretsOfSettings({ upstreamProviders, ldap }: Settings, env: Environment): Mistake[] {
  const mistakes: Mistake[] = [];
  const needed = [
    ...upstreamProviders.flatMap(({ clientSecretVariable }) => clientSecretVariable ?? []),
    ...(ldap?.bindDn ? ['CONCIERGE_LDAP_PASSWORD'] : []),
    ...(holdsSecret(env, 'CONCIERGE_SMTP_URL') ? ['CONCIERGE_SMTP_URL'] : []),
  ];
  for (const name of needed) {
    const value = readSecret(env, name, mistakes);
    if (name === 'CONCIERGE_SMTP_URL' && !['smtp:', 'smtps:'].includes(URL.parse(value ?? '')?.protocol ?? '')) {
      const fix = 'write it like smtp://user:password@mail.example.com:587';
      mistakes.push({ path: name, problem: 'is not the URL of an SMTP server', fix });
    }
  }
  return mistakes;
}

/** The configuration of the resource API. Throws a `ConfigError` with everything that is wrong. */
export function loadResourceApiConfig(source: Source): ResourceApiConfig {
  const { settings, secrets } = load(
    source,
    ['RESOURCE_API_DATABASE_URL', 'CONCIERGE_RESOURCE_API_CLIENT_SECRET'],
    ({ resourceApi }) => (resourceApi.strategy === 'repository' ? ['RESOURCE_API_TOKEN_DATABASE_URL'] : []),
  );
  const { resourceApi, playground, samples, log } = settings;
  const demoPages = [playground, samples.singlePageApp].map(({ listen }) => `http://localhost:${listen.port}`);
  return frozen({
    ...resourceApi,
    allowedOrigins: [...resourceApi.allowedOrigins, ...(source.mode === 'development' ? demoPages : [])],
    mode: source.mode,
    databaseUrl: secrets.RESOURCE_API_DATABASE_URL,
    clientSecret: secrets.CONCIERGE_RESOURCE_API_CLIENT_SECRET,
    tokenDatabaseUrl: secrets.RESOURCE_API_TOKEN_DATABASE_URL,
    log,
  });
}

/** `names` are the secrets that are needed in any case, `more` those that some settings need. */
function load<Name extends string, More extends string = never>(
  { env, file, mode }: Source,
  names: readonly Name[],
  more: (settings: Settings) => readonly More[] = () => [],
) {
  const mistakes: Mistake[] = [];
  const defaults = readYaml(DEFAULT_FILE, mistakes);
  const overrides = settingsFromEnvironment(env, defaults);
  mistakes.push(...overrides.mistakes);
  const fromFiles = file === undefined ? defaults : merge(defaults, readYaml(file, mistakes));
  const merged = merge(fromFiles, overrides.settings);
  const parsed = Settings.safeParse(merged);
  mistakes.push(...(parsed.error?.issues ?? []).flatMap((issue) => mistakesOf(issue, env)));
  const needed = [...names, ...(parsed.success ? more(parsed.data) : [])];
  const secrets = Object.fromEntries(needed.map((name) => [name, readSecret(env, name, mistakes)]));
  mistakes.push(...Object.entries(secrets).flatMap(([name, value]) => secretMistakes(name, value)));
  if (parsed.success) {
    mistakes.push(...secretsOfSettings(parsed.data, env));
  }
  if (mode === 'production') {
    mistakes.push(...productionMistakes(merged, secrets));
  }
  if (!parsed.success || mistakes.length > 0) {
    throw new ConfigError(mistakes);
  }
  return { settings: parsed.data, secrets: secrets as Record<Name, string> & Partial<Record<More, string>> };
}

function readYaml(file: string, mistakes: Mistake[]): Tree {
  try {
    const content: unknown = parse(readFileSync(file, 'utf8')) ?? {};
    if (isTree(content)) {
      return content;
    }
    mistakes.push({
      path: file,
      problem: 'is not a list of settings',
      fix: 'start from config/production.example.yaml',
    });
  } catch (error) {
    // The first line only: the others quote the file, where somebody may have written a secret.
    const problem = error instanceof Error ? error.message.split('\n')[0] : String(error);
    mistakes.push({ path: file, problem: `cannot be read: ${problem}`, fix: 'name a readable file of valid YAML' });
  }
  return {};
}

function merge(base: Tree, over: Tree): Tree {
  const merged = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isTree(below) && isTree(value) ? merge(below, value) : value;
  }
  return merged;
}

function mistakesOf(issue: z.core.$ZodIssue, env: Environment): Mistake[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...issue.path, key].join('.'),
      problem: 'is not a setting',
      fix: 'remove it; config/default.yaml lists the settings, and secrets come from the environment',
    }));
  }
  const variable = variableOf(issue.path);
  const place = env[variable] ? `it comes from ${variable}` : `in the configuration file, or as ${variable}`;
  const fix = issue.code === 'custom' && typeof issue.params?.fix === 'string' ? issue.params.fix : 'correct it';
  const problem = issue.message.charAt(0).toLowerCase() + issue.message.slice(1);
  return [{ path: issue.path.join('.'), problem, fix: `${fix} (${place})` }];
}

function secretMistakes(name: string, value: string | undefined): Mistake[] {
  if (value === undefined) {
    return [];
  }
  if (name.endsWith('DATABASE_URL')) {
    const isPostgres = ['postgres:', 'postgresql:'].includes(URL.parse(value)?.protocol ?? '');
    const fix = 'write it like postgres://user:password@host:5432/database';
    return isPostgres ? [] : [{ path: name, problem: 'is not a PostgreSQL URL', fix }];
  }
  const secrets = listOf(value);
  if (name === 'CONCIERGE_SECRET' && (secrets.length === 0 || secrets.some((one) => one.length < SHORTEST_SECRET))) {
    const problem = `is, or contains, a secret of less than ${SHORTEST_SECRET} characters`;
    return [{ path: name, problem, fix: 'generate it, for example with: openssl rand -base64 48' }];
  }
  return [];
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(frozen);
    Object.freeze(value);
  }
  return value;
}
