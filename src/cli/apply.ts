import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Pool } from 'pg';
import { parse } from 'yaml';
import { createAccountManagement } from '../authorization-server/accounts/manage-accounts.ts';
import { createPasswordPolicy, type PasswordPolicy } from '../authorization-server/accounts/password-policy.ts';
import { createPasswords, type Passwords } from '../authorization-server/accounts/passwords.ts';
import type { Audit } from '../authorization-server/audit/audit.ts';
import { sectorIdentifierProblem } from '../authorization-server/clients/sector-identifier.ts';
import { applyDirectory, type DirectoryChanges } from '../authorization-server/directory/apply-directory.ts';
import { type Directory, parseDirectory } from '../authorization-server/directory/directory.ts';
import { DirectoryError } from '../authorization-server/directory/mistake.ts';
import { loadLanguages } from '../authorization-server/languages/languages.ts';
import { createOutgoing, type Outgoing } from '../authorization-server/provider/outgoing.ts';
import { PostgresAccountStore } from '../authorization-server/storage/accounts.ts';
import { createAudit } from '../authorization-server/storage/audit.ts';
import { PostgresDirectoryStore } from '../authorization-server/storage/directory.ts';
import { endAll } from '../authorization-server/storage/end-all.ts';
import { revokeByAccountId } from '../authorization-server/storage/revocation-statements.ts';
import { loadDatabaseConfig } from '../config/load.ts';
import { DEMO_SECRETS, SHORTEST_SECRET } from '../config/production.ts';
import type { Mode } from '../config/schema.ts';
import { createPool } from '../database/connect.ts';
import { pendingMigrations } from '../database/migrate.ts';
import { OperatorError } from './explain.ts';
import { MIGRATIONS } from './migrate.ts';
import { reportClients } from './report-clients.ts';

/** `concierge apply`: brings the database to what a directory file says. `--development` lets demo secrets in. */
export async function run(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      file: { type: 'string', short: 'f' },
      config: { type: 'string' },
      development: { type: 'boolean', default: false },
    },
  });
  if (values.file === undefined) {
    throw new OperatorError('Which directory file?\nUsage: concierge apply -f FILE [--config FILE] [--development]');
  }
  const mode = values.development ? 'development' : 'production';
  const { changes, remarks } = await applyFile(values.file, { config: values.config, mode });
  console.log([describeChanges(changes), ...remarks].join('\n'));
}

async function applyFile(file: string, options: { config: string | undefined; mode: Mode }) {
  const { env } = process;
  const config = loadDatabaseConfig({ env, file: options.config, mode: options.mode });
  const content = readDirectoryFile(file);
  const pending = await pendingMigrations({ url: config.database.url, directory: MIGRATIONS });
  if (pending.length > 0) {
    throw new OperatorError(
      `The database is not up to date; run "concierge migrate" first. Pending: ${pending.join(', ')}`,
    );
  }
  const pool = createPool({ url: config.database.url, max: 2, applicationName: 'concierge apply' });
  try {
    const passwords = await createPasswords(config.passwords);
    const policy = createPasswordPolicy({ ...config.passwords, contextWords: [config.brand.name] });
    const changes = await applyContent(content, { pool, passwords, policy, env, mode: options.mode });
    return { changes, remarks: await reportClients(config) };
  } finally {
    await pool.end();
  }
}

/** The content of a YAML file, `adapt`ed as a text, nothing checked yet. Throws a `DirectoryError` when it is none. */
export function readDirectoryFile(file: string, adapt = (text: string) => text): unknown {
  try {
    return parse(adapt(readFileSync(file, 'utf8')));
  } catch (error) {
    // The first line only: the others quote the file, secrets and all.
    const problem = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new DirectoryError([
      { path: file, problem: `cannot be read: ${problem}`, fix: 'name a readable file of valid YAML' },
    ]);
  }
}

interface Connections {
  readonly pool: Pool;
  readonly passwords: Passwords;
  readonly policy: Pick<PasswordPolicy, 'offlineProblem'>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly mode: Mode;
}

/** Checks and applies the content of a directory file. Throws a `DirectoryError` with all of its mistakes. */
export async function applyContent(
  content: unknown,
  { pool, passwords, policy, env, mode }: Connections,
): Promise<DirectoryChanges> {
  const store = new PostgresDirectoryStore(pool);
  const audit = createAudit(pool, () => undefined);
  const english = loadLanguages()('en');
  const directory = parseDirectory(content, {
    env,
    passwordProblem(password, owner) {
      const problem = policy.offlineProblem(password, owner);
      return problem && english(problem.key, problem.values);
    },
    known: await store.known(),
    production:
      mode === 'production' ? { demoSecrets: DEMO_SECRETS, shortestClientSecret: SHORTEST_SECRET } : undefined,
  });
  await requireSectors(directory, createOutgoing({ development: mode === 'development' }));
  const { saveAccount } = createAccountManagement({
    accounts: new PostgresAccountStore(pool),
    passwords,
    policy,
    endAccess: async (accountId) => void (await endAll(pool, revokeByAccountId(accountId))),
    audit,
  });
  const changes = await applyDirectory(directory, { store, saveAccount });
  await noteChanges(changes, audit);
  return changes;
}

/** Accounts have rows of their own. */
async function noteChanges({ accounts: _, ...changes }: DirectoryChanges, audit: Pick<Audit, 'record'>): Promise<void> {
  const counts = Object.entries(changes).flatMap(([kind, { created, updated }]) =>
    created + updated === 0 ? [] : [[kind, created + updated] as const],
  );
  if (counts.length > 0) {
    await audit.record({ kind: 'directory_changed', details: Object.fromEntries(counts) });
  }
}

/** OpenID Connect Registration §5: "MUST be validated at registration time". */
async function requireSectors({ clients }: Directory, fetch: Outgoing): Promise<void> {
  const mistakes = await Promise.all(
    clients.map(async ({ clientId, metadata }) => {
      const problem = await sectorIdentifierProblem(metadata, fetch);
      const fix =
        'put a JSON list of all redirect URIs of the client there, and its jwks_uri if people answer elsewhere';
      return problem === undefined ? [] : [{ path: `clients.${clientId}.sector_identifier_uri`, problem, fix }];
    }),
  );
  if (mistakes.flat().length > 0) {
    throw new DirectoryError(mistakes.flat());
  }
}

const KINDS = {
  resourceServers: 'resource servers',
  roles: 'roles',
  clients: 'clients',
  trustedIssuers: 'trusted issuers',
  accounts: 'accounts',
} as const;

/** One line for each kind: `clients: 2 created, 1 updated, 3 unchanged` */
export function describeChanges(changes: DirectoryChanges): string {
  const lines = Object.entries(KINDS).map(([kind, words]) => {
    const { created, updated, unchanged } = changes[kind as keyof typeof KINDS];
    return `${words}: ${created} created, ${updated} updated, ${unchanged} unchanged`;
  });
  return lines.join('\n');
}
