import type { Proof } from './person.ts';
import type { StandardClaims } from './standard-claims.ts';

/** A resource owner (RFC 6749 §1.1): the person whose data a client asks for. */
export interface Account {
  /** The `sub` of every token: random, never reused, never the email. */
  readonly accountId: string;
  readonly email: string;
  readonly emailVerified: boolean;
  readonly name: string;
  readonly roles: readonly string[];
  readonly disabled: boolean;
  /** What else is known of the person (OpenID Connect Core §5.1). */
  readonly claims: StandardClaims;
  readonly updatedAt: Date;
}

export interface AccountStore {
  /** The account as it is at this moment, disabled ones included; `undefined` when there is none. */
  findAccount(accountId: string): Promise<Account | undefined>;
}

/**
 * Checks an email and a password, for the sign-in page and the password grant alike (one lockout, one timing).
 * `undefined` says no and never why: unknown, wrong, throttled, disabled and without a password look the same.
 * Throws `TooBusy` when the password queue is full: an answer of 503 with `Retry-After`, and no attempt counted.
 */
export type Authenticate = (credentials: { email: string; password: string }) => Promise<Proof | undefined>;
