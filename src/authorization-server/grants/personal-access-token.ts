/** A token that an account holder made for programs of their own. Its value is told once and kept nowhere. */
export interface PersonalAccessToken {
  readonly id: string;
  readonly accountId: string;
  /** What its owner calls it. */
  readonly name: string;
  readonly resourceServer: string;
  readonly scopes: readonly string[];
  readonly createdAt: Date;
  readonly expiresAt: Date;
  /** Of the grant that it hangs on, and ends with (held-grant.ts). */
  readonly grantKey: string;
}

export interface NewPersonalAccessToken extends Omit<PersonalAccessToken, 'createdAt' | 'grantKey'> {
  readonly grantId: string;
  /** The token itself, to be known again by its hash. */
  readonly value: string;
}

/** An account has so many at most. */
export const MOST_TOKENS = 50;

/** Days that a token may live. */
export const TOKEN_DAYS = { least: 1, most: 365 } as const;

export interface PersonalAccessTokenStore {
  /** A value that says what it is, for scanners that look for secrets, for a token that ends then. */
  createValue(expiresAt: Date): string;
  /** The newest first; such as have ended in any way are left out. */
  ofAccount(accountId: string): Promise<readonly PersonalAccessToken[]>;
  /** False, and nothing added, where the account has `MOST_TOKENS`, or there is one with this id. */
  add(token: NewPersonalAccessToken): Promise<boolean>;
  /** One of this account, which has not ended. */
  find(accountId: string, id: string): Promise<PersonalAccessToken | undefined>;
  /** Forgets it; the grant is the caller's to end. True for one of any number of callers. */
  remove(accountId: string, id: string): Promise<boolean>;
}
