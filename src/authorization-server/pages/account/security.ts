import type { Page } from '../page.ts';
import type { Section } from './section.ts';

export interface SecuritySectionDeps {
  readonly page: Page;
  readonly sections: readonly Section[];
}

/** `/account/security`: by what somebody proves who they are; each way has a card of its own, and pages behind it. */
export function securitySection({ page, sections }: SecuritySectionDeps): Section {
  return {
    id: 'security',
    routes(router, console) {
      router.get('/security', async (ctx) => {
        const cards = await Promise.all(sections.map((section) => section.securityCard?.(ctx, console)));
        const title = page.translate(ctx)('account.navigation.security');
        console.render(ctx, 'security', 'account/security', { cards: cards.filter((card) => card) }, { title });
      });
    },
  };
}
