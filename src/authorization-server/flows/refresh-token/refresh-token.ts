import type { Client, KoaContextWithOIDC } from 'oidc-provider';
import type { Slice } from '../slice.ts';

export interface RefreshTokenPolicy {
  /** A profile may want the token to stay the same for clients that prove possession of a key (FAPI 2.0 §5.3.2.1). */
  readonly rotates: (client: Client | undefined) => boolean;
  /** At most as many seconds as the grant of the request has left. */
  readonly withinGrant: (ctx: KoaContextWithOIDC | undefined, seconds: number) => number;
}

/**
 * Refresh token grant (RFC 6749 §6).
 *
 * Every use rotates the token, and one that is used again ends the whole family: that is how theft becomes visible
 * (RFC 9700 §4.14.2). A client that lost the answer, or asked twice at once, may repeat the same request for a few seconds
 * and gets the same tokens again: storage/rotation.ts.
 *
 * A client with the grant type gets a refresh token; `offline_access` only decides whether it outlives the session
 * (OpenID Connect Core §11). What a public client holds cannot be protected, so its tokens end at a fixed time, which
 * rotation does not move.
 */
export const refreshTokenSettings = (
  lifetimes: { readonly refreshToken: number },
  { rotates, withinGrant }: RefreshTokenPolicy,
): Slice => ({
  rotateRefreshToken: (ctx) => rotates(ctx.oidc.client),
  issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  ttl: {
    RefreshToken: (ctx, _token, client) => {
      const rotated = ctx?.oidc?.entities.RotatedRefreshToken;
      const isFixed = rotated !== undefined && client.tokenEndpointAuthMethod === 'none';
      return withinGrant(ctx, isFixed ? rotated.remainingTTL : lifetimes.refreshToken);
    },
  },
});

/**
 * What a refresh asks for besides presenting its token, in one text; `undefined` for any other request. To which key the tokens
 * are bound is part of it: a retry with another key is none, and gets nothing.
 */
export function askedByRefresh(
  ctx: KoaContextWithOIDC,
  presentedKey: (ctx: KoaContextWithOIDC) => string,
): string | undefined {
  const { body, route } = ctx.oidc;
  return route === 'token' && body?.grant_type === 'refresh_token'
    ? JSON.stringify([body.scope, body.resource, body.authorization_details, presentedKey(ctx)])
    : undefined;
}
