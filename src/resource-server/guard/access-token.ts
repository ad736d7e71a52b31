/** What is known about an access token that its authorization server holds to be good at this moment. */
export interface AccessToken {
  /** The account that granted it; absent when a client acts for itself. */
  readonly subject: string | undefined;
  readonly clientId: string;
  readonly username: string | undefined;
  readonly name: string | undefined;
  readonly email: string | undefined;
  readonly roles: readonly string[];
  readonly scopes: ReadonlySet<string>;
  readonly audience: readonly string[];
  readonly issuer: string | undefined;
  readonly tokenType: string | undefined;
  /** RFC 7800: it needs a proof of possession, so it is worth nothing to a mere bearer. */
  readonly senderConstrained: boolean;
  readonly expiresAt: Date | undefined;
}

/**
 * One way of checking an access token: introspection, a JWT's signature, a lookup.
 *
 * Resolves to `undefined` for a token that is unknown, expired or revoked. Throws `CannotVerify` when there is no way
 * to tell at this moment. For whom a token is, and what for, is none of its business: `authenticate` checks that.
 *
 * `scope` is what the request takes, empty where it takes none: whoever is asked about the token may want to know.
 */
export type VerifyAccessToken = (token: string, scope?: string) => Promise<AccessToken | undefined>;

/** Nobody can say whether the token is good. `message` is for the operator's log; the cause may hold more. */
export class CannotVerify extends Error {
  override readonly name = 'CannotVerify';
}
