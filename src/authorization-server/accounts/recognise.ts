import type { Account } from './account.ts';
import { canonicalEmail } from './email.ts';
import type { IdentityStore } from './identities.ts';

/** Somebody who has proven elsewhere who they are. */
export interface Arrival {
  readonly provider: string;
  readonly subject: string;
  readonly email: string | undefined;
  readonly emailVerified: boolean;
  readonly name: string | undefined;
  /** Whether a newcomer gets an account. */
  readonly createsAccounts: boolean;
}

export type Recognition =
  | { readonly outcome: 'known' | 'created'; readonly account: Account }
  /** There is an account with this email, and nothing says that it is theirs: its owner has to sign in to it once. */
  | { readonly outcome: 'has_account'; readonly account: Account }
  | { readonly outcome: 'disabled' | 'email_unverified' | 'no_account' };

export interface RecogniseDeps {
  readonly identities: Pick<IdentityStore, 'findByIdentity' | 'createAccount'>;
  readonly accounts: { findByEmail(canonicalEmail: string): Promise<Account | undefined> };
  /** Of new accounts: see `accounts` in config/default.yaml. */
  readonly newcomers: { readonly roles: readonly string[]; readonly emailDomains: readonly string[] };
}

export type Recognise = (arrival: Arrival) => Promise<Recognition>;

/**
 * Whose account somebody means who comes from elsewhere. The id there decides; an email address never does by itself, or
 * whoever has it there could take over whose account it is here.
 */
export function createRecognise({ identities, accounts, newcomers }: RecogniseDeps): Recognise {
  const known = async (arrival: Arrival): Promise<Recognition | undefined> => {
    const account = await identities.findByIdentity(arrival);
    return account && (account.disabled ? { outcome: 'disabled' } : { outcome: 'known', account });
  };
  return async (arrival) => {
    const recognised = await known(arrival);
    if (recognised !== undefined) {
      return recognised;
    }
    const email = canonicalEmail(arrival.email);
    if (email === undefined || !arrival.emailVerified) {
      return { outcome: 'email_unverified' };
    }
    const owner = await accounts.findByEmail(email);
    if (owner !== undefined) {
      return owner.disabled ? { outcome: 'disabled' } : { outcome: 'has_account', account: owner };
    }
    const welcome = newcomers.emailDomains.length === 0 || newcomers.emailDomains.includes(domainOf(email));
    if (!arrival.createsAccounts || !welcome) {
      return { outcome: 'no_account' };
    }
    const address = arrival.email?.trim() ?? email;
    const account = await identities.createAccount(
      { email: address, canonicalEmail: email, name: arrival.name ?? address, roles: newcomers.roles },
      { provider: arrival.provider, subject: arrival.subject, email: address },
    );
    // Somebody was faster: the same person in another tab, mostly.
    return account ? { outcome: 'created', account } : ((await known(arrival)) ?? { outcome: 'no_account' });
  };
}

function domainOf(email: string): string {
  return email.slice(email.lastIndexOf('@') + 1);
}
