import type { ParameterizedContext } from 'koa';
import type { Account } from '../accounts/account.ts';
import type { Mailer } from '../mail/mailer.ts';
import { exactTime } from './moments.ts';
import type { Page } from './page.ts';
import type { DescribeOrigin } from './whereabouts.ts';

/** Each has its words in `mail-notices.<kind>`. */
export const NOTICES = [
  'password-changed',
  'second-factor-added',
  'second-factor-removed',
  'passkey-added',
  'passkey-removed',
  'recovery-codes-made',
  'recovery-code-used',
  'identity-linked',
  'identity-unlinked',
  'access-token-made',
  'data-exported',
  'account-deleted',
] as const;
export type Notice = (typeof NOTICES)[number];

export interface Notices {
  /**
   * Tells an account holder by mail what has just been done to their account in this request: what, when, from where, and what to
   * do if it was somebody else. `name` is of what it was done to: a passkey, a token, a provider. Resolves when the mail is kept.
   */
  tell(ctx: ParameterizedContext, account: Account, notice: Notice, values?: { readonly name?: string }): Promise<void>;
}

export interface NoticesDeps {
  readonly issuer: string;
  readonly page: Page;
  readonly mailer: Mailer;
  readonly describeOrigin: DescribeOrigin;
}

/** There is nothing left to look at. */
const WITHOUT_LINK: ReadonlySet<Notice> = new Set(['account-deleted']);

export function createNotices({ issuer, page, mailer, describeOrigin }: NoticesDeps): Notices {
  const link = `${issuer.replace(/\/$/, '')}/account/activity`;
  return {
    async tell(ctx, account, notice, { name: thing = '' } = {}) {
      const t = page.translate(ctx);
      const { browser, place } = describeOrigin({ address: ctx.ip, userAgent: ctx.get('user-agent') }, t);
      const when = exactTime(new Date(), t.language, account.claims.zoneinfo);
      const key = place === undefined ? 'circumstances-placeless' : 'circumstances';
      await mailer.send({
        to: account.email,
        template: `mail-notices.${notice}`,
        language: t.language,
        values: {
          name: account.name,
          thing,
          circumstances: t(`mail-notices.${key}`, { when, browser, place: place ?? '' }),
          ...(WITHOUT_LINK.has(notice) ? {} : { link }),
        },
      });
    },
  };
}
