/**
 * Personal access tokens: what an account holder makes for a script of their own, without any client.
 *
 * To everything else such a token is an opaque access token like any other: for one audience, under a grant of its own, with
 * a client that nobody can authenticate as (clients/personal-access.ts). So roles, introspection (RFC 7662), a disabled
 * account and revocation mean for it what they mean for all; whoever finds one may revoke it (RFC 7009).
 */
import type { AccessToken, Provider } from 'oidc-provider';
import { PERSONAL_ACCESS } from '../../clients/personal-access.ts';

export interface PersonalAccess {
  readonly accountId: string;
  readonly resourceServer: string;
  readonly scopes: readonly string[];
  readonly expiresAt: Date;
  /** What the token is going to be. */
  readonly value: string;
}

/** Issues the token, and returns the id of its grant. */
export async function issuePersonalAccessToken(provider: Provider, access: PersonalAccess): Promise<string> {
  const { accountId, resourceServer, scopes, value } = access;
  const exp = Math.floor(access.expiresAt.getTime() / 1000);
  const scope = scopes.join(' ');
  const grant = Object.assign(new provider.Grant({ accountId, clientId: PERSONAL_ACCESS }), { exp });
  grant.addResourceScope(resourceServer, scope);
  const grantId = await grant.save();
  const client = await provider.Client.find(PERSONAL_ACCESS);
  const token = new provider.AccessToken({
    accountId,
    client,
    grantId,
    scope,
    gty: 'personal',
  } as never) as AccessToken;
  // Never a JWT: it would live for a year wherever nobody asks about it.
  token.resourceServer = new provider.ResourceServer(resourceServer, {
    audience: resourceServer,
    scope,
    accessTokenFormat: 'opaque',
  });
  Object.assign(token, { exp, format: 'opaque', jti: value });
  await token.save();
  return grantId;
}
