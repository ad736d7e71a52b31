import type { Audit } from '../audit/audit.ts';
import type { Authenticate } from './account.ts';
import { canonicalEmail } from './email.ts';
import type { PasswordHasher, Passwords } from './passwords.ts';
import type { Person } from './person.ts';
import { TooBusy } from './too-busy.ts';

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
  /** Nothing was counted, and no password is right. */
  readonly throttled: boolean;
}

export interface Success {
  readonly accountId: string;
  /** The hash that the password was verified against; `undefined` where the account has none. */
  readonly passwordHash: string | undefined;
  readonly newHash: string | undefined;
}

export interface SignInStore {
  /**
   * Counts an attempt, in one atomic step on any number of nodes. `undefined`, and nothing written, when no such account
   * exists; nothing written either while it is throttled. Costs the same time in every case. Without `now` the database's
   * clock decides.
   */
  reserveAttempt(email: string, lockout: Lockout, now?: Date): Promise<ReservedAttempt | undefined>;
  /**
   * Ends the row of failures, and stores `newHash` if given. `undefined`, and nothing written, when the account's password
   * is no longer the one of `passwordHash` or the account may no longer sign in.
   */
  recordSuccess(success: Success): Promise<Person | undefined>;
}

/** Where the passwords are of people who have none here. */
export interface PasswordDirectory {
  /**
   * Asked about everybody, so that nobody can tell who has a password here. What it returns is called only where there is no
   * password here, with the attempt that was reserved: whose password it is, signed in, or `undefined`. Throws `TooBusy` when
   * the directory cannot say.
   */
  ask(email: string, password: string): Promise<(reserved: ReservedAttempt | undefined) => Promise<Person | undefined>>;
}

interface Dependencies {
  readonly accounts: SignInStore;
  readonly directory?: PasswordDirectory | undefined;
  readonly passwords: Passwords;
  readonly lockout: Lockout;
  readonly audit: Pick<Audit, 'record'>;
  readonly now?: () => Date;
}

interface Recognised {
  readonly person: Person;
  readonly method: 'password' | 'ldap';
}

/** Whose attempt failed, as far as there is an account. */
interface Refusal {
  readonly accountId: string | undefined;
  readonly throttled: boolean;
}

/**
 * An attempt is reserved before its password is verified, so that parallel guesses cannot outrun the counter, and only once it is
 * its turn, so that many right passwords at once do not lock each other out. Whatever the reason for a no, exactly one hash is
 * computed, and one row is written to the audit log.
 */
export function createAuthenticate(deps: Dependencies): Authenticate {
  const { accounts, directory, passwords, lockout, audit, now } = deps;

  async function attempt(hasher: PasswordHasher, typed: string, password: string): Promise<Recognised | Refusal> {
    const email = canonicalEmail(typed);
    let refusal: Refusal = { accountId: undefined, throttled: false };
    // The hash may change under our hands: a parallel sign-in renews it, or the password is replaced. Then ask once more.
    for (let round = 0; round < 2; round += 1) {
      const reserved = email === undefined ? undefined : await accounts.reserveAttempt(email, lockout, now?.());
      refusal = { accountId: reserved?.accountId, throttled: reserved?.throttled ?? false };
      const usable = reserved?.throttled ? undefined : reserved;
      const [matches, elsewhere] = await Promise.all([
        hasher.verifyPassword(usable?.passwordHash, password),
        directory?.ask(typed, password).catch(orTooBusy),
      ]);
      if (!matches && elsewhere instanceof TooBusy) {
        throw elsewhere;
      }
      const isKnownHere = refusal.throttled || usable?.disabled || usable?.passwordHash !== undefined;
      if (typeof elsewhere === 'function' && !isKnownHere) {
        const person = await elsewhere(usable);
        return person === undefined ? refusal : { person, method: 'ldap' };
      }
      if (!matches || usable?.passwordHash === undefined || usable.disabled) {
        return refusal;
      }
      const { accountId, passwordHash } = usable;
      const newHash = hasher.needsRehash(passwordHash) ? await hasher.hashPassword(password) : undefined;
      const person = await accounts.recordSuccess({ accountId, passwordHash, newHash });
      if (person) {
        return { person, method: 'password' };
      }
    }
    return refusal;
  }

  return async ({ email, password }) => {
    // Says nothing about any account, hence needs no equal work; too long a password must not cost any.
    if (!passwords.mayBePassword(password)) {
      return undefined;
    }
    const outcome = await passwords.inTurn((hasher) => attempt(hasher, email, password));
    if ('person' in outcome) {
      return { ...outcome, amr: ['pwd'] };
    }
    const { accountId, throttled } = outcome;
    const kind = throttled ? 'sign_in_throttled' : 'sign_in_failed';
    await audit.record({ kind, accountId, details: { method: 'password' } });
    return undefined;
  };
}

/** A password that is right here needs no directory. */
function orTooBusy(error: unknown): TooBusy {
  if (error instanceof TooBusy) {
    return error;
  }
  throw error;
}
