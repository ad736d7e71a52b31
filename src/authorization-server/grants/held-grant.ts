import type { AccessDuration } from '../resources/access-duration.ts';

/** A grant as its account holder sees it: what is permitted to whom, since when, until when. */
export interface HeldGrant {
  /** Means nothing to anyone but this server, and opens nothing: it may stand in an address. */
  readonly key: string;
  readonly clientId: string;
  readonly since: Date;
  readonly until: Date;
  readonly permits: Permits;
  /** The browser session that it belongs to, while that lasts. */
  readonly sessionUid: string | undefined;
}

/** In the engine's words. */
export interface Permits {
  /** Space-delimited scopes, and single claims. */
  readonly openid?: { readonly scope?: string; readonly claims?: readonly string[] };
  /** Space-delimited scopes of each resource server. */
  readonly resources?: Readonly<Record<string, string>>;
}

/** All grants of an account for one client, or one of them. */
export interface GrantSelection {
  readonly accountId: string;
  readonly clientId: string;
  readonly key?: string | undefined;
}

/** How many grants there are for a client, and since when; the newest of them. */
export interface HeldAccess {
  readonly clientId: string;
  readonly since: Date;
  readonly count: number;
  readonly grants: readonly HeldGrant[];
}

/** What is told of the newest token of a grant. */
export interface GrantOrigin {
  readonly key: string;
  /** The grant type that it came of. */
  readonly grantType: string | undefined;
  /** RFC 9396. */
  readonly authorizationDetails: readonly unknown[];
}

/** When a grant ends. */
export interface GrantEnd {
  readonly until: Date;
  /** What was chosen: it is proposed when the client asks again. `undefined` for a day of one's own. */
  readonly lasts: AccessDuration | undefined;
}

/** What may be changed about a grant. What it does not say stays. */
export interface GrantChange {
  readonly end?: GrantEnd;
  readonly withoutScope?: { readonly scope: string; readonly at: string | undefined };
  readonly withoutClaim?: string;
}

/** Grants at the hand of their account holder. Everything counts at once, at every node, when it resolves. */
export interface GrantStore {
  /** By client, who was given access last first. */
  ofAccount(accountId: string): Promise<readonly HeldAccess[]>;
  originsOf(keys: readonly string[]): Promise<readonly GrantOrigin[]>;
  /** How many of them were changed: 0 where there are none, or nothing of what was to be changed. */
  change(selection: GrantSelection, change: GrantChange): Promise<number>;
  /** Ends the grants and everything that came of them, and says how many there were. */
  revoke(selection: GrantSelection): Promise<number>;
  /** Ends the tokens that came of them; the grants stay. */
  endTokens(selection: GrantSelection): Promise<void>;
}
