import { z } from 'zod';
import type { PasswordReset } from '../../self-service/password-reset.ts';
import type { Page } from '../page.ts';
import { newPassword } from './field-rules.ts';
import { readFilledIn, refusalOf } from './form-problems.ts';
import type { GoOn } from './go-on.ts';
import type { LinkBrowsers } from './link-browser.ts';
import { type LinkPage, type LinkScreens, tokenIn } from './link-screens.ts';

export interface ChoosePasswordDeps {
  readonly page: Page;
  readonly screens: LinkScreens;
  readonly browsers: LinkBrowsers;
  readonly passwordReset: Pick<PasswordReset, 'open' | 'choose'>;
  readonly goOn: GoOn;
}

const PasswordForm = z.object({ password: newPassword });

/** A new password, and then the sign-in page: a second factor is asked for there as always. */
export function choosePasswordPage({ page, screens, browsers, passwordReset, goOn }: ChoosePasswordDeps) {
  const password: LinkPage<'password'> = {
    async show(ctx, _link, shown) {
      const opened = await passwordReset.open(tokenIn(ctx));
      if (opened === undefined) {
        screens.showOver(ctx);
      } else {
        const locals = { ...opened, brand: page.brand };
        screens.render(ctx, 'choose-password', locals, 'mailed-link.password', shown);
      }
    },
    async submit(ctx, link) {
      const t = page.translate(ctx);
      const read = await readFilledIn(ctx, PasswordForm, t);
      if ('refusal' in read) {
        return password.show(ctx, link, { refusal: read.refusal });
      }
      const chosen = await passwordReset.choose(tokenIn(ctx), read.form.password, t.language);
      if (chosen === 'used') {
        return screens.showOver(ctx);
      }
      if ('problem' in chosen) {
        return password.show(ctx, link, { refusal: refusalOf({ password: chosen.problem }, t) });
      }
      const { account, beginning } = chosen;
      const mayGoOn = browsers.read(ctx) === beginning.browser;
      if (!mayGoOn || !(await goOn.toRequest(ctx, account, beginning.request))) {
        screens.sayDone(ctx, 'password');
      }
    },
  };
  return { password };
}
