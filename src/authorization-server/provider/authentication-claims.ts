import type { KoaContextWithOIDC } from 'oidc-provider';

/** A code, a refresh token or a device's request: what remembers how a person had signed in. */
interface Source {
  readonly authTime?: number | undefined;
  readonly acr?: string | undefined;
  readonly amr?: readonly string[] | undefined;
}

/**
 * RFC 9068 §2.2.1: when and how the account holder had signed in, for a resource server that wants it recent. The same in
 * every access token that comes of one authorization; nothing where a client acts for itself, or brought a password.
 */
export function authenticationClaims({ oidc }: KoaContextWithOIDC): Record<string, unknown> {
  const { AuthorizationCode, RefreshToken, DeviceCode, BackchannelAuthenticationRequest } = oidc.entities;
  const source: Source | undefined =
    AuthorizationCode ?? RefreshToken ?? DeviceCode ?? BackchannelAuthenticationRequest ?? atOnce(oidc);
  const { authTime, acr, amr } = source ?? {};
  return {
    ...(authTime === undefined ? {} : { auth_time: authTime }),
    ...(acr === undefined ? {} : { acr }),
    ...(amr === undefined ? {} : { amr }),
  };
}

/** A token that comes with the authorization response itself. */
function atOnce({ entities: { Session }, acr }: KoaContextWithOIDC['oidc']): Source | undefined {
  return Session && { authTime: Session.authTime(), acr, amr: Session.amr };
}
