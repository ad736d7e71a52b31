import type { Method, Proof } from '../accounts/person.ts';

/** Where in a sign-in a proof counts. */
export type Step = 'first' | 'second' | 'alone';

/**
 * `first`: it says who somebody is, and a second factor may be due after it. `second`: it confirms the account of a first one.
 * `alone`: it is two kinds of proof in one, and nothing is due after it.
 */
export const STEPS: Readonly<Record<Method, readonly Step[]>> = {
  password: ['first'],
  ldap: ['first'],
  upstream: ['first'],
  passkey: ['alone', 'second'],
  totp: ['second'],
  recovery_code: ['second'],
};

/**
 * A way to prove who one is. Which further proof is due after it is nobody's business here: pages/sign-in-steps.ts
 * decides that for all of them.
 */
export interface Authenticator<Evidence> {
  readonly method: Method;
  /**
   * `undefined` says no, and never why. Every attempt counts against the account's limit by itself, before it is looked at, and
   * what proves something once proves it only once, on any number of nodes. A disabled account proves nothing.
   * Throws `TooBusy` when nobody else may wait: 503 with `Retry-After`, no attempt counted.
   */
  verify(evidence: Evidence): Promise<Proof | undefined>;
}

/** What the sign-in page, the password grant and HTTP Basic there bring. */
export interface Credentials {
  readonly email: string;
  readonly password: string;
}

/** What is typed to confirm the account of a first step. */
export interface TypedCode {
  readonly accountId: string;
  readonly code: string;
}
