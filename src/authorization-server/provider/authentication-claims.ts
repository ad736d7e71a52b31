import type { KoaContextWithOIDC } from 'oidc-provider';

/** A code, a refresh token or a device's request: what remembers how a person had signed in. */
interface Source {
  readonly authTime?: number | undefined;
  readonly acr?: string | undefined;
  readonly amr?: readonly string[] | undefined;
}

export interface AuthenticationClaims {
  readonly auth_time?: number;
  readonly acr?: string;
  readonly amr?: readonly string[];
}

/**
 * RFC 9068 §2.2.1: when and how the account holder had signed in, for a resource server that wants it recent. The same in
 * every access token that comes of one authorization; nothing where a client acts for itself, or brought a password.
 */
export function authenticationClaims({ oidc }: KoaContextWithOIDC): AuthenticationClaims {
  const { AuthorizationCode, RefreshToken, DeviceCode, BackchannelAuthenticationRequest } = oidc.entities;
  const source: Source | undefined =
    AuthorizationCode ?? RefreshToken ?? DeviceCode ?? BackchannelAuthenticationRequest ?? atOnce(oidc);
  return onlyAuthentication({ auth_time: source?.authTime, acr: source?.acr, amr: source?.amr });
}

/** Those of them that are there. */
export function onlyAuthentication({ auth_time, acr, amr }: Partial<Record<keyof AuthenticationClaims, unknown>> = {}) {
  return {
    ...(auth_time === undefined ? {} : { auth_time }),
    ...(acr === undefined ? {} : { acr }),
    ...(amr === undefined ? {} : { amr }),
  } as AuthenticationClaims;
}

/** A token that comes with the authorization response itself. */
function atOnce({ entities: { Session }, acr }: KoaContextWithOIDC['oidc']): Source | undefined {
  return Session && { authTime: Session.authTime(), acr, amr: Session.amr };
}
