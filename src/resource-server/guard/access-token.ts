/** What is known about an access token that its authorization server holds to be good. Its value is not part of it. */
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
  readonly expiresAt: Date | undefined;
  /** RFC 7800: the key that whoever presents the token has to prove; `undefined` where bearing it is enough. */
  readonly confirmation: Confirmation | undefined;
  /** RFC 9470: how, and when, the account holder had signed in. */
  readonly acr: string | undefined;
  readonly authTime: Date | undefined;
}

/** Without either member the token is bound to something that this guard cannot check, and nobody may use it here. */
export interface Confirmation {
  /** RFC 9449 §6.1: the thumbprint of the DPoP key. */
  readonly jkt?: string;
  /** RFC 8705 §3.1: the thumbprint of the client's certificate. */
  readonly x5tS256?: string;
}

/** For whom a token has to be, and from whom. */
export interface Expectations {
  /** The `aud` that it must carry: our RFC 8707 resource indicator. */
  readonly audience: string;
  readonly issuer: string;
}

/** What a strategy found out about a token. */
export interface VerifiedToken {
  readonly accessToken: AccessToken;
  /** Why it is none for here, whatever a request takes; for the developer of the client. */
  readonly objection: string | undefined;
  /** What the token ends with: an event about any of these may be about this token. */
  readonly handles: readonly Handle[];
}

export const HANDLE_KINDS = ['token', 'grant', 'session', 'account', 'client'] as const;
export type HandleKind = (typeof HANDLE_KINDS)[number];

/** Names a token, or what a token ends with, and is worth nothing to whoever presents it. */
export type Handle = `${HandleKind}:${string}`;

/** Those of the given handles that are there. */
export function handlesOf(named: Readonly<Partial<Record<HandleKind, string | undefined>>>): Handle[] {
  return HANDLE_KINDS.flatMap((kind): Handle[] => (named[kind] === undefined ? [] : [`${kind}:${named[kind]}`]));
}

export interface Question {
  /**
   * What the request takes, empty where it takes no scope, so that people can be shown which of an app's scopes are ever
   * used. `undefined` says nothing about it. It is no condition: for whom a token is, and what for, is checked elsewhere.
   */
  readonly scopes: readonly string[] | undefined;
}

/**
 * One way of checking an access token: introspection, a JWT's signature, a lookup.
 *
 * `undefined` for a token that is unknown, expired or revoked. Throws `CannotVerify` when there is no way to tell at this
 * moment, and `UnusableToken` where there is more to say to the client. Answers without a promise where nobody has to be asked.
 */
export type Verify = (
  token: string,
  question: Question,
) => VerifiedToken | undefined | Promise<VerifiedToken | undefined>;

/** Nobody can say whether the token is good. `message` is for the operator's log; the cause may hold more. */
export class CannotVerify extends Error {
  override readonly name = 'CannotVerify';
}

/** What was presented is no token that could be good here. `message` is for the developer of the client. */
export class UnusableToken extends Error {
  override readonly name = 'UnusableToken';
}
