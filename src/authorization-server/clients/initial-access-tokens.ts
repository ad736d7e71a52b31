import type { Allowance } from './self-described.ts';

/** What clients registered with the token may have, where that is not what the configuration says. */
export type TokenPolicy = Partial<Allowance>;

/** RFC 7591 §1.2: who holds it may register clients. */
export interface InitialAccessToken {
  readonly id: string;
  readonly policy: TokenPolicy;
}

export interface InitialAccessTokens {
  /** `undefined` when there is none of this hash, or it has expired. */
  find(tokenHash: string): Promise<InitialAccessToken | undefined>;
}
