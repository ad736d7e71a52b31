import type { Audit } from '../audit/audit.ts';
import type { Account } from './account.ts';
import type { Lockout, SignInStore } from './authenticate.ts';
import { canonicalEmail } from './email.ts';
import type { PasswordPolicy, PasswordProblem } from './password-policy.ts';
import type { Passwords } from './passwords.ts';
import type { PersonStore } from './person.ts';

/** Of somebody who is signed in. */
export interface PasswordChange {
  readonly account: Account;
  /** Empty where there is none yet. */
  readonly currentPassword: string;
  readonly newPassword: string;
  /** The session that goes on. */
  readonly sessionUid: string;
  /** Whether what apps were allowed ends, too. */
  readonly endsApps: boolean;
}

export type PasswordChangeOutcome =
  | 'changed'
  /** The current one is not that, or may not be tried at the moment. */
  | 'wrong'
  /** It is the current one. */
  | 'same'
  | 'too_often'
  | 'elsewhere'
  | PasswordProblem;

export interface ChangePasswordDeps {
  readonly accounts: SignInStore & { findByEmail(canonical: string): Promise<HasPassword | undefined> };
  readonly findPerson: PersonStore['findPerson'];
  readonly passwords: Passwords;
  readonly policy: PasswordPolicy;
  readonly lockout: Lockout;
  /** Every session of the account but one. Idempotent. */
  readonly endOtherSessions: (accountId: string, keptUid: string) => Promise<void>;
  /** Links in mail by which somebody could still choose a password, or move the account to an address of theirs. Idempotent. */
  readonly endLinks: (accountId: string) => Promise<void>;
  /** What apps were allowed. Idempotent. */
  readonly endApps: (accountId: string) => Promise<void>;
  /** False when this account has tried too often: each may cost two hashes and a question to somebody else. */
  readonly mayTry: (accountId: string) => Promise<boolean>;
  /** Whether a directory has the account's password (LDAP): one here would outlive what the directory says. */
  readonly isKeptElsewhere: (accountId: string) => Promise<boolean>;
  readonly audit: Pick<Audit, 'record'>;
}

interface HasPassword {
  readonly passwordHash: string | undefined;
}

export interface PasswordState {
  /** Of its own, here or elsewhere; whoever has none yet may choose one. */
  readonly kept: 'here' | 'elsewhere' | 'nowhere';
  readonly minLength: number;
}

export interface ChangePassword {
  /** What the page says beforehand. */
  describe(account: Account): Promise<PasswordState>;
  /** Throws `TooBusy`. */
  change(change: PasswordChange): Promise<PasswordChangeOutcome>;
}

export function createChangePassword(deps: ChangePasswordDeps): ChangePassword {
  const { accounts, passwords, policy, lockout, audit } = deps;

  const ownerOf = async ({ accountId, email, name }: Account) => {
    const person = await deps.findPerson(accountId);
    return { email, name, hasSecondFactor: (person?.secondFactors.length ?? 0) > 0 };
  };

  async function describe(account: Account): Promise<PasswordState> {
    const found = await accounts.findByEmail(canonicalEmail(account.email) ?? '');
    const isHere = found?.passwordHash !== undefined;
    const kept = isHere ? 'here' : (await deps.isKeptElsewhere(account.accountId)) ? 'elsewhere' : 'nowhere';
    return { kept, minLength: policy.minLength(await ownerOf(account)) };
  }

  async function end({ account: { accountId }, sessionUid, endsApps }: PasswordChange): Promise<void> {
    await deps.endOtherSessions(accountId, sessionUid);
    await deps.endLinks(accountId);
    if (endsApps) {
      await deps.endApps(accountId);
    }
  }

  /** An attempt counts like one at the sign-in page: a browser that was left open is no way to guess a password. */
  function replace(change: PasswordChange): Promise<boolean> {
    const { account, currentPassword, newPassword } = change;
    const email = canonicalEmail(account.email) ?? '';
    return passwords.inTurn(async (hasher) => {
      const reserved = await accounts.reserveAttempt(email, lockout);
      const { passwordHash, throttled, disabled } = reserved ?? { throttled: true };
      if (throttled || disabled || reserved?.accountId !== account.accountId) {
        return false;
      }
      if (passwordHash !== undefined && !(await hasher.verifyPassword(passwordHash, currentPassword))) {
        return false;
      }
      const newHash = await hasher.hashPassword(newPassword);
      // Were it only done below, a crash in between would leave sessions of the old password, and nobody to end them.
      await end(change);
      return (await accounts.recordSuccess({ accountId: account.accountId, passwordHash, newHash })) !== undefined;
    });
  }

  return {
    describe,

    async change(change) {
      const { account, currentPassword, newPassword, endsApps } = change;
      const { accountId } = account;
      if (!(await deps.mayTry(accountId))) {
        return 'too_often';
      }
      if ((await describe(account)).kept === 'elsewhere') {
        return 'elsewhere';
      }
      const problem = await policy.newPasswordProblem(newPassword, await ownerOf(account));
      if (problem !== undefined) {
        return problem;
      }
      if (newPassword.normalize('NFKC') === currentPassword.normalize('NFKC')) {
        return 'same';
      }
      const mayBe = currentPassword === '' || passwords.mayBePassword(currentPassword);
      if (!mayBe || !(await replace(change))) {
        await audit.record({ kind: 'sign_in_failed', accountId, details: { method: 'password', at: 'change' } });
        return 'wrong';
      }
      // Again: somebody may have signed in with the old password until a moment ago.
      await end(change);
      await audit.record({ kind: 'password_changed', accountId, details: { endedApps: endsApps } });
      return 'changed';
    },
  };
}
