import type { AuthorizationDetailsType } from './authorization-details.ts';

/** A resource server (RFC 6749 §1.1) as the authorization server knows it: an audience with scopes of its own. */
export interface ResourceServer {
  /** RFC 8707 resource indicator, and the `aud` of its access tokens. */
  readonly identifier: string;
  readonly name: string;
  /** The audience of a token for which no `resource` was asked. At most one resource server is it. */
  readonly isDefault: boolean;
  readonly accessTokenFormat: 'opaque' | 'jwt';
  /** Seconds; `undefined` for the server's own default. */
  readonly accessTokenTtl: number | undefined;
  readonly scopes: readonly Scope[];
  /** What can be asked for in more detail than by scopes (RFC 9396). A type belongs to one resource server. */
  readonly authorizationDetailsTypes?: readonly AuthorizationDetailsType[];
  /** Account claims that introspection shows to it whatever the token's scope: `name`, `email`, `username`, `roles`. */
  readonly claims: readonly string[];
}

export interface Scope {
  readonly name: string;
  /** What it permits, in words for the consent page: completes "This app will be able to ...". */
  readonly description: string;
}

/** A role is a list of scopes: the most that an account in that role can hand on to a client. */
export interface Role {
  readonly name: string;
  readonly description: string;
  readonly scopes: readonly string[];
}

/** As it is now, or was less than a second ago. */
export interface ResourceStore {
  listResourceServers(): Promise<readonly ResourceServer[]>;
  /** The scopes that these roles permit together. */
  permittedScopes(roles: readonly string[]): Promise<ReadonlySet<string>>;
}
