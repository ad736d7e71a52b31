import type { Account, Authenticate } from '../accounts/account.ts';
import type { Audit } from '../audit/audit.ts';
import { durationIn } from '../languages/duration.ts';
import type { Language } from '../languages/languages.ts';
import type { Mailer } from '../mail/mailer.ts';
import type { ReadAddress } from './addresses.ts';
import { MAIL_TO_ADDRESS, PASSWORDS_AT_LINK, type Take } from './limits.ts';
import { type Enqueue, MAIL_JOB, type MailJob, type MailJobOf } from './mail-job.ts';
import { type Beginning, createToken, linkTo, type MailedLinkStore } from './mailed-link.ts';
import type { Problems } from './problem.ts';
import type { Confirmation } from './sign-up.ts';

export interface EmailChangeDeps {
  readonly issuer: string;
  readonly readAddress: ReadAddress;
  readonly linkLifetime: number;
  readonly findByEmail: (emailCanonical: string) => Promise<Account | undefined>;
  readonly findAccount: (accountId: string) => Promise<Account | undefined>;
  /** By password, with the lockout of the sign-in page. */
  readonly authenticate: Authenticate;
  readonly endAccess: (accountId: string) => Promise<void>;
  readonly links: MailedLinkStore;
  readonly mailer: Mailer;
  readonly enqueue: Enqueue;
  /** Work was left to be done, along with a change. */
  readonly wake: () => void;
  readonly take: Take;
  readonly audit: Pick<Audit, 'record'>;
}

interface ChangeForm extends Beginning {
  readonly account: Account;
  readonly email: string;
  readonly language: Language;
}

/** Asked for by one account, whoever the mail is for. */
const CHANGES_OF_ACCOUNT = { name: 'changes of an email', most: 10, seconds: 3600 };

/** Three days: a weekend, in which nobody looks at the mail of their work. */
const UNDO_SECONDS = 259_200;

export type EmailChanged = { readonly account: Account } | 'used' | 'taken' | 'wrong-password' | 'too-often';

/**
 * Another address for an account: the new one has to be shown to be theirs, the former one is told and can have it back. As at
 * a sign-up, the link alone is not enough where the browser is another one: nobody shall lend their address to a stranger's account
 * by following a link.
 */
export function createEmailChange(deps: EmailChangeDeps) {
  const { links, mailer, take } = deps;
  return {
    /** `undefined`: done. Nothing tells whether somebody else has the address: only its owner gets to know. */
    async request({ account, email, language, ...beginning }: ChangeForm): Promise<Problems<'email'> | undefined> {
      const address = deps.readAddress(email);
      if ('problem' in address) {
        return { email: address.problem };
      }
      const { accountId } = account;
      if (address.email === account.email && account.emailVerified) {
        return { email: { key: 'self-service.problem.same-email' } };
      }
      if (!(await take(CHANGES_OF_ACCOUNT, accountId))) {
        return { form: { key: 'self-service.problem.too-often' } };
      }
      if (await take(MAIL_TO_ADDRESS, address.emailCanonical)) {
        await deps.enqueue({ type: 'email', accountId, ...address, language, ...beginning });
      }
      return undefined;
    },

    async mail({ accountId, email, emailCanonical, language, browser, request }: MailJobOf<'email'>) {
      const [account, holder] = await Promise.all([deps.findAccount(accountId), deps.findByEmail(emailCanonical)]);
      if (account === undefined) {
        return;
      }
      if (holder !== undefined && holder.accountId !== accountId) {
        const values = { name: holder.name };
        await mailer.send({ to: holder.email, template: 'mail-account.address-in-use', language, values });
        return;
      }
      const token = createToken();
      const link = { token, purpose: 'email', accountId, email, emailCanonical, seconds: deps.linkLifetime } as const;
      await links.add({ ...link, details: { browser, request } });
      await mailer.send({
        to: email,
        template: 'mail-account.confirm-email',
        language,
        values: { link: linkTo(deps.issuer, token), duration: durationIn(language, deps.linkLifetime) },
      });
    },

    async confirm(token: string, { browser, password }: Confirmation, language: Language): Promise<EmailChanged> {
      const link = await links.find(token);
      const account = link?.accountId === undefined ? undefined : await deps.findAccount(link.accountId);
      if (link?.purpose !== 'email' || account === undefined) {
        return 'used';
      }
      if (browser !== link.details.browser) {
        if (!(await take(PASSWORDS_AT_LINK, token))) {
          return 'too-often';
        }
        const found = await deps.authenticate({ email: account.email, password: password ?? '' });
        if (found?.person.account.accountId !== account.accountId) {
          return 'wrong-password';
        }
      }
      const undoToken = createToken();
      const payload = (change: Omit<MailJobOf<'email-changed'>, 'type' | 'language' | 'token'>): MailJob => ({
        type: 'email-changed',
        language,
        token: undoToken,
        ...change,
      });
      const undo = { kind: MAIL_JOB, token: undoToken, seconds: UNDO_SECONDS, payload };
      const changed = await links.changeEmail(token, undo);
      if (typeof changed === 'string') {
        return changed;
      }
      deps.wake();
      await deps.audit.record({ kind: 'email_changed', accountId: changed.accountId });
      return { account: changed };
    },

    /** Tells the former address. */
    async mailUndo({ token, name, former, email, language }: MailJobOf<'email-changed'>) {
      const values = { name, email, link: linkTo(deps.issuer, token) };
      await mailer.send({ to: former, template: 'mail-account.email-changed', language, values });
    },

    /**
     * Gives the former address back. Whoever took the account over knows its password as well, so everything ends, and the answer
     * is the token of a link to choose another one.
     */
    async undo(token: string): Promise<{ readonly passwordToken: string } | 'used' | 'taken'> {
      const link = await links.find(token);
      if (link?.purpose !== 'email-undo' || link.accountId === undefined) {
        return 'used';
      }
      await deps.endAccess(link.accountId);
      const account = await links.changeEmail(token);
      if (typeof account === 'string') {
        return account;
      }
      const { accountId } = account;
      await deps.endAccess(accountId);
      await deps.audit.record({ kind: 'email_changed', accountId, details: { undone: true } });
      const passwordToken = createToken();
      const { email, emailCanonical } = link;
      const passwordLink = { token: passwordToken, purpose: 'password', accountId, email, emailCanonical } as const;
      await links.add({ ...passwordLink, details: { browser: '', request: '' }, seconds: deps.linkLifetime });
      return { passwordToken };
    },
  };
}
export type EmailChange = ReturnType<typeof createEmailChange>;
