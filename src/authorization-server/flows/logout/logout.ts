import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Slice } from '../slice.ts';

/** Draws the question of RP-initiated logout; `form` is the engine's form and carries its CSRF token. */
export interface LogoutPages {
  readonly logoutSource: (ctx: KoaContextWithOIDC, form: string) => Promise<undefined | void>;
  readonly postLogoutSuccessSource: (ctx: KoaContextWithOIDC) => Promise<undefined | void>;
}

/** OpenID Connect RP-Initiated Logout 1.0: the person is always asked, because anyone can link to the endpoint (§6). */
export const logoutSettings = (pages: LogoutPages): Slice => ({
  features: { rpInitiatedLogout: { enabled: true, ...pages } },
});
