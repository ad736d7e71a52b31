import type { Account } from './account.ts';

/** What an account may have to be proven with besides a password. Recovery codes stand in for either. */
export type SecondFactor = 'totp' | 'passkey';

/** An account as signing in needs it. */
export interface Person {
  readonly account: Account;
  readonly secondFactors: readonly SecondFactor[];
  readonly recoveryCodesLeft: number;
  /** Another one as soon as the account has another password: what was proven with the old one counts no more. */
  readonly passwordStamp: string;
}

export interface PersonStore {
  /** As they are at this moment, disabled ones included; `undefined` when there is none. */
  findPerson(accountId: string): Promise<Person | undefined>;
}

/** Ways to prove who one is. */
export const METHODS = ['password', 'ldap', 'upstream', 'passkey', 'totp', 'recovery_code'] as const;
export type Method = (typeof METHODS)[number];

/** Somebody has shown who they are, in one way. */
export interface Proof {
  readonly person: Person;
  readonly method: Method;
  /** RFC 8176: what clients are told of it. `mfa` is added where two kinds come together (assurance.ts). */
  readonly amr: readonly string[];
  /** For the audit: which upstream provider, which passkey. */
  readonly details?: Readonly<Record<string, string>> | undefined;
}
