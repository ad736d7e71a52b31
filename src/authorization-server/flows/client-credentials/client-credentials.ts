import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Slice } from '../slice.ts';

/**
 * Client credentials grant (RFC 6749 §4.4): a client acts for itself.
 *
 * The grant "MUST only be used by confidential clients", which the engine does not check. There is no account, so
 * nothing of OpenID Connect is granted; unlike in the other flows a scope that cannot be granted is refused by name
 * and not left out, because a machine has nobody who would notice what is missing. No refresh token (§4.4.3).
 */
export const clientCredentialsSettings = (): Slice => ({
  features: { clientCredentials: { enabled: true } },
});

export interface ClientCredentialsDeps {
  /** The scopes to grant. Throws `invalid_scope` when one of those asked for cannot be. */
  readonly scopesFor: (ctx: KoaContextWithOIDC) => Promise<readonly string[]>;
}

/** Runs before the engine's handler. */
export const guardClientCredentials = (deps: ClientCredentialsDeps) => async (ctx: KoaContextWithOIDC) => {
  if (ctx.oidc.client?.tokenEndpointAuthMethod === 'none') {
    throw new errors.UnauthorizedClient('the client credentials grant needs a client with credentials');
  }
  const params = ctx.oidc.params as { scope?: string | undefined };
  params.scope = (await deps.scopesFor(ctx)).join(' ');
};
