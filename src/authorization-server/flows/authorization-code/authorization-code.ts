import type { Slice } from '../slice.ts';

/**
 * Authorization code grant (RFC 6749 §4.1) with PKCE (RFC 7636).
 *
 * Public clients must use PKCE, every client may, and only with S256: `plain` protects nothing once the request has
 * been seen (RFC 9700 §2.1.1). The engine asks for it when the token endpoint knows the client by nothing else.
 */
export const authorizationCodeSettings = (lifetimes: {
  readonly authorizationCode: number;
  readonly interaction: number;
}): Slice => ({
  responseTypes: ['code'],
  ttl: { AuthorizationCode: lifetimes.authorizationCode, Interaction: lifetimes.interaction },
});
