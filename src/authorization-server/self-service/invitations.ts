import { randomUUID } from 'node:crypto';
import type { Account } from '../accounts/account.ts';
import type { PasswordPolicy } from '../accounts/password-policy.ts';
import type { Passwords } from '../accounts/passwords.ts';
import type { Audit } from '../audit/audit.ts';
import { durationIn } from '../languages/duration.ts';
import type { Language } from '../languages/languages.ts';
import type { Mailer } from '../mail/mailer.ts';
import type { ReadAddress } from './addresses.ts';
import { createToken, linkTo, type MailedLinkStore } from './mailed-link.ts';
import type { Problem } from './problem.ts';

/** One that waits for its answer, or was not answered in time. */
export interface ListedInvitation {
  readonly email: string;
  readonly roles: readonly string[];
  readonly sentAt: Date;
  readonly expiresAt: Date;
}

export interface InvitationStore extends Pick<MailedLinkStore, 'add'> {
  listInvitations(): Promise<readonly ListedInvitation[]>;
  /** False when there is none. */
  revokeInvitation(emailCanonical: string): Promise<boolean>;
}

export interface InviteDeps {
  readonly issuer: string;
  readonly readAddress: ReadAddress;
  /** Seconds. */
  readonly lifetime: number;
  readonly findByEmail: (emailCanonical: string) => Promise<Account | undefined>;
  readonly invitations: InvitationStore;
  readonly mailer: Mailer;
  readonly audit: Pick<Audit, 'record'>;
}

export interface Invite {
  readonly email: string;
  /** What an earlier invitation says, or else nothing, unless told. */
  readonly roles?: readonly string[] | undefined;
  readonly language: Language;
  /** There is an earlier one, whose link is to die. */
  readonly again: boolean;
}

export type InviteOutcome =
  | ListedInvitation
  | 'no-address'
  | 'domain'
  | 'has-account'
  | 'invited-before'
  | 'never-invited';

/** For an operator, who may be told everything. */
export function createInvite(deps: InviteDeps) {
  return async ({ email, roles, language, again }: Invite): Promise<InviteOutcome> => {
    const address = deps.readAddress(email);
    if ('problem' in address) {
      return address.problem.key.endsWith('.domain') ? 'domain' : 'no-address';
    }
    if ((await deps.findByEmail(address.emailCanonical)) !== undefined) {
      return 'has-account';
    }
    const earlier = await findInvitation(deps, address.emailCanonical);
    if ((earlier !== undefined) !== again) {
      return again ? 'never-invited' : 'invited-before';
    }
    const invitation = { ...address, roles: roles ?? earlier?.roles ?? [] };
    const token = createToken();
    await deps.audit.record({ kind: 'invitation_sent', details: { email: address.email, roles: invitation.roles } });
    await deps.invitations.add({ ...invitation, token, purpose: 'invitation', details: {}, seconds: deps.lifetime });
    const values = { link: linkTo(deps.issuer, token), duration: durationIn(language, deps.lifetime) };
    await deps.mailer.send({ to: address.email, template: 'mail-account.invitation', language, values });
    const sentAt = new Date();
    const expiresAt = new Date(sentAt.getTime() + deps.lifetime * 1000);
    return { email: address.email, roles: invitation.roles, sentAt, expiresAt };
  };
}

async function findInvitation({ invitations, readAddress }: InviteDeps, emailCanonical: string) {
  const all = await invitations.listInvitations();
  return all.find(({ email }) => {
    const address = readAddress(email);
    return !('problem' in address) && address.emailCanonical === emailCanonical;
  });
}

export interface AcceptDeps {
  readonly passwords: Passwords;
  readonly policy: PasswordPolicy;
  readonly links: MailedLinkStore;
  readonly audit: Pick<Audit, 'record'>;
}

export type Accepted = { readonly account: Account } | { readonly problem: Problem } | 'used' | 'taken';

/** Whoever has the mailbox chooses a name and a password: there was nothing before that anybody else could know. */
export function createInvitations({ passwords, policy, links, audit }: AcceptDeps) {
  return {
    async open(token: string): Promise<{ email: string; minLength: number } | undefined> {
      const link = await links.find(token);
      return link?.purpose === 'invitation'
        ? { email: link.email, minLength: policy.minLength({ email: link.email }) }
        : undefined;
    },

    async accept(token: string, { name, password }: { name: string; password: string }): Promise<Accepted> {
      const link = await links.find(token);
      if (link?.purpose !== 'invitation') {
        return 'used';
      }
      const problem = await policy.newPasswordProblem(password, { email: link.email, name });
      if (problem !== undefined) {
        return { problem };
      }
      const passwordHash = await passwords.inTurn((hasher) => hasher.hashPassword(password));
      const accountId = randomUUID();
      const account = await links.createAccount(token, { accountId, name, passwordHash, roles: link.roles });
      if (typeof account === 'string') {
        return account;
      }
      await audit.record({ kind: 'invitation_accepted', accountId });
      await audit.record({ kind: 'account_created', accountId, details: { by: 'invitation' } });
      await audit.record({ kind: 'email_verified', accountId });
      return { account };
    },
  };
}
export type Invitations = ReturnType<typeof createInvitations>;
