import type { Account } from '../accounts/account.ts';
import { type Language, nearestLanguage } from '../languages/languages.ts';
import type { Mailer } from './mailer.ts';

export interface WaitingRequestMailDeps {
  readonly issuer: string;
  readonly mailer: Mailer;
  /** Of whoever has not said which. */
  readonly defaultLanguage: Language;
  readonly findAccount: (accountId: string) => Promise<Account | undefined>;
  /** Whether this person may be told once more. */
  readonly mayTell: (accountId: string) => Promise<boolean>;
}

export type TellOfRequest = (asked: { readonly accountId: string; readonly clientName: string }) => Promise<void>;

/** Tells somebody that a client waits for their answer (CIBA): at an address that is known to be theirs. */
export function createWaitingRequestMail(deps: WaitingRequestMailDeps): TellOfRequest {
  const { issuer, mailer, defaultLanguage, findAccount, mayTell } = deps;
  return async ({ accountId, clientName }) => {
    const account = mailer.isAvailable ? await findAccount(accountId) : undefined;
    if (account === undefined || !account.emailVerified || !(await mayTell(accountId))) {
      return;
    }
    await mailer.send({
      to: account.email,
      template: 'mail-request.waiting',
      language: nearestLanguage(account.claims.locale ?? '') ?? defaultLanguage,
      values: { name: account.name, client: clientName, link: `${issuer}/requests` },
    });
  };
}
