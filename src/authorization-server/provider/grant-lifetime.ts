import type { KoaContextWithOIDC } from 'oidc-provider';

/**
 * No token outlives the grant that it comes of, and `expires_in` says so: a person has chosen how long that lasts. The grant is
 * known wherever the engine issues tokens of one.
 */
export function withinGrant(ctx: KoaContextWithOIDC | undefined, seconds: number): number {
  const left = ctx?.oidc?.entities.Grant?.remainingTTL;
  return left === undefined ? seconds : Math.max(1, Math.min(seconds, left));
}
