import type { AccountManagement } from '../accounts/manage-accounts.ts';
import type { Client } from '../clients/client.ts';
import type { TrustedIssuer } from '../clients/trusted-issuer.ts';
import type { ResourceServer, Role } from '../resources/resource-server.ts';
import type { Directory } from './directory.ts';

export type Outcome = 'created' | 'updated' | 'unchanged';

/** Each saves what is given as it is given, and writes nothing when it is stored like that already. */
export interface DirectoryWriter {
  /** The scopes become exactly those given. A new default resource server takes the place of the old one. */
  saveResourceServer(server: ResourceServer): Promise<Outcome>;
  saveRole(role: Role): Promise<Outcome>;
  /** A disabled client stays disabled. */
  saveClient(client: Client): Promise<Outcome>;
  saveTrustedIssuer(issuer: TrustedIssuer): Promise<Outcome>;
}

export interface DirectoryStore {
  /** Everything that `work` writes, or nothing of it when it throws. */
  transaction<Result>(work: (writer: DirectoryWriter) => Promise<Result>): Promise<Result>;
}

export type DirectoryChanges = Record<keyof Directory, Record<Outcome, number>>;

interface Dependencies {
  readonly store: DirectoryStore;
  /** Idempotent; leaves a password hash alone when the password is the account's already. */
  readonly saveAccount: AccountManagement['saveAccount'];
}

/**
 * Brings the database to what the directory says, and never removes an entry that it does not name: applying it twice changes
 * nothing the second time. Resource servers, roles and clients change together or not at all. Accounts follow one by
 * one, because each password may take a turn at the hasher; what failed halfway is completed by applying again.
 */
export async function applyDirectory(
  directory: Directory,
  { store, saveAccount }: Dependencies,
): Promise<DirectoryChanges> {
  const saved = await store.transaction(async (writer) => ({
    resourceServers: await countOutcomes(directory.resourceServers, (server) => writer.saveResourceServer(server)),
    roles: await countOutcomes(directory.roles, (role) => writer.saveRole(role)),
    clients: await countOutcomes(directory.clients, (client) => writer.saveClient(client)),
    trustedIssuers: await countOutcomes(directory.trustedIssuers, (issuer) => writer.saveTrustedIssuer(issuer)),
  }));
  const accounts = await countOutcomes(directory.accounts, async (account) => (await saveAccount(account)).outcome);
  return { ...saved, accounts };
}

async function countOutcomes<Item>(items: readonly Item[], save: (item: Item) => Promise<Outcome>) {
  const counts: Record<Outcome, number> = { created: 0, updated: 0, unchanged: 0 };
  for (const item of items) {
    counts[await save(item)] += 1;
  }
  return counts;
}
