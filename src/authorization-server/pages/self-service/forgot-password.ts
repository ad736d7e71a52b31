import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import { durationIn } from '../../languages/duration.ts';
import type { Mailer } from '../../mail/mailer.ts';
import type { PasswordReset } from '../../self-service/password-reset.ts';
import type { Page } from '../page.ts';
import { seeOther } from '../see-other.ts';
import { sealedRequest, typedEmail } from './field-rules.ts';
import { type Refusal, readFilledIn, refusalOf } from './form-problems.ts';
import type { LinkBrowsers } from './link-browser.ts';
import { wayBack } from './way-back.ts';

export interface ForgotPasswordPageDeps {
  readonly page: Page;
  readonly mailer: Pick<Mailer, 'isAvailable'>;
  readonly passwordReset: Pick<PasswordReset, 'request'>;
  readonly browsers: LinkBrowsers;
  readonly keepsMailbox: boolean;
  /** Seconds. */
  readonly linkLifetime: number;
}

const ForgotPasswordForm = z.object({ email: typedEmail, request: sealedRequest });

/** `/forgot-password`: has a link mailed to choose another one. */
export function forgotPasswordPage(deps: ForgotPasswordPageDeps) {
  const { page, mailer, passwordReset, browsers, keepsMailbox, linkLifetime } = deps;
  function show(ctx: RouterContext, shown: { email?: string; request?: string }, refusal?: Refusal): void {
    const t = page.translate(ctx);
    const title = t('forgot-password.title');
    if (!mailer.isAvailable) {
      const locals = { words: t('forgot-password.no-mail'), title };
      page.render(ctx, 'self-service/unavailable', locals, { title, status: 403 });
      return;
    }
    const { email = '', request = '' } = shown;
    const { problems = {}, status = 200 } = refusal ?? {};
    page.render(
      ctx,
      'self-service/forgot-password',
      { email, request, problems, back: wayBack(ctx, request) },
      {
        title: refusal ? t('layout.problem', { title }) : title,
        status,
        withinFlow: true,
      },
    );
  }

  async function submit(ctx: RouterContext): Promise<void> {
    const t = page.translate(ctx);
    const read = await readFilledIn(ctx, ForgotPasswordForm, t);
    if (!mailer.isAvailable) {
      return show(ctx, {});
    }
    if ('refusal' in read) {
      return show(ctx, read.fields, read.refusal);
    }
    const { form } = read;
    const browser = browsers.remember(ctx);
    const problems = await passwordReset.request({
      ...form,
      browser,
      language: t.language,
      from: ctx.ip,
    });
    if (problems !== undefined) {
      return show(ctx, form, refusalOf(problems, t));
    }
    seeOther(ctx, `${ctx.mountPath}/forgot-password/sent`);
  }

  function showSent(ctx: RouterContext): void {
    const t = page.translate(ctx);
    const title = t('forgot-password.sent.title');
    const lead = t('forgot-password.sent.lead', { duration: durationIn(t.language, linkLifetime) });
    const locals = { lead, title, again: `${ctx.mountPath}/forgot-password`, keepsMailbox };
    page.render(ctx, 'self-service/sent', locals, { title, withinFlow: true });
  }

  return {
    show,
    routes(router: Router): void {
      router.get('/forgot-password', (ctx) => show(ctx, {}));
      router.post('/forgot-password', submit);
      router.get('/forgot-password/sent', showSent);
    },
  };
}
