/**
 * Links in mail. What opens one is a token of 256 bits that stands in the mail and nowhere else: the database has its hash. Each is
 * good for one purpose, once, and not for long.
 *
 * Opening a link changes nothing, because programs that look at mail open links, too: what it is for is done by a form on
 * its page.
 */
import { randomBytes } from 'node:crypto';
import type { Account } from '../accounts/account.ts';

/** What a link is for, and what it needs besides the address that it was mailed to. */
export interface LinkDetails {
  /** An account is made. */
  'sign-up': { readonly name: string; readonly passwordHash: string } & Beginning;
  /** The account gets a new password. */
  password: Beginning;
  /** The account gets this address. */
  email: Beginning;
  /** The account gets this address back. */
  'email-undo': { readonly replacedBy: string };
  /** An account is made, with the roles of the invitation. */
  invitation: object;
}
export type LinkPurpose = keyof LinkDetails;

/** Where it was asked for. */
export interface Beginning {
  /** What the browser was given (pages/link-browser.ts). */
  readonly browser: string;
  /** The authorization request that it interrupts, sealed (pages/remembered-request.ts); empty for none. */
  readonly request: string;
}

interface Addressee {
  /** As its owner wrote it: where the mail goes. */
  readonly email: string;
  readonly emailCanonical: string;
}

export type NewLink<Purpose extends LinkPurpose> = Addressee & {
  readonly token: string;
  readonly purpose: Purpose;
  readonly accountId?: string | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly details: LinkDetails[Purpose];
  readonly seconds: number;
};

export type MailedLink = {
  [Purpose in LinkPurpose]: Addressee & {
    readonly purpose: Purpose;
    readonly accountId: string | undefined;
    readonly roles: readonly string[];
    readonly details: LinkDetails[Purpose];
  };
}[LinkPurpose];

export interface NewAccount {
  readonly accountId: string;
  readonly name: string;
  readonly passwordHash: string;
  /** Those that do not exist any more are left out. */
  readonly roles: readonly string[];
}

/** Everything that uses a link up does so in the one step that does what it is for: of any number at once, one succeeds. */
export interface MailedLinkStore {
  /** An invitation takes the place of an earlier one to this address, whose link is dead from then on. */
  add<Purpose extends LinkPurpose>(link: NewLink<Purpose>): Promise<void>;
  /** `undefined` for one that is over, was used, or never was; and when its account may not sign in. */
  find(token: string): Promise<MailedLink | undefined>;
  /** For a `sign-up` or an `invitation`. The address counts as verified. `taken`: somebody else has it by now. */
  createAccount(token: string, account: NewAccount): Promise<Account | 'used' | 'taken'>;
  /**
   * For a `password`, as long as the account has the address that the link was mailed to. Ends a throttle, and every other link of the
   * account but those that lead back to a former address. The address counts as verified.
   */
  setPassword(token: string, passwordHash: string): Promise<Account | 'used'>;
  /**
   * For an `email` or an `email-undo`. The address counts as verified, and links that were mailed to the former one are dead but
   * those that lead back. `undo` is kept with the change, so that it is mailed whatever happens next. An `email-undo` leaves the account
   * as it was: without the passkeys, authenticator apps and recovery codes that came to it since the change, without what it was
   * connected to, and with no way to undo what was changed afterwards.
   */
  changeEmail(token: string, undo?: ChangeToUndo): Promise<Account | 'used' | 'taken'>;
}

/** An `email-undo` for the former address, and what to mail there: `payload` of a delivery of this kind (operations/deliveries.ts). */
export interface ChangeToUndo {
  readonly kind: string;
  readonly token: string;
  readonly seconds: number;
  payload(change: { name: string; former: string; email: string }): object;
}

/**
 * The same links, without those that the configuration would not have mailed any more: it can have changed since, and an
 * invitation is good for days.
 */
export function whileAllowed(links: MailedLinkStore, isAllowed: (link: MailedLink) => boolean): MailedLinkStore {
  return {
    add: (link) => links.add(link),
    async find(token) {
      const link = await links.find(token);
      return link !== undefined && isAllowed(link) ? link : undefined;
    },
    createAccount: (token, account) => links.createAccount(token, account),
    setPassword: (token, passwordHash) => links.setPassword(token, passwordHash),
    changeEmail: (token, undo) => links.changeEmail(token, undo),
  };
}

export function createToken(): string {
  return randomBytes(32).toString('base64url');
}

export const LINKS_PATH = '/links';

/** Built from the issuer, whatever host a request names (C62). */
export function linkTo(issuer: string, token: string): string {
  return `${issuer}${LINKS_PATH}/${token}`;
}
