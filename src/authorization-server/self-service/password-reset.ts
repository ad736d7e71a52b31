import type { Account } from '../accounts/account.ts';
import type { PasswordPolicy } from '../accounts/password-policy.ts';
import type { Passwords } from '../accounts/passwords.ts';
import type { Audit } from '../audit/audit.ts';
import { durationIn } from '../languages/duration.ts';
import type { Language } from '../languages/languages.ts';
import type { Mailer } from '../mail/mailer.ts';
import type { ReadAddress } from './addresses.ts';
import { MAIL_TO_ADDRESS, type Take } from './limits.ts';
import type { Enqueue, MailJobOf } from './mail-job.ts';
import { type Beginning, createToken, linkTo, type MailedLinkStore } from './mailed-link.ts';
import type { Problem, Problems } from './problem.ts';

export interface PasswordResetDeps {
  readonly issuer: string;
  /** Of any domain: accounts may be older than the rule. */
  readonly readAddress: ReadAddress;
  readonly linkLifetime: number;
  readonly findByEmail: (emailCanonical: string) => Promise<Account | undefined>;
  readonly findAccount: (accountId: string) => Promise<Account | undefined>;
  readonly hasSecondFactor: (accountId: string) => Promise<boolean>;
  /** In a directory, which decides alone who knows it: one of ours would be a way round that. */
  readonly isKeptElsewhere: (accountId: string) => Promise<boolean>;
  readonly passwords: Passwords;
  readonly policy: PasswordPolicy;
  /** Ends every session, grant and token of an account. Idempotent. */
  readonly endAccess: (accountId: string) => Promise<void>;
  readonly links: MailedLinkStore;
  readonly mailer: Mailer;
  readonly enqueue: Enqueue;
  readonly take: Take;
  /** Whether one more form from this IP address may send mail. */
  readonly admits: (from: string) => Promise<boolean>;
  readonly audit: Pick<Audit, 'record'>;
}

export interface ResetForm extends Beginning {
  readonly email: string;
  readonly language: Language;
  /** Where it comes from. */
  readonly from: string;
}

export type Chosen = { readonly account: Account; readonly beginning: Beginning } | { problem: Problem } | 'used';

/**
 * A new password for who has the mailbox of an account. It replaces one kind of proof and no other: whoever uses it goes on to sign in,
 * with a second factor where the account has one.
 */
export function createPasswordReset(deps: PasswordResetDeps) {
  const { links, mailer, passwords, policy, take } = deps;

  async function ownerOf(accountId: string | undefined) {
    const account = accountId === undefined ? undefined : await deps.findAccount(accountId);
    if (account === undefined || (await deps.isKeptElsewhere(account.accountId))) {
      return undefined;
    }
    const { accountId: id, email, name } = account;
    return { account, owner: { email, name, hasSecondFactor: await deps.hasSecondFactor(id) } };
  }

  return {
    /** `undefined`: done. The same for an address that nobody here has, and in the same time. */
    async request(form: ResetForm): Promise<Problems<'email'> | undefined> {
      const { language, browser, request } = form;
      const address = deps.readAddress(form.email);
      if ('problem' in address) {
        return { email: address.problem };
      }
      const { emailCanonical } = address;
      if (!(await deps.admits(form.from))) {
        return { form: { key: 'self-service.problem.too-often' } };
      }
      const mayMail = await take(MAIL_TO_ADDRESS, emailCanonical);
      const accountId = (await deps.findByEmail(emailCanonical))?.accountId;
      await deps.audit.record({ kind: 'password_reset_requested', accountId });
      if (mayMail) {
        await deps.enqueue({ type: 'password', emailCanonical, language, browser, request });
      }
      return undefined;
    },

    async mail({ emailCanonical, language, browser, request }: MailJobOf<'password'>) {
      const account = await deps.findByEmail(emailCanonical);
      if (account === undefined || account.disabled) {
        return;
      }
      const { accountId, email, name } = account;
      if (await deps.isKeptElsewhere(accountId)) {
        await mailer.send({ to: email, template: 'mail-account.password-elsewhere', language, values: { name } });
        return;
      }
      const token = createToken();
      const link = {
        token,
        purpose: 'password',
        accountId,
        email,
        emailCanonical,
        seconds: deps.linkLifetime,
      } as const;
      await links.add({ ...link, details: { browser, request } });
      const values = { name, link: linkTo(deps.issuer, token), duration: durationIn(language, deps.linkLifetime) };
      await mailer.send({ to: email, template: 'mail-account.reset-password', language, values });
    },

    /** What the page asks for; `undefined` when the link is over. */
    async open(token: string): Promise<{ email: string; minLength: number } | undefined> {
      const link = await links.find(token);
      const found = link?.purpose === 'password' ? await ownerOf(link.accountId) : undefined;
      return found && { email: found.account.email, minLength: policy.minLength(found.owner) };
    },

    async choose(token: string, password: string, language: Language): Promise<Chosen> {
      const link = await links.find(token);
      const found = link?.purpose === 'password' ? await ownerOf(link.accountId) : undefined;
      if (link?.purpose !== 'password' || found === undefined) {
        return 'used';
      }
      const problem = await policy.newPasswordProblem(password, found.owner);
      if (problem !== undefined) {
        return { problem };
      }
      const passwordHash = await passwords.inTurn((hasher) => hasher.hashPassword(password));
      const { accountId } = found.account;
      // Were it only done below, a crash in between would leave sessions of the old password, and the link used.
      await deps.endAccess(accountId);
      const account = await links.setPassword(token, passwordHash);
      if (account === 'used') {
        return 'used';
      }
      await deps.endAccess(accountId);
      await deps.audit.record({ kind: 'password_reset', accountId });
      const { email: to, name } = account;
      await mailer.send({ to, template: 'mail-account.password-reset', language, values: { name } });
      return { account, beginning: link.details };
    },
  };
}
export type PasswordReset = ReturnType<typeof createPasswordReset>;
