/**
 * A profile is a named set of settings that a standard asks for. docs/profiles.md names the sentence behind each.
 *
 * The whole server has one, and a client's registration may name another: it is then held to both, which is to what both
 * allow. So a registration can make a client stricter than the server and never laxer.
 */
import type { ClientMetadata } from '../clients/client.ts';
import type { GrantType, ResponseType } from '../clients/metadata.ts';

export const PROFILE_NAMES = ['rfc6749', 'oauth-2.1', 'fapi-2.0', 'mcp'] as const;
export type ProfileName = (typeof PROFILE_NAMES)[number];

export type AuthMethod = ClientMetadata['token_endpoint_auth_method'];

export interface Profile {
  /** Of a profile by itself its name; of two that a client is held to, both of them. */
  readonly name: string;
  readonly grantTypes: Allowed<GrantType>;
  readonly responseTypes: Allowed<ResponseType>;
  /** For clients that get tokens; one that only introspects is none in the sense of any profile. */
  readonly authMethods: Allowed<AuthMethod>;
  /** JWS algorithms, of what clients sign and of what they are sent. */
  readonly signingAlgs: Allowed<string>;
  readonly redirectUris: RedirectUris;
  /** A code needs PKCE of every client, not of public ones only. */
  readonly pkceForAll: boolean;
  /** Authorization requests must be pushed (RFC 9126). */
  readonly pushedRequests: boolean;
  /** Access tokens are bound to a key: DPoP (RFC 9449), or mutual TLS where the registration says so (RFC 8705). */
  readonly boundTokens: boolean;
  /** A refresh token is replaced at each use. */
  readonly rotation: boolean;
  /** A public client with loopback redirects only is a native one, whatever its registration says: any port will do. */
  readonly loopbackMeansNative: boolean;
  /** Seconds that an authorization code lives at most. */
  readonly longestCode: number;
  /** What FAPI 2.0 says of assertions and request objects; the engine knows. */
  readonly fapi: boolean;
}

/** `undefined` for whatever there is. */
export type Allowed<Value extends string> = ReadonlySet<Value> | undefined;

/** The strictest last. */
const REDIRECT_URIS = ['registrable', 'https or loopback', 'https, or loopback of native clients'] as const;
export type RedirectUris = (typeof REDIRECT_URIS)[number];

const rfc6749: Profile = {
  name: 'rfc6749',
  grantTypes: undefined,
  responseTypes: undefined,
  authMethods: undefined,
  signingAlgs: undefined,
  redirectUris: 'registrable',
  pkceForAll: false,
  pushedRequests: false,
  boundTokens: false,
  rotation: true,
  loopbackMeansNative: false,
  longestCode: 600,
  fapi: false,
};

const oauth21: Profile = {
  ...rfc6749,
  name: 'oauth-2.1',
  grantTypes: new Set([
    'authorization_code',
    'refresh_token',
    'client_credentials',
    'urn:ietf:params:oauth:grant-type:device_code',
    'urn:openid:params:grant-type:ciba',
    'urn:ietf:params:oauth:grant-type:token-exchange',
    'urn:ietf:params:oauth:grant-type:jwt-bearer',
  ]),
  responseTypes: new Set(['code']),
  pkceForAll: true,
};

const fapi20: Profile = {
  ...rfc6749,
  name: 'fapi-2.0',
  grantTypes: new Set([
    'authorization_code',
    'refresh_token',
    'client_credentials',
    'urn:openid:params:grant-type:ciba',
  ]),
  responseTypes: new Set(['code']),
  authMethods: new Set(['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth']),
  signingAlgs: new Set(['PS256', 'ES256', 'EdDSA', 'Ed25519']),
  redirectUris: 'https, or loopback of native clients',
  pkceForAll: true,
  pushedRequests: true,
  boundTokens: true,
  rotation: false,
  longestCode: 60,
  fapi: true,
};

const mcp: Profile = { ...oauth21, name: 'mcp', redirectUris: 'https or loopback', loopbackMeansNative: true };

export const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  rfc6749,
  'oauth-2.1': oauth21,
  'fapi-2.0': fapi20,
  mcp,
};

const BOTH = byName((server) =>
  byName((own) => (server === own ? PROFILES[own] : both(PROFILES[server], PROFILES[own]))),
);

/** What a client is held to whose registration names `own`, at a server of the profile `server`. */
export function heldTo(server: ProfileName, own: ProfileName = server): Profile {
  return BOTH[server][own];
}

function byName<Value>(of: (name: ProfileName) => Value): Readonly<Record<ProfileName, Value>> {
  return Object.fromEntries(PROFILE_NAMES.map((name) => [name, of(name)])) as Record<ProfileName, Value>;
}

function both(one: Profile, other: Profile): Profile {
  return {
    name: [one, other]
      .filter((profile) => profile !== rfc6749)
      .map(({ name }) => name)
      .join(' and '),
    grantTypes: inBoth(one.grantTypes, other.grantTypes),
    responseTypes: inBoth(one.responseTypes, other.responseTypes),
    authMethods: inBoth(one.authMethods, other.authMethods),
    signingAlgs: inBoth(one.signingAlgs, other.signingAlgs),
    redirectUris:
      REDIRECT_URIS.findLast((rule) => rule === one.redirectUris || rule === other.redirectUris) ?? 'registrable',
    pkceForAll: one.pkceForAll || other.pkceForAll,
    pushedRequests: one.pushedRequests || other.pushedRequests,
    boundTokens: one.boundTokens || other.boundTokens,
    rotation: one.rotation && other.rotation,
    loopbackMeansNative: one.loopbackMeansNative || other.loopbackMeansNative,
    longestCode: Math.min(one.longestCode, other.longestCode),
    fapi: one.fapi || other.fapi,
  };
}

function inBoth<Value extends string>(one: Allowed<Value>, other: Allowed<Value>): Allowed<Value> {
  return one === undefined || other === undefined ? (one ?? other) : one.intersection(other);
}

export function isAllowed<Value extends string>(allowed: Allowed<Value>, value: string): boolean {
  return allowed === undefined || allowed.has(value as Value);
}
