import type { Client } from './client.ts';
import type { TokenPolicy } from './initial-access-tokens.ts';

/** A client that registered itself, and what is needed to let it change that. */
export interface StoredRegistration {
  readonly client: Client;
  readonly accessTokenHash: string;
  /** Of the initial access token that it was registered with: holds for its changes, too. */
  readonly policy: TokenPolicy;
  /** Seconds since 1970. */
  readonly issuedAt: number;
}

export interface NewRegistration extends Omit<StoredRegistration, 'issuedAt'> {
  /** The id of the one it was registered with; `undefined` where anybody may register. */
  readonly initialAccessToken: string | undefined;
}

export interface Reissue {
  readonly client: Client;
  readonly formerAccessTokenHash: string;
  readonly accessTokenHash: string;
}

export interface ClientRegistrations {
  /** The state of this moment; `undefined` for a client that did not register itself. */
  find(clientId: string): Promise<StoredRegistration | undefined>;
  /**
   * Counts on every node in the next request. Of those that anybody could register and nobody used, it keeps `mostUnused`:
   * the oldest go. Returns when it was registered, in seconds since 1970.
   */
  register(registration: NewRegistration, mostUnused: number): Promise<number>;
  /** Replaces metadata and token together. False when the former token is not the one of this moment: one of two wins. */
  reissue(reissue: Reissue): Promise<boolean>;
  /** The client, its grants and its tokens end. False when the token is not the one of this moment. */
  remove(clientId: string, accessTokenHash: string): Promise<boolean>;
  /** It had a code or a token, and is not abandoned. */
  markUsed(clientId: string): Promise<void>;
}
