import type { ResourceServer } from './resource-server.ts';

/** A Grant, as far as it matters here. */
interface Grant {
  addOIDCScope(scopes: string[]): void;
  addResourceScope(resource: string, scopes: string[]): void;
}

/**
 * Grants the scopes of a request that is for OpenID Connect, among which the default resource server's may stand, so
 * that one token serves userinfo and that one. They are granted there too, and count nowhere else: whichever way such
 * a scope is asked for it is the same permission, and it stays with its resource server when another becomes the default.
 */
export function grantScopes(grant: Grant, scopes: readonly string[], resourceServers: readonly ResourceServer[]): void {
  if (scopes.length > 0) {
    grant.addOIDCScope([...scopes]);
  }
  const theDefault = resourceServers.find(({ isDefault }) => isDefault);
  const offered = new Set(theDefault?.scopes.map(({ name }) => name));
  const shared = scopes.filter((scope) => offered.has(scope));
  if (theDefault !== undefined && shared.length > 0) {
    grant.addResourceScope(theDefault.identifier, shared);
  }
}
