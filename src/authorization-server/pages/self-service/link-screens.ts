import type { RouterContext } from '@koa/router';
import type { LinkPurpose, MailedLink } from '../../self-service/mailed-link.ts';
import type { Page } from '../page.ts';
import { seeOther } from '../see-other.ts';
import type { Refusal } from './form-problems.ts';

/** The page of one purpose, and what its form does. */
export interface LinkPage<Purpose extends LinkPurpose> {
  show(ctx: RouterContext, link: LinkFor<Purpose>, shown: Shown): Promise<void>;
  submit(ctx: RouterContext, link: LinkFor<Purpose>): Promise<void>;
}

export type LinkFor<Purpose extends LinkPurpose> = Extract<MailedLink, { purpose: Purpose }>;

/** What is shown again of a form that was not taken. */
export interface Shown {
  readonly refusal?: Refusal | undefined;
  readonly name?: string | undefined;
}

/** What is left to be said once a link has been used; the address names which. */
export const OUTCOMES = ['account', 'password', 'email'] as const;
type Outcome = (typeof OUTCOMES)[number];

export type LinkScreens = ReturnType<typeof createLinkScreens>;

export function createLinkScreens(page: Page) {
  return {
    /** `key` is where its texts are: `mailed-link.<purpose>`. */
    render(ctx: RouterContext, view: string, locals: object, key: string, { refusal, name }: Shown): void {
      const t = page.translate(ctx);
      const title = t(`${key}.title`);
      const { status = 200, problems = {} } = refusal ?? {};
      const all = { ...locals, name, key, problems, path: `${ctx.mountPath}/links/${tokenIn(ctx)}` };
      page.render(ctx, `self-service/${view}`, all, {
        title: refusal ? t('layout.problem', { title }) : title,
        status,
        withinFlow: true,
        scripts: ['new-password.js'],
      });
    },

    /** For whoever opens a link late, twice, or after somebody else: what may be done instead. */
    showOver(ctx: RouterContext, why: 'used' | 'taken' = 'used'): void {
      const title = page.translate(ctx)(`mailed-link.${why}.title`);
      const status = why === 'used' ? 410 : 409;
      page.render(ctx, 'self-service/link-over', { title, why }, { title, status, withinFlow: true });
    },

    showDone(ctx: RouterContext, outcome: Outcome): void {
      const title = page.translate(ctx)(`mailed-link.done.${outcome}.title`);
      page.render(ctx, 'self-service/link-done', { title, outcome }, { title, withinFlow: true });
    },

    sayDone: (ctx: RouterContext, outcome: Outcome) => seeOther(ctx, `${ctx.mountPath}/links/done/${outcome}`),
  };
}

export function tokenIn(ctx: RouterContext): string {
  return ctx.params.token ?? '';
}
