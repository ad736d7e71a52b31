import type { Client as EngineClient, Grant, KoaContextWithOIDC } from 'oidc-provider';
import type { Account } from '../../accounts/account.ts';
import { CLIENT_ENCRYPTION_ALGS, CLIENT_ENCRYPTION_ENCS, OUR_SIGNING_ALGS } from '../../clients/metadata.ts';
import { type HandledToken, type Handles, handlesOf } from '../../resources/handles.ts';
import type { ResourceStore } from '../../resources/resource-server.ts';
import type { Slice } from '../slice.ts';

export interface IntrospectionDeps {
  readonly resources: ResourceStore;
  /** What the token is worth at this moment; `undefined` for nothing. */
  readonly stateOf: (
    ctx: KoaContextWithOIDC,
    token: IntrospectedToken,
    grant: Grant | undefined,
  ) => Promise<TokenState | undefined>;
  /** The resource server that introspects with this client's credentials. */
  readonly resourceServerOf: (client: EngineClient) => string | undefined;
  /** Takes note that a grant is used there, and for what. */
  readonly noteUse: (use: { grantId: string; resourceServer: string; scopes: readonly string[] }) => void;
  readonly handles: Handles;
}

interface TokenState {
  readonly issuedTo: string;
  readonly audience: string | string[] | undefined;
  readonly account: Account | undefined;
  readonly scopes: readonly string[];
}

/** What the engine hands to the policy, and what it reads back from it when it writes the answer. */
interface IntrospectedToken extends HandledToken {
  readonly kind: string;
  jti: string;
  sid?: string | undefined;
  clientId?: string | undefined;
  aud?: string | string[] | undefined;
  scope?: string | undefined;
  exp?: number | undefined;
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
  const state = await deps.stateOf(ctx, token, ctx.oidc.entities.Grant);
  if (state === undefined || !mayIntrospect(deps, caller, token, state)) {
    return false;
  }
  const { account, scopes } = state;
  const resourceServer = deps.resourceServerOf(caller);
  const grantedTo = token.clientId;
  if (resourceServer !== undefined && token.grantId !== undefined) {
    deps.noteUse({ grantId: token.grantId, resourceServer, scopes: needed(ctx, scopes) });
  }
  token.clientId = state.issuedTo;
  token.aud = state.audience;
  token.scope = scopes.join(' ');
  token.exp = endOf(token, ctx.oidc.entities.Grant);
  if (resourceServer !== undefined) {
    tellHandles(token, deps.handles, grantedTo === state.issuedTo ? undefined : grantedTo);
  }
  if (account !== undefined) {
    const resourceServers = await deps.resources.listResourceServers();
    const seen = resourceServers.find(({ identifier }) => identifier === resourceServer)?.claims ?? [];
    token.extra = {
      ...token.extra,
      ...claimsSeen(account, new Set(seen), new Set(scopes)),
      // The engine would tell a resource server the subject that the token's client knows: docs/decisions/0005.
      ...(state.issuedTo === caller.clientId ? undefined : { sub: account.accountId }),
    };
  }
  return true;
}

/**
 * Of the token's scopes those that the request at the resource server takes, where it says so: RFC 7662 §2.1 lets it send
 * parameters of its own, and ours is `scope`, empty for a request that takes none. Of one that says nothing it can only be told
 * that it was given a token with all of them.
 */
function needed({ oidc }: KoaContextWithOIDC, scopes: readonly string[]): readonly string[] {
  const { scope } = (oidc.body ?? {}) as { readonly scope?: unknown };
  if (typeof scope !== 'string') {
    return scopes;
  }
  const said = new Set(scope.split(' '));
  return scopes.filter((one) => said.has(one));
}

/**
 * By these a resource server that remembers the answer recognises the events that make it wrong. What came of an exchange also
 * ends with the client that the account gave its consent to.
 */
function tellHandles(token: IntrospectedToken, handles: Handles, grantedTo: string | undefined): void {
  const { jti, sid, ...others } = handlesOf(token, handles);
  token.jti = jti;
  token.sid = sid;
  token.extra = { ...token.extra, ...others, ...(grantedTo !== undefined && { granted_to: grantedTo }) };
}

/** The grant may have been cut short since the token was issued. */
function endOf({ exp }: IntrospectedToken, grant: Grant | undefined): number | undefined {
  return exp === undefined || grant?.exp === undefined ? exp : Math.min(exp, grant.exp);
}

/** A client may ask about its own tokens, a resource server about access tokens meant for it, nobody else at all. */
function mayIntrospect(
  deps: IntrospectionDeps,
  caller: EngineClient,
  token: IntrospectedToken,
  { issuedTo, audience }: TokenState,
): boolean {
  if (caller.tokenEndpointAuthMethod === 'none') {
    return false;
  }
  const resourceServer = deps.resourceServerOf(caller);
  return (
    issuedTo === caller.clientId ||
    (resourceServer !== undefined && token.kind !== 'RefreshToken' && audience === resourceServer)
  );
}

function claimsSeen(account: Account, seen: ReadonlySet<string>, scopes: ReadonlySet<string>) {
  return {
    ...(seen.has('username') || scopes.has('profile') ? { username: account.email } : undefined),
    ...(seen.has('name') || scopes.has('profile') ? { name: account.name } : undefined),
    ...(seen.has('email') || scopes.has('email') ? { email: account.email } : undefined),
    ...(seen.has('roles') || scopes.has('roles') ? { roles: account.roles } : undefined),
  };
}
