import { randomUUID } from 'node:crypto';
import type { Account } from '../accounts/account.ts';
import type { PasswordPolicy } from '../accounts/password-policy.ts';
import type { Passwords } from '../accounts/passwords.ts';
import type { Audit } from '../audit/audit.ts';
import { durationIn } from '../languages/duration.ts';
import type { Language } from '../languages/languages.ts';
import type { Mailer } from '../mail/mailer.ts';
import type { ReadAddress } from './addresses.ts';
import { MAIL_TO_ADDRESS, PASSWORDS_AT_LINK, type Take } from './limits.ts';
import type { Enqueue, MailJobOf } from './mail-job.ts';
import { type Beginning, createToken, linkTo, type MailedLinkStore } from './mailed-link.ts';
import type { Problems } from './problem.ts';

export interface SignUpDeps {
  readonly issuer: string;
  readonly readAddress: ReadAddress;
  /** Of a new account. */
  readonly roles: readonly string[];
  /** Seconds that a link is good for. */
  readonly linkLifetime: number;
  readonly findByEmail: (emailCanonical: string) => Promise<Account | undefined>;
  /** Whether the password of an account is kept in a directory: there is no link to choose another one then. */
  readonly isKeptElsewhere: (accountId: string) => Promise<boolean>;
  readonly passwords: Passwords;
  readonly policy: PasswordPolicy;
  readonly links: MailedLinkStore;
  readonly mailer: Mailer;
  readonly enqueue: Enqueue;
  readonly take: Take;
  /** Whether one more form from this IP address may send mail. */
  readonly admits: (from: string) => Promise<boolean>;
  readonly audit: Pick<Audit, 'record'>;
}

export interface SignUpForm extends Beginning {
  readonly name: string;
  readonly email: string;
  readonly password: string;
  readonly language: Language;
  /** Where it comes from. */
  readonly from: string;
}

/** Who confirms: the browser that asked, or else somebody who knows the password that was chosen there. */
export interface Confirmation {
  readonly browser: string | undefined;
  readonly password: string | undefined;
}

export type Confirmed =
  | { readonly account: Account; readonly isSameBrowser: boolean; readonly request: string }
  | 'used'
  | 'taken'
  | 'wrong-password'
  | 'too-often';

/**
 * An account is made when its address is known to be theirs who want it, and not before. Somebody else may have typed the
 * address: so the link alone is not enough where the browser is another one, or its owner would confirm an account that
 * has a stranger's password.
 */
export function createSignUp(deps: SignUpDeps) {
  const { links, mailer, passwords, policy, take } = deps;

  /** Of the address that somebody wanted to have an account with. */
  async function tellOwner(account: Account, { emailCanonical, language }: MailJobOf<'sign-up'>): Promise<void> {
    const { accountId, email, name, disabled } = account;
    if (disabled) {
      return;
    }
    if (await deps.isKeptElsewhere(accountId)) {
      await mailer.send({ to: email, template: 'mail-account.password-elsewhere', language, values: { name } });
      return;
    }
    const token = createToken();
    const link = { token, purpose: 'password', accountId, email, emailCanonical, seconds: deps.linkLifetime } as const;
    await links.add({ ...link, details: { browser: '', request: '' } });
    const values = { name, link: linkTo(deps.issuer, token), duration: durationIn(language, deps.linkLifetime) };
    await mailer.send({ to: email, template: 'mail-account.already-there', language, values });
  }

  return {
    /** `undefined`: done, and whoever has the address will hear of it. Takes the same time whether it is free or not. */
    async request(form: SignUpForm): Promise<Problems<'email' | 'password'> | undefined> {
      const { name, password, language, browser, request } = form;
      const address = deps.readAddress(form.email);
      if ('problem' in address) {
        return { email: address.problem };
      }
      // Before the password, about which somebody else's server may be asked.
      if (!(await deps.admits(form.from))) {
        return { form: { key: 'self-service.problem.too-often' } };
      }
      const problem = await policy.newPasswordProblem(password, { email: address.email, name });
      if (problem !== undefined) {
        return { password: problem };
      }
      const passwordHash = await passwords.inTurn((hasher) => hasher.hashPassword(password));
      if (await take(MAIL_TO_ADDRESS, address.emailCanonical)) {
        await deps.enqueue({ type: 'sign-up', ...address, name, passwordHash, language, browser, request });
      }
      return undefined;
    },

    async mail(job: MailJobOf<'sign-up'>) {
      const { email, emailCanonical, name, passwordHash, language, browser, request } = job;
      const existing = await deps.findByEmail(emailCanonical);
      if (existing !== undefined) {
        await tellOwner(existing, job);
        return;
      }
      const token = createToken();
      const link = { token, purpose: 'sign-up', email, emailCanonical, seconds: deps.linkLifetime } as const;
      await links.add({ ...link, details: { name, passwordHash, browser, request } });
      // Without the name that was typed: it would be a way to have us write anything to anyone.
      const values = { link: linkTo(deps.issuer, token), duration: durationIn(language, deps.linkLifetime) };
      await mailer.send({ to: email, template: 'mail-account.sign-up', language, values });
    },

    async confirm(token: string, { browser, password }: Confirmation): Promise<Confirmed> {
      const link = await links.find(token);
      if (link?.purpose !== 'sign-up') {
        return 'used';
      }
      const { name, passwordHash, request } = link.details;
      const isSameBrowser = browser === link.details.browser;
      if (!isSameBrowser) {
        if (!(await take(PASSWORDS_AT_LINK, token))) {
          return 'too-often';
        }
        if (!passwords.mayBePassword(password)) {
          return 'wrong-password';
        }
        if (!(await passwords.inTurn((hasher) => hasher.verifyPassword(passwordHash, password)))) {
          return 'wrong-password';
        }
      }
      const account = await links.createAccount(token, {
        accountId: randomUUID(),
        name,
        passwordHash,
        roles: deps.roles,
      });
      if (typeof account === 'string') {
        return account;
      }
      const { accountId } = account;
      await deps.audit.record({ kind: 'account_created', accountId, details: { by: 'sign-up' } });
      await deps.audit.record({ kind: 'email_verified', accountId });
      return { account, isSameBrowser, request };
    },
  };
}
export type SignUp = ReturnType<typeof createSignUp>;
