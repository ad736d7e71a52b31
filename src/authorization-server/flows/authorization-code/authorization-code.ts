import type { Client } from 'oidc-provider';
import type { Slice } from '../slice.ts';

/**
 * Authorization code grant (RFC 6749 §4.1) with PKCE (RFC 7636).
 *
 * Public clients must use PKCE, every client may, and only with S256: `plain` protects nothing once the request has
 * been seen (RFC 9700 §2.1.1). Who must is decided in provider/profile-settings.ts.
 */
export const authorizationCodeSettings = (
  lifetimes: { readonly authorizationCode: number; readonly interaction: number },
  /** Seconds, by what the client is held to. */
  { longestCode }: { readonly longestCode: (client: Client) => number },
): Slice => ({
  responseTypes: ['code'],
  ttl: {
    AuthorizationCode: (_ctx, _code, client) => Math.min(lifetimes.authorizationCode, longestCode(client)),
    Interaction: lifetimes.interaction,
  },
});
