import type { Account, Authenticate } from './account.ts';
import { canonicalEmail } from './email.ts';
import type { Passwords } from './passwords.ts';

/** After every `attempts` failures in a row the account is throttled for `seconds`: nobody is locked out for good. */
export interface Lockout {
  readonly attempts: number;
  readonly seconds: number;
}

/** An attempt that was counted as failed before its password is looked at; a success takes it back. */
export interface ReservedAttempt {
  readonly accountId: string;
  /** `undefined` for an account without a password. */
  readonly passwordHash: string | undefined;
  readonly disabled: boolean;
}

export interface Success {
  readonly accountId: string;
  /** The hash that the password was verified against. */
  readonly passwordHash: string;
  readonly newHash: string | undefined;
}

export interface SignInStore {
  /**
   * Counts an attempt, in one atomic step on any number of nodes. `undefined`, and nothing written, when no such account
   * exists or it is throttled. Costs the same time in every case. Without `now` the database's clock decides.
   */
  reserveAttempt(email: string, lockout: Lockout, now?: Date): Promise<ReservedAttempt | undefined>;
  /**
   * Ends the row of failures, and stores `newHash` if given. `undefined`, and nothing written, when the account's password
   * is no longer the one of `passwordHash` or the account may no longer sign in.
   */
  recordSuccess(success: Success): Promise<Account | undefined>;
}

interface Dependencies {
  readonly accounts: SignInStore;
  readonly passwords: Passwords;
  readonly lockout: Lockout;
  readonly now?: () => Date;
}

/**
 * An attempt is reserved before its password is verified, so that parallel guesses cannot outrun the counter, and only once it is
 * its turn, so that many right passwords at once do not lock each other out. Whatever the reason for a no, exactly one hash is computed.
 */
export function createAuthenticate({ accounts, passwords, lockout, now }: Dependencies): Authenticate {
  return async ({ email, password }) => {
    // Says nothing about any account, hence needs no equal work; too long a password must not cost any.
    if (!passwords.mayBePassword(password)) {
      return undefined;
    }
    const canonical = canonicalEmail(email);
    return passwords.inTurn(async (hasher) => {
      // The hash may change under our hands: a parallel sign-in renews it, or the password is replaced. Then ask once more.
      for (let round = 0; round < 2; round += 1) {
        const attempt =
          canonical === undefined ? undefined : await accounts.reserveAttempt(canonical, lockout, now?.());
        const matches = await hasher.verifyPassword(attempt?.passwordHash, password);
        if (!matches || attempt?.passwordHash === undefined || attempt.disabled) {
          return undefined;
        }
        const { accountId, passwordHash } = attempt;
        const newHash = hasher.needsRehash(passwordHash) ? await hasher.hashPassword(password) : undefined;
        const account = await accounts.recordSuccess({ accountId, passwordHash, newHash });
        if (account) {
          return account;
        }
      }
      return undefined;
    });
  };
}
