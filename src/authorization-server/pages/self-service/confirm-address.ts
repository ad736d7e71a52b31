import type { RouterContext } from '@koa/router';
import type { EmailChange } from '../../self-service/email-change.ts';
import type { Problem } from '../../self-service/problem.ts';
import type { SignUp } from '../../self-service/sign-up.ts';
import { readFields } from '../form.ts';
import type { Page } from '../page.ts';
import { seeOther } from '../see-other.ts';
import { refusalOf } from './form-problems.ts';
import type { GoOn } from './go-on.ts';
import type { LinkBrowsers } from './link-browser.ts';
import { type LinkFor, type LinkPage, type LinkScreens, type Shown, tokenIn } from './link-screens.ts';

export interface ConfirmAddressDeps {
  readonly page: Page;
  readonly screens: LinkScreens;
  readonly browsers: LinkBrowsers;
  readonly signUp: Pick<SignUp, 'confirm'>;
  readonly emailChange: Pick<EmailChange, 'confirm' | 'undo'>;
  readonly goOn: GoOn;
}

type Why = 'used' | 'taken' | 'wrong-password' | 'too-often';

const WRONG_PASSWORD: Problem = { key: 'self-service.problem.wrong-password' };
const TOO_OFTEN: Problem = { key: 'self-service.problem.too-often' };

/** One button; and in another browser than the one that asked, the password as well. */
export function confirmAddressPages({ page, screens, browsers, ...deps }: ConfirmAddressDeps) {
  type Confirmed = LinkFor<'sign-up' | 'email'>;

  async function show(ctx: RouterContext, { purpose, email, details }: Confirmed, shown: Shown): Promise<void> {
    const asksPassword = browsers.read(ctx) !== details.browser;
    screens.render(ctx, 'confirm-address', { email, asksPassword }, `mailed-link.${purpose}`, shown);
  }

  async function confirmationIn(ctx: RouterContext) {
    const { password } = await readFields(ctx);
    return { browser: browsers.read(ctx), password };
  }

  async function refuse(ctx: RouterContext, link: Confirmed, why: Why): Promise<void> {
    if (why === 'used' || why === 'taken') {
      screens.showOver(ctx, why);
      return;
    }
    const problems = why === 'too-often' ? { form: TOO_OFTEN } : { password: WRONG_PASSWORD };
    await show(ctx, link, { refusal: refusalOf(problems, page.translate(ctx)) });
  }

  const signUp: LinkPage<'sign-up'> = {
    show,
    async submit(ctx, link) {
      const confirmed = await deps.signUp.confirm(tokenIn(ctx), await confirmationIn(ctx));
      if (typeof confirmed === 'string') {
        await refuse(ctx, link, confirmed);
      } else if (confirmed.isSameBrowser) {
        await deps.goOn.signedIn(ctx, confirmed.account, confirmed.request);
      } else {
        screens.sayDone(ctx, 'account');
      }
    },
  };

  const email: LinkPage<'email'> = {
    show,
    async submit(ctx, link) {
      const { language } = page.translate(ctx);
      const changed = await deps.emailChange.confirm(tokenIn(ctx), await confirmationIn(ctx), language);
      if (typeof changed === 'string') {
        await refuse(ctx, link, changed);
      } else {
        screens.sayDone(ctx, 'email');
      }
    },
  };

  const undo: LinkPage<'email-undo'> = {
    async show(ctx, { email, details }, shown) {
      const locals = { email, replacedBy: details.replacedBy };
      screens.render(ctx, 'undo-email', locals, 'mailed-link.email-undo', shown);
    },
    async submit(ctx) {
      const undone = await deps.emailChange.undo(tokenIn(ctx));
      if (typeof undone === 'string') {
        screens.showOver(ctx, undone);
      } else {
        seeOther(ctx, `${ctx.mountPath}/links/${undone.passwordToken}`);
      }
    },
  };

  return { 'sign-up': signUp, email, 'email-undo': undo };
}
