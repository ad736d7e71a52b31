/** Signing in with a password that an LDAP directory keeps: the directory says whose it is, and an account here says what for. */
import { randomUUID } from 'node:crypto';
import type { PasswordDirectory, ReservedAttempt, SignInStore } from '../accounts/authenticate.ts';
import { canonicalEmail } from '../accounts/email.ts';
import type { IdentityStore } from '../accounts/identities.ts';
import type { Recognise } from '../accounts/recognise.ts';
import { TooBusy } from '../accounts/too-busy.ts';
import type { Audit } from '../audit/audit.ts';
import { type LdapDirectory, type LdapPerson, LdapUnavailable } from './ldap-directory.ts';

const PROVIDER = 'ldap';

export interface LdapPasswordsDeps {
  readonly directory: LdapDirectory;
  readonly createsAccounts: boolean;
  readonly recognise: Recognise;
  readonly identities: Pick<IdentityStore, 'link'>;
  readonly recordSuccess: SignInStore['recordSuccess'];
  readonly audit: Pick<Audit, 'record'>;
  /**
   * Counts what is asked about one address, whether anybody here has it or not: the lockout of accounts does not know of those
   * that are yet to be made.
   */
  readonly guesses: { take(email: string): Promise<boolean>; giveBack(email: string): Promise<void> };
  /** To an operator: the directory cannot be asked. */
  readonly report: (error: LdapUnavailable) => void;
}

export function createLdapPasswords(deps: LdapPasswordsDeps): PasswordDirectory {
  const { directory, recognise, identities, recordSuccess, audit, guesses, report } = deps;

  async function vouch(email: string, password: string): Promise<LdapPerson | undefined> {
    // Who asks too often is told no, and costs as much.
    // What is no address may still be a name that the filter looks for, and directories know no capitals.
    const known = canonicalEmail(email) ?? email.normalize('NFKC').toLowerCase().slice(0, 320);
    const mayAsk = await guesses.take(known);
    const asked = mayAsk ? email : `${randomUUID()}@nobody.invalid`;
    const person = await directory.authenticate({ email: asked, password });
    if (person !== undefined) {
      await guesses.giveBack(known);
    }
    return person;
  }

  async function accountFor(person: LdapPerson, reserved: ReservedAttempt | undefined) {
    const recognition = await recognise({
      provider: PROVIDER,
      ...person,
      // The operator's own directory says so.
      emailVerified: true,
      createsAccounts: deps.createsAccounts,
    });
    if (!('account' in recognition)) {
      return undefined;
    }
    const { accountId } = recognition.account;
    if (recognition.outcome === 'created') {
      await audit.record({ kind: 'account_created', accountId, details: { provider: PROVIDER } });
      return accountId;
    }
    // Counted and found without a password, for this very account: what is looked up by another of its names is not.
    if (reserved?.accountId !== accountId) {
      return undefined;
    }
    if (recognition.outcome === 'has_account') {
      const linked = await identities.link(accountId, { provider: PROVIDER, ...person });
      return linked ? accountId : undefined;
    }
    return accountId;
  }

  return {
    async ask(email, password) {
      const person = await vouch(email, password).catch((error: unknown) => {
        if (!(error instanceof LdapUnavailable)) {
          throw error;
        }
        report(error);
        throw new TooBusy('the LDAP directory cannot be asked');
      });
      return async (reserved) => {
        const accountId = person && (await accountFor(person, reserved));
        return accountId === undefined
          ? undefined
          : recordSuccess({ accountId, passwordHash: undefined, newHash: undefined });
      };
    },
  };
}
