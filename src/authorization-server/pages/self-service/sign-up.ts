import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import { z } from 'zod';
import type { PasswordPolicy } from '../../accounts/password-policy.ts';
import { durationIn } from '../../languages/duration.ts';
import type { Mailer } from '../../mail/mailer.ts';
import type { SignUp } from '../../self-service/sign-up.ts';
import type { Page } from '../page.ts';
import { seeOther } from '../see-other.ts';
import { newPassword, personName, sealedRequest, typedEmail } from './field-rules.ts';
import { orBusy, type Refusal, readFilledIn, refusalOf } from './form-problems.ts';
import type { LinkBrowsers } from './link-browser.ts';
import { wayBack } from './way-back.ts';

export interface SignUpPageDeps {
  readonly page: Page;
  readonly registration: 'closed' | 'invitation' | 'open';
  readonly mailer: Pick<Mailer, 'isAvailable'>;
  readonly signUp: Pick<SignUp, 'request'>;
  readonly policy: Pick<PasswordPolicy, 'minLength'>;
  readonly browsers: LinkBrowsers;
  /** Whether mail is to be read at /mailbox. */
  readonly keepsMailbox: boolean;
  /** Seconds. */
  readonly linkLifetime: number;
}

const SignUpForm = z.object({ name: personName, email: typedEmail, password: newPassword, request: sealedRequest });

interface Shown {
  readonly name?: string | undefined;
  readonly email?: string | undefined;
  readonly request?: string | undefined;
}

/** `/sign-up`: an account for whoever wants one. `/register` is for clients (RFC 7591). */
export function signUpPage(deps: SignUpPageDeps) {
  const { page, registration, mailer, signUp, policy, browsers, keepsMailbox, linkLifetime } = deps;
  const isOpen = registration === 'open' && mailer.isAvailable;

  function show(ctx: RouterContext, { name = '', email = '', request = '' }: Shown, refusal?: Refusal): void {
    const t = page.translate(ctx);
    if (!isOpen) {
      const why = registration === 'open' ? 'no-mail' : registration;
      const title = t('sign-up.unavailable.title');
      page.render(
        ctx,
        'self-service/unavailable',
        { words: t(`sign-up.unavailable.${why}`), title },
        { title, status: 403 },
      );
      return;
    }
    const { problems = {}, status = 200 } = refusal ?? {};
    const title = t('sign-up.title');
    const back = wayBack(ctx, request);
    const locals = { name, email, request, back, problems, least: policy.minLength({}), brand: page.brand };
    page.render(ctx, 'self-service/sign-up', locals, {
      title: refusal ? t('layout.problem', { title }) : title,
      status,
      withinFlow: true,
      scripts: ['new-password.js'],
    });
  }

  async function submit(ctx: RouterContext): Promise<void> {
    const t = page.translate(ctx);
    const read = await readFilledIn(ctx, SignUpForm, t);
    if (!isOpen) {
      return show(ctx, {});
    }
    if ('refusal' in read) {
      return show(ctx, read.fields, read.refusal);
    }
    const { form } = read;
    const browser = browsers.remember(ctx);
    const problems = await orBusy(ctx, t, () =>
      signUp.request({ ...form, browser, language: t.language, from: ctx.ip }),
    );
    if (problems !== undefined) {
      return show(ctx, form, 'refusal' in problems ? problems.refusal : refusalOf(problems, t));
    }
    seeOther(ctx, `${ctx.mountPath}/sign-up/sent`);
  }

  function showSent(ctx: RouterContext): void {
    const t = page.translate(ctx);
    const title = t('sign-up.sent.title');
    const lead = t('sign-up.sent.lead', { duration: durationIn(t.language, linkLifetime) });
    const locals = { lead, title, again: `${ctx.mountPath}/sign-up`, keepsMailbox };
    page.render(ctx, 'self-service/sent', locals, { title, withinFlow: true });
  }

  return {
    isOpen,
    show,
    routes(router: Router): void {
      router.get('/sign-up', (ctx) => show(ctx, {}));
      router.post('/sign-up', submit);
      router.get('/sign-up/sent', showSent);
    },
  };
}
