import type { KoaContextWithOIDC } from 'oidc-provider';
import { clientCard } from './client-card.ts';
import type { Page } from './page.ts';

/** OpenID Connect RP-Initiated Logout 1.0 §2: the person is asked, because any site can send the browser here. */
export interface SignOutPages {
  /** `features.rpInitiatedLogout.logoutSource`. `form` is the engine's own HTML: its address and its secret. */
  logoutSource(ctx: KoaContextWithOIDC, form: string): Promise<void>;
  /** `features.rpInitiatedLogout.postLogoutSuccessSource`. */
  postLogoutSuccessSource(ctx: KoaContextWithOIDC): Promise<void>;
}

export function signOutPages({ page }: { page: Page }): SignOutPages {
  return {
    async logoutSource(ctx, form) {
      const title = page.translate(ctx)('sign-out.title');
      page.render(ctx, 'sign-out', { form, client: clientOf(ctx) }, { title, withinFlow: true });
    },
    async postLogoutSuccessSource(ctx) {
      // The engine comes here after a no as well, and does not say so.
      const session = await ctx.oidc.provider.Session.get(ctx);
      const signedIn = session.accountId !== undefined;
      const title = page.translate(ctx)(signedIn ? 'sign-out.still.title' : 'sign-out.done.title');
      page.render(ctx, 'signed-out', { client: clientOf(ctx), signedIn }, { title, withinFlow: true });
    },
  };
}

function clientOf(ctx: KoaContextWithOIDC) {
  return ctx.oidc.client === undefined ? undefined : clientCard(ctx.oidc.client);
}
