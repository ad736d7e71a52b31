import type { Configuration } from 'oidc-provider';
import type { Slice } from '../slice.ts';

type RpInitiatedLogout = NonNullable<NonNullable<Configuration['features']>['rpInitiatedLogout']>;

/** Draws the question, around the engine's form with its CSRF token, and the goodbye of RP-initiated logout. */
export type LogoutPages = Required<Pick<NonNullable<RpInitiatedLogout>, 'logoutSource' | 'postLogoutSuccessSource'>>;

/** OpenID Connect RP-Initiated Logout 1.0: the person is always asked, because anyone can link to the endpoint (§6). */
export const logoutSettings = (pages: LogoutPages): Slice => ({
  features: { rpInitiatedLogout: { enabled: true, ...pages } },
});
