import { type Client as EngineClient, errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Slice } from '../slice.ts';

/**
 * Token revocation (RFC 7009).
 *
 * A refresh token takes its grant and all that came of it along (§2.1). An access token goes alone: the engine would
 * end the whole grant for it, unless it does not know of one.
 */
export const revocationSettings = (): Slice => ({
  features: { revocation: { enabled: true, allowedPolicy: mayRevoke } },
});

interface RevocableToken {
  readonly kind: string;
  readonly clientId?: string | undefined;
  /** Of a token that came of an exchange: whose it is. */
  readonly exchanged?: { readonly by: string } | undefined;
  grantId?: string | undefined;
}

async function mayRevoke(_ctx: KoaContextWithOIDC, client: EngineClient, token: RevocableToken): Promise<boolean> {
  if ((token.exchanged?.by ?? token.clientId) !== client.clientId) {
    throw new errors.InvalidRequest('the token was issued to another client');
  }
  if (token.kind === 'AccessToken') {
    token.grantId = undefined;
  }
  return true;
}
