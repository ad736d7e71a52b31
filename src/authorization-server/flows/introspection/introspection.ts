import { type Client as EngineClient, errors, type Grant, type KoaContextWithOIDC } from 'oidc-provider';
import type { Account, AccountStore } from '../../accounts/account.ts';
import { CLIENT_ENCRYPTION_ALGS, CLIENT_ENCRYPTION_ENCS, OUR_SIGNING_ALGS } from '../../clients/metadata.ts';
import type { ResourceServer, ResourceStore } from '../../resources/resource-server.ts';
import type { Slice } from '../slice.ts';

export interface IntrospectionDeps {
  readonly accounts: AccountStore;
  readonly resources: ResourceStore;
  /** Scopes that belong to OpenID Connect: no role is needed for them. */
  readonly openidScopes: ReadonlySet<string>;
  /** What a client was registered with: its scopes, and the resource server that introspects with its credentials. */
  readonly registrationOf: (client: EngineClient) => {
    readonly scope?: string | undefined;
    readonly resource_server?: string | undefined;
  };
}

/** What the engine hands to the policy, and what it reads back from it when it writes the answer. */
interface IntrospectedToken {
  readonly kind: string;
  readonly clientId?: string | undefined;
  readonly accountId?: string | undefined;
  readonly grantId?: string | undefined;
  /** Of a refresh token: what its access tokens can be for. */
  readonly resource?: string | string[] | undefined;
  aud?: string | string[] | undefined;
  scope?: string | undefined;
  extra?: Record<string, unknown> | undefined;
}

/**
 * Token introspection (RFC 7662).
 *
 * The engine answers from what the token said when it was issued. Roles, consent, the account and the client may have
 * changed since, and the answer speaks of this moment: this policy is the engine's last hook before it writes, and
 * narrows the token to what still holds. Who asks about a token that is none of their business learns nothing (§4).
 *
 * The same answer comes as a signed JWT to who accepts `application/token-introspection+jwt` (RFC 9701).
 */
export const introspectionSettings = (deps: IntrospectionDeps): Slice => ({
  features: {
    introspection: {
      enabled: true,
      allowedPolicy: (ctx, caller, token) => answerFor(deps, ctx, caller, token),
    },
    jwtIntrospection: { enabled: true },
  },
  enabledJWA: {
    introspectionSigningAlgValues: [...OUR_SIGNING_ALGS],
    introspectionEncryptionAlgValues: [...CLIENT_ENCRYPTION_ALGS],
    introspectionEncryptionEncValues: [...CLIENT_ENCRYPTION_ENCS],
  },
});

async function answerFor(
  deps: IntrospectionDeps,
  ctx: KoaContextWithOIDC,
  caller: EngineClient,
  token: IntrospectedToken,
): Promise<boolean> {
  const resourceServers = await deps.resources.listResourceServers();
  token.aud ??= token.resource ?? audienceOf(token, resourceServers);
  const client = mayIntrospect(deps, caller, token) ? await clientOf(ctx, caller, token) : undefined;
  if (client === undefined) {
    return false;
  }
  const allowed = scopesOf(deps.registrationOf(client).scope);
  const held = [...scopesOf(token.scope)].filter((scope) => allowed.has(scope));
  token.scope = held.join(' ');
  if (token.accountId === undefined) {
    return true;
  }
  const account = await deps.accounts.findAccount(token.accountId);
  if (account === undefined || account.disabled) {
    return false;
  }
  const permitted = await deps.resources.permittedScopes(account.roles);
  const granted = grantedScopes(ctx.oidc.entities.Grant, token);
  const holds = held.filter((scope) =>
    deps.openidScopes.has(scope) ? granted.openid.has(scope) : granted.api.has(scope) && permitted.has(scope),
  );
  token.scope = holds.join(' ');
  const seen =
    resourceServers.find(({ identifier }) => identifier === deps.registrationOf(caller).resource_server)?.claims ?? [];
  token.extra = {
    ...token.extra,
    ...claimsSeen(account, new Set(seen), new Set(holds)),
    // The engine would tell it the subject that the token's client knows: docs/decisions/0005.
    ...(token.clientId === caller.clientId ? undefined : { sub: account.accountId }),
  };
  return true;
}

/**
 * A token without an audience was issued for OpenID Connect, and where it holds scopes of the default resource server
 * it is meant for that one too: one token for userinfo and the API.
 */
function audienceOf(token: IntrospectedToken, resourceServers: readonly ResourceServer[]): string | undefined {
  const theDefault = resourceServers.find(({ isDefault }) => isDefault);
  const scopes = scopesOf(token.scope);
  return theDefault?.scopes.some(({ name }) => scopes.has(name)) ? theDefault.identifier : undefined;
}

/** A client may ask about its own tokens, a resource server about access tokens meant for it, nobody else at all. */
function mayIntrospect(deps: IntrospectionDeps, caller: EngineClient, token: IntrospectedToken): boolean {
  if (caller.tokenEndpointAuthMethod === 'none') {
    return false;
  }
  const resourceServer = deps.registrationOf(caller).resource_server;
  return (
    token.clientId === caller.clientId ||
    (resourceServer !== undefined && token.kind !== 'RefreshToken' && token.aud === resourceServer)
  );
}

/** The engine would look the token's client up later, and fail over a deleted one. */
async function clientOf(ctx: KoaContextWithOIDC, caller: EngineClient, token: IntrospectedToken) {
  if (token.clientId === undefined || token.clientId === caller.clientId) {
    return token.clientId === undefined ? undefined : caller;
  }
  return ctx.oidc.provider.Client.find(token.clientId).catch((error: unknown) => {
    // A registration that does not hold any more is its own client's problem, and not the caller's.
    if (error instanceof errors.InvalidClientMetadata) {
      return undefined;
    }
    throw error;
  });
}

function scopesOf(scope: string | undefined): ReadonlySet<string> {
  return new Set(scope?.split(' ').filter((one) => one !== ''));
}

/** A scope of a resource server counts as granted only there: another one may have a scope of the same name. */
function grantedScopes(grant: Grant | undefined, token: IntrospectedToken) {
  const api = [token.aud ?? []].flat().flatMap((resource) => [...scopesOf(grant?.getResourceScope(resource))]);
  return { openid: scopesOf(grant?.getOIDCScope()), api: new Set(api) };
}

function claimsSeen(account: Account, seen: ReadonlySet<string>, scopes: ReadonlySet<string>) {
  return {
    ...(seen.has('username') || scopes.has('profile') ? { username: account.email } : undefined),
    ...(seen.has('name') || scopes.has('profile') ? { name: account.name } : undefined),
    ...(seen.has('email') || scopes.has('email') ? { email: account.email } : undefined),
    ...(seen.has('roles') ? { roles: account.roles } : undefined),
  };
}
