import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import type { Mailer } from '../../mail/mailer.ts';
import type { EmailChange } from '../../self-service/email-change.ts';
import type { Page } from '../page.ts';
import { typedEmail } from '../self-service/field-rules.ts';
import { type Refusal, readFilledIn, refusalOf } from '../self-service/form-problems.ts';
import type { LinkBrowsers } from '../self-service/link-browser.ts';
import type { Console, Section } from './section.ts';

export interface EmailSectionDeps {
  readonly page: Page;
  readonly mailer: Pick<Mailer, 'isAvailable'>;
  readonly emailChange: Pick<EmailChange, 'request'>;
  readonly browsers: LinkBrowsers;
  /** In a directory, which would be asked for the former address. */
  readonly isKeptElsewhere: (accountId: string) => Promise<boolean>;
}

const EmailForm = z.object({ email: typedEmail });

/** `/account/email`: another address, or a link to verify the present one. */
export function emailSection({ page, mailer, emailChange, browsers, isKeptElsewhere }: EmailSectionDeps): Section {
  async function show(ctx: RouterContext, console: Console, email: string, refusal?: Refusal): Promise<void> {
    const t = page.translate(ctx);
    const { account } = console.visitor(ctx);
    const unavailable = mailer.isAvailable
      ? (await isKeptElsewhere(account.accountId))
        ? 'elsewhere'
        : undefined
      : 'no-mail';
    const title = t('account-email.title');
    const { problems = {}, status = 200 } = refusal ?? {};
    const locals = { current: account.email, isVerified: account.emailVerified, email, problems, unavailable };
    console.render(ctx, 'profile', 'account/email', locals, {
      title: refusal ? t('layout.problem', { title }) : title,
      status,
    });
  }

  async function submit(ctx: RouterContext, console: Console): Promise<void> {
    const t = page.translate(ctx);
    const { account } = console.visitor(ctx);
    const read = await readFilledIn(ctx, EmailForm, t);
    if (!mailer.isAvailable || (await isKeptElsewhere(account.accountId))) {
      return show(ctx, console, '');
    }
    if ('refusal' in read) {
      return show(ctx, console, read.fields.email ?? '', read.refusal);
    }
    const { email } = read.form;
    const browser = browsers.remember(ctx);
    const problems = await emailChange.request({ account, email, language: t.language, browser, request: '' });
    if (problems !== undefined) {
      return show(ctx, console, email, refusalOf(problems, t));
    }
    console.seeOther(ctx, '/email', 'account-email.said.sent');
  }

  return {
    id: 'profile',
    routes(router, console) {
      router.get('/email', async (ctx) => {
        await console.requireRecentSignIn(ctx);
        await show(ctx, console, console.typed(ctx).email ?? '');
      });
      router.post('/email', async (ctx) => {
        await console.requireRecentSignIn(ctx);
        await submit(ctx, console);
      });
    },
    async securityCard(ctx, console) {
      const t = page.translate(ctx);
      const { email, emailVerified } = console.visitor(ctx).account;
      return {
        id: 'email',
        title: t('account-email.card.title'),
        text: t(`account-email.card.${emailVerified ? 'verified' : 'unverified'}`, { email }),
        tone: emailVerified ? undefined : 'caution',
        actions: [{ href: `${ctx.mountPath}/account/email`, text: t('account-email.card.action') }],
      };
    },
  };
}
