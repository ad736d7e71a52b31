import type { Language } from '../languages/languages.ts';
import type { Address } from './addresses.ts';
import type { Beginning } from './mailed-link.ts';

/**
 * What a form asks to be mailed. Whether there is an account, and so which mail it is or none, is looked up when this is
 * worked on, from the outbox and after the answer: the answer takes as long for an address that nobody here has.
 */
export type MailJob = { readonly language: Language } & (
  | ({ readonly type: 'sign-up'; readonly name: string; readonly passwordHash: string } & Address & Beginning)
  | ({ readonly type: 'password'; readonly emailCanonical: string } & Beginning)
  | ({ readonly type: 'email'; readonly accountId: string } & Address & Beginning)
  | {
      readonly type: 'email-changed';
      /** Of the link to undo it. */
      readonly token: string;
      readonly name: string;
      readonly former: string;
      readonly email: string;
    }
);

/** Of deliveries (operations/deliveries.ts). */
export const MAIL_JOB = 'mail-job';

export type MailJobOf<Type extends MailJob['type']> = Extract<MailJob, { readonly type: Type }>;

/** Resolves when the job is certain to be done. */
export type Enqueue = (job: MailJob) => Promise<void>;
