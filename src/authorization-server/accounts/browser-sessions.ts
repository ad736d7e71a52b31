import type { Account } from './account.ts';

/** A browser in which somebody is signed in at this server. */
export interface BrowserSession {
  /** Opens nothing. */
  readonly uid: string;
  readonly signedInAt: Date;
  readonly seenAt: Date;
  /** Where it was then. */
  readonly address: string | undefined;
  readonly userAgent: string | undefined;
}

/** The one that somebody is in at this moment. */
export interface AllBut {
  readonly allBut: string;
}

export interface BrowserSessionStore {
  /**
   * The account that is signed in in a session, where both are alive and so is the grant. Notes that the session was seen, at
   * most once a minute.
   */
  visit(session: { uid: string; grantId: string }): Promise<Account | undefined>;
  /** Of an account, the one seen last first. */
  list(accountId: string): Promise<readonly BrowserSession[]>;
  /**
   * Ends those of the account that have these uids, at every node when it resolves, and says which they were. Clients are told. A
   * change of address that is not confirmed yet ends as well: it may have been asked for in one of them.
   */
  end(accountId: string, uids: readonly string[] | 'all' | AllBut): Promise<readonly BrowserSession[]>;
}
