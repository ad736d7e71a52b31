import { momentOf } from '../moments.ts';
import type { Page } from '../page.ts';
import { type Card, SECTION_IDS, type Section } from './section.ts';

export interface OverviewSectionDeps {
  readonly page: Page;
  readonly sections: readonly Section[];
}

/** `/account`: how things stand, and the way to everything else. */
export function overviewSection({ page, sections }: OverviewSectionDeps): Section {
  const ordered = sections.toSorted((one, other) => SECTION_IDS.indexOf(one.id) - SECTION_IDS.indexOf(other.id));
  return {
    id: 'overview',
    routes(router, console) {
      router.get('/', async (ctx) => {
        const t = page.translate(ctx);
        const { account, authTime } = console.visitor(ctx);
        const [cards, guards] = await Promise.all([
          Promise.all(ordered.map((section) => section.overviewCard?.(ctx, console))),
          Promise.all(ordered.map((section) => section.securityCard?.(ctx, console))),
        ]);
        const ways = guards.filter(isThere);
        const locals = {
          name: account.name,
          signedIn: momentOf(authTime, t.language).relative,
          cards: cards.filter(isThere),
          // What is on or off; the rest is words, for the page of its own.
          states: ways.filter(({ state }) => state !== undefined),
          // Its words have to be enough without the card: "Turn on" would not.
          quick: ways.filter(({ state }) => state === undefined).flatMap(({ actions }) => actions.slice(0, 1)),
        };
        console.render(ctx, 'overview', 'account/overview', locals, { title: t('account.overview.title') });
      });
    },
  };
}

function isThere(card: Card | undefined): card is Card {
  return card !== undefined;
}
