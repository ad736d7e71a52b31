import type { Slice } from '../slice.ts';

/**
 * Refresh token grant (RFC 6749 §6).
 *
 * Every use rotates the token, and a token used a second time after the first use was answered ends the whole family:
 * that is how theft becomes visible (RFC 9700 §4.14.2). storage/artifact-adapter.ts tells a second use from two at once.
 *
 * A client with the grant type gets a refresh token; `offline_access` only decides whether it outlives the session
 * (OpenID Connect Core §11). What a public client holds cannot be protected, so its tokens end at a fixed time, which
 * rotation does not move.
 */
export const refreshTokenSettings = (lifetimes: { readonly refreshToken: number }): Slice => ({
  rotateRefreshToken: true,
  issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  ttl: {
    RefreshToken: (ctx, _token, client) => {
      const rotated = ctx?.oidc?.entities.RotatedRefreshToken;
      return rotated !== undefined && client.tokenEndpointAuthMethod === 'none'
        ? rotated.remainingTTL
        : lifetimes.refreshToken;
    },
  },
});
