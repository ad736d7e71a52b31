import type { Account } from './account.ts';

/** Who somebody is elsewhere: for good, whatever becomes of the email address. */
export interface Identity {
  /** The id of an upstream provider in the configuration, or `ldap`. */
  readonly provider: string;
  readonly subject: string;
  /** As it is known there, for people to recognise. */
  readonly email: string;
}

export interface LinkedIdentity extends Identity {
  readonly linkedAt: Date;
}

export interface NewAccount {
  readonly email: string;
  readonly canonicalEmail: string;
  readonly name: string;
  readonly roles: readonly string[];
}

export interface IdentityStore {
  /** The account that is linked, disabled ones included. */
  findByIdentity(identity: Pick<Identity, 'provider' | 'subject'>): Promise<Account | undefined>;
  /** Idempotent. False, and nothing written, when the identity is another account's, or the account has another one there. */
  link(accountId: string, identity: Identity): Promise<boolean>;
  /** An account without a password, whose email is verified. `undefined`, and nothing written, when email or identity are taken. */
  createAccount(account: NewAccount, identity: Identity): Promise<Account | undefined>;
  /** Of one account: the oldest first. */
  identitiesOf(accountId: string): Promise<readonly LinkedIdentity[]>;
  /** `only_way`, and nothing written, for an account that has neither a password nor another identity. Idempotent. */
  unlink(accountId: string, provider: string): Promise<'unlinked' | 'only_way' | 'not_linked'>;
}
