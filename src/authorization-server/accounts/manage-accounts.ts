import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Audit, AuditKind } from '../audit/audit.ts';
import type { Account } from './account.ts';
import { canonicalEmail } from './email.ts';
import type { PasswordPolicy } from './password-policy.ts';
import type { PasswordHasher, Passwords } from './passwords.ts';
import type { StandardClaims } from './standard-claims.ts';

/** An account as an operator describes it. What is left out stays as it is. */
export interface AccountDescription {
  /** Finds the account: any spelling of the same address names the same account. */
  readonly email: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly emailVerified?: boolean | undefined;
  /** All of them at once: one that is missing here is taken away. */
  readonly claims?: StandardClaims | undefined;
  readonly password?: string | undefined;
}

/** Says in a sentence what is wrong with an account's description. Never carries the password. */
export class InvalidAccount extends Error {
  override readonly name = 'InvalidAccount';
}

export interface SavedAccount {
  readonly accountId: string;
  readonly email: string;
  readonly canonicalEmail: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly emailVerified: boolean;
  readonly claims: StandardClaims;
  readonly passwordHash: string | undefined;
}

export interface ManagedAccountStore {
  findByEmail(canonicalEmail: string): Promise<(Account & { readonly passwordHash: string | undefined }) | undefined>;
  /**
   * Creates the account, or changes the one with this canonical email, which keeps its id. A new password hash also ends a
   * throttle. Atomic, roles included. `undefined`, and nothing written, when a role does not exist.
   */
  saveAccount(account: SavedAccount): Promise<Account | undefined>;
  /** False when there is no such account. */
  setDisabled(accountId: string, disabled: boolean): Promise<boolean>;
  deleteAccount(accountId: string): Promise<boolean>;
}

export interface AccountManagement {
  /** Idempotent. A password that is already the account's leaves the hash alone. Throws `InvalidAccount`. */
  saveAccount(
    description: AccountDescription,
  ): Promise<{ account: Account; outcome: 'created' | 'updated' | 'unchanged' }>;
  setDisabled(accountId: string, disabled: boolean): Promise<boolean>;
  deleteAccount(accountId: string): Promise<boolean>;
}

interface Dependencies {
  readonly accounts: ManagedAccountStore;
  readonly passwords: Passwords;
  readonly policy: Pick<PasswordPolicy, 'offlineProblem'>;
  /** Ends every session, grant and token of an account. Idempotent. */
  readonly endAccess: (accountId: string) => Promise<void>;
  readonly audit: Pick<Audit, 'record'>;
}

/**
 * Changes accounts, and ends what was granted under them when they are disabled, deleted or get another password: always after
 * the account refuses new sign-ins, and again when a change is repeated, so that a failure in between is healed by trying again.
 */
export function createAccountManagement(deps: Dependencies): AccountManagement {
  const { accounts, passwords, policy, endAccess, audit } = deps;
  const note = (kind: AuditKind, accountId: string) => audit.record({ kind, accountId, details: BY_OPERATOR });
  return {
    async saveAccount(description) {
      const email = requireValid(description, policy);
      const { name, roles, password } = description;
      const existing = await accounts.findByEmail(email);
      const passwordHash = await passwords.inTurn((hasher) => renewedHash(hasher, existing, password));
      const emailVerified = description.emailVerified ?? existing?.emailVerified ?? false;
      const wanted = {
        email: description.email.trim(),
        name,
        roles: [...new Set(roles)].sort(),
        emailVerified,
        claims: description.claims ?? existing?.claims ?? {},
      };
      if (existing && !passwordHash && sameDescription(existing, wanted)) {
        const { passwordHash: _, ...account } = existing;
        return { account, outcome: 'unchanged' };
      }
      if (existing && passwordHash) {
        // Were it only done below, a crash in between would leave sessions of the old password that no repetition ends.
        await endAccess(existing.accountId);
      }
      const account = await accounts.saveAccount({
        ...wanted,
        accountId: existing?.accountId ?? randomUUID(),
        canonicalEmail: email,
        passwordHash,
      });
      if (!account) {
        throw new InvalidAccount(`${email} has a role that does not exist: ${roles.join(', ')}.`);
      }
      if (existing && passwordHash) {
        await endAccess(account.accountId);
      }
      for (const kind of changesOf(existing, wanted, passwordHash !== undefined)) {
        await note(kind, account.accountId);
      }
      return { account, outcome: existing ? 'updated' : 'created' };
    },

    async setDisabled(accountId, disabled) {
      const found = await accounts.setDisabled(accountId, disabled);
      if (disabled) {
        await endAccess(accountId);
      }
      if (found) {
        await note(disabled ? 'account_disabled' : 'account_enabled', accountId);
      }
      return found;
    },

    async deleteAccount(accountId) {
      const found = await accounts.deleteAccount(accountId);
      await endAccess(accountId);
      if (found) {
        await note('account_deleted', accountId);
      }
      return found;
    },
  };
}

const BY_OPERATOR = { by: 'operator' } as const;

function changesOf(existing: Wanted | undefined, wanted: Wanted, hasNewPassword: boolean): AuditKind[] {
  if (existing === undefined) {
    return ['account_created'];
  }
  const { roles, ...profile } = existing;
  const { roles: wantedRoles, ...wantedProfile } = wanted;
  return [
    ...(sameDescription({ ...profile, roles }, { ...wantedProfile, roles }) ? [] : ['profile_changed' as const]),
    ...(isDeepStrictEqual(roles, wantedRoles) ? [] : ['roles_changed' as const]),
    ...(hasNewPassword ? ['password_changed' as const] : []),
  ];
}

/** The hash of a password that is not the account's yet. */
async function renewedHash(
  hasher: PasswordHasher,
  existing: { readonly passwordHash: string | undefined } | undefined,
  password: string | undefined,
): Promise<string | undefined> {
  if (password === undefined) {
    return undefined;
  }
  const known = existing?.passwordHash !== undefined && (await hasher.verifyPassword(existing.passwordHash, password));
  return known ? undefined : hasher.hashPassword(password);
}

function requireValid(
  { email, name, password }: AccountDescription,
  policy: Pick<PasswordPolicy, 'offlineProblem'>,
): string {
  const canonical = canonicalEmail(email);
  if (canonical === undefined) {
    throw new InvalidAccount(`${JSON.stringify(email)} is not an email address.`);
  }
  if (/\p{Cc}/u.test(name)) {
    throw new InvalidAccount(`The name of ${canonical} contains a control character.`);
  }
  const problem = password === undefined ? undefined : policy.offlineProblem(password, { email, name });
  if (problem !== undefined) {
    throw new InvalidAccount(`The password of ${canonical} is refused: ${problem.key}.`);
  }
  return canonical;
}

type Wanted = Pick<Account, 'email' | 'name' | 'roles' | 'emailVerified' | 'claims'>;

function sameDescription(existing: Wanted, wanted: Wanted): boolean {
  const { email, name, roles, emailVerified, claims } = existing;
  return isDeepStrictEqual({ email, name, roles, emailVerified, claims }, wanted);
}
