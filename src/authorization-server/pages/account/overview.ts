import type { Page } from '../page.ts';
import type { Section } from './section.ts';

export interface OverviewSectionDeps {
  readonly page: Page;
  readonly sections: readonly Section[];
}

/** `/account`: how things stand, and the way to everything else. */
export function overviewSection({ page, sections }: OverviewSectionDeps): Section {
  return {
    id: 'overview',
    routes(router, console) {
      router.get('/', async (ctx) => {
        const { account, authTime } = console.visitor(ctx);
        const cards = await Promise.all(sections.map((section) => section.overviewCard?.(ctx, console)));
        const title = page.translate(ctx)('account.overview.title');
        const locals = { name: account.name, authTime, cards: cards.filter((card) => card) };
        console.render(ctx, 'overview', 'account/overview', locals, { title });
      });
    },
  };
}
