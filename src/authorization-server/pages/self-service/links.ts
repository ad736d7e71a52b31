import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import type { LinkPurpose, MailedLink, MailedLinkStore } from '../../self-service/mailed-link.ts';
import type { Page } from '../page.ts';
import { type AcceptInvitationDeps, acceptInvitationPage } from './accept-invitation.ts';
import { type ChoosePasswordDeps, choosePasswordPage } from './choose-password.ts';
import { type ConfirmAddressDeps, confirmAddressPages } from './confirm-address.ts';
import { orBusy } from './form-problems.ts';
import { createGoOn, type GoOnDeps } from './go-on.ts';
import { createLinkScreens, type LinkPage, OUTCOMES, tokenIn } from './link-screens.ts';

type OfThePages = ConfirmAddressDeps & ChoosePasswordDeps & AcceptInvitationDeps;

export interface LinkPagesDeps extends Omit<OfThePages, 'screens' | 'goOn'>, GoOnDeps {
  readonly page: Page;
  readonly links: Pick<MailedLinkStore, 'find'>;
}

/** `/links/:token`: where mailed links lead. To look at one changes nothing; its form does. */
export function linkPages(deps: LinkPagesDeps) {
  const screens = createLinkScreens(deps.page);
  const ofPages = { ...deps, screens, goOn: createGoOn(deps) };
  const pages: { [Purpose in LinkPurpose]: LinkPage<Purpose> } = {
    ...confirmAddressPages(ofPages),
    ...choosePasswordPage(ofPages),
    ...acceptInvitationPage(ofPages),
  };
  // The purpose of a link is the one of its page.
  const pageOf = ({ purpose }: MailedLink) => pages[purpose] as LinkPage<LinkPurpose>;

  async function show(ctx: RouterContext): Promise<void> {
    const link = await deps.links.find(tokenIn(ctx));
    await (link === undefined ? screens.showOver(ctx) : pageOf(link).show(ctx, link, {}));
  }

  async function submit(ctx: RouterContext): Promise<void> {
    const link = await deps.links.find(tokenIn(ctx));
    if (link === undefined) {
      screens.showOver(ctx);
      return;
    }
    const busy = await orBusy(ctx, deps.page.translate(ctx), () => pageOf(link).submit(ctx, link));
    if (busy) {
      await pageOf(link).show(ctx, link, busy);
    }
  }

  return {
    routes(router: Router): void {
      router.get('/links/done/:outcome', (ctx, next) => {
        const outcome = OUTCOMES.find((one) => one === ctx.params.outcome);
        return outcome === undefined ? next() : screens.showDone(ctx, outcome);
      });
      router.get('/links/:token', show);
      router.post('/links/:token', submit);
    },
  };
}
