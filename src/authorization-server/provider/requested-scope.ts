import { type Client as EngineClient, errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Account, AccountStore } from '../accounts/account.ts';
import type { Slice } from '../flows/slice.ts';
import type { ResourceServer, ResourceStore } from '../resources/resource-server.ts';
import { decideScopes, describeRefusal, type ScopeDecision } from '../resources/scope-policy.ts';
import { registrationOf } from './clients.ts';
import { supportScopes } from './engine.ts';

/** Where the engine asks about scopes, and what resources/scope-policy.ts answers. */
export interface RequestedScope {
  /** RFC 6749 §3.3: a request without a scope is one for the client's default scope. */
  applyDefault(ctx: KoaContextWithOIDC, client: EngineClient): void;
  /** The scopes of a resource server that this client, and the account if there is one, may have. */
  within(ctx: KoaContextWithOIDC, client: EngineClient, resourceServer: ResourceServer): Promise<readonly string[]>;
  /** What a token request for this account may be granted. Throws `invalid_scope` when that is nothing. */
  forAccount(ctx: KoaContextWithOIDC, account: Account): Promise<readonly string[]>;
  /** What a client may be granted that acts for itself. Throws `invalid_scope` when anything is refused. */
  forClient(ctx: KoaContextWithOIDC): Promise<readonly string[]>;
  /** Takes what a request object says (RFC 9101), or was pushed (RFC 9126), for what the client sent: beside it nothing counts. */
  fromRequestObject(ctx: KoaContextWithOIDC, claims: Readonly<Record<string, unknown>>): void;
  /** Leaves out of an authorization request what the signed-in account's roles do not permit. */
  narrowToAccount(ctx: KoaContextWithOIDC): Promise<void>;
  /**
   * Leaves out of a refreshed access token what the client's registration or the account's roles no longer permit.
   * Throws `invalid_scope` when nothing is left.
   */
  narrowRefresh(ctx: KoaContextWithOIDC, account: Account, refreshToken: RefreshedToken): Promise<void>;
  readonly settings: Slice;
}

interface RefreshedToken {
  readonly scope?: string | undefined;
  readonly resource?: string | readonly string[] | undefined;
  readonly consumed?: unknown;
}

export interface RequestedScopeDeps {
  readonly accounts: AccountStore;
  readonly resources: ResourceStore;
}

interface ScopeParams {
  scope?: string | undefined;
  /** What the client asked for and may have, before anyone signed in: another account may be permitted more. */
  client_scope?: string | undefined;
  readonly authorization_details?: unknown;
}

export function createRequestedScope({ accounts, resources }: RequestedScopeDeps): RequestedScope {
  async function permittedTo(accountId: string | undefined) {
    const account = accountId === undefined ? undefined : await accounts.findAccount(accountId);
    return account && resources.permittedScopes(account.roles);
  }

  /** `permitted` is absent for a client that acts for itself; until someone signs in, any role is possible. */
  async function decide(
    ctx: KoaContextWithOIDC,
    requested: string | undefined,
    permitted?: Permitted,
    resource: unknown = ctx.oidc.params?.resource,
  ) {
    const resourceScopes = await addressedScopes(resource, resources);
    if (resource === undefined) {
      supportScopes(ctx.oidc.provider, resourceScopes);
    }
    return decideScopes({
      requested,
      client: registrationOf(requireClient(ctx)),
      permitted: permitted === 'any role' ? resourceScopes : permitted,
      resourceScopes,
    });
  }

  return {
    applyDefault(ctx, client) {
      paramsOf(ctx).scope ??= registrationOf(client).default_scope;
    },

    async within(ctx, client, resourceServer) {
      const offered = scopeNames(resourceServer);
      const accountId = ctx.oidc.entities.Account?.accountId ?? ctx.oidc.session?.accountId;
      const { scope } = registrationOf(client);
      const permitted = (await permittedTo(accountId)) ?? offered;
      const question = { requested: [...offered].join(' '), client: { scope }, permitted, resourceScopes: offered };
      return decideScopes(question).granted;
    },

    async forAccount(ctx, account) {
      const permitted = await resources.permittedScopes(account.roles);
      return grantedOrThrow(await decide(ctx, paramsOf(ctx).scope, permitted));
    },

    async forClient(ctx) {
      const decision = await decide(ctx, paramsOf(ctx).scope);
      return grantedOrThrow(decision.refused.length > 0 ? { ...decision, granted: [] } : decision);
    },

    fromRequestObject(ctx, { scope }) {
      objectScopes.set(ctx, scope);
    },

    async narrowToAccount(ctx) {
      if (ctx.oidc.promptPending('login')) {
        return; // Another account may be permitted more.
      }
      const params = paramsOf(ctx);
      const permitted = await permittedTo(ctx.oidc.entities.Account?.accountId);
      if (permitted !== undefined && params.client_scope !== undefined) {
        params.scope = grantedOrThrow(await decide(ctx, params.client_scope, permitted)).join(' ');
      }
    },

    async narrowRefresh(ctx, account, { scope, resource, consumed }) {
      // A used token must go on to where the engine sees that it was.
      if (consumed !== undefined) {
        return;
      }
      const params = paramsOf(ctx);
      // Issued for authorization details alone.
      if ((params.scope ?? scope ?? '') === '') {
        return;
      }
      const permitted = await resources.permittedScopes(account.roles);
      const decision = await decide(ctx, params.scope ?? scope, permitted, ctx.oidc.params?.resource ?? resource);
      if (decision.refused.length > 0) {
        params.scope = grantedOrThrow(decision).join(' ');
      }
    },

    settings: {
      extraParams: {
        // The name of a parameter is what the engine wants for a hook that runs on every authorization request, by
        // query, request object or PAR; what a client sends under that name is overwritten.
        async client_scope(ctx, _sent, client) {
          const params = paramsOf(ctx);
          const { default_scope } = registrationOf(client);
          const sent = heeded(ctx, client, rawScope(ctx));
          if (sent === undefined && params.authorization_details !== undefined) {
            // RFC 9396 §3: details can do without a scope, and a default one would be more than they ask for.
            params.client_scope = undefined;
            return;
          }
          const asked = sent ?? heeded(ctx, client, default_scope);
          params.client_scope = grantedOrThrow(await decide(ctx, asked, 'any role')).join(' ');
          params.scope = params.client_scope;
        },
      },
    },
  };
}

type Permitted = ReadonlySet<string> | 'any role';

function paramsOf(ctx: KoaContextWithOIDC): ScopeParams {
  return ctx.oidc.params as ScopeParams;
}

/** The scopes of the resource servers that a request speaks of: those it names (RFC 8707), or the default one. */
async function addressedScopes(resource: unknown, resources: ResourceStore): Promise<ReadonlySet<string>> {
  const named = [resource ?? []].flat();
  const all = await resources.listResourceServers();
  if (named.length === 0) {
    return scopeNames(all.find(({ isDefault }) => isDefault));
  }
  const scopes = named.flatMap((resource) => {
    const resourceServer = all.find(({ identifier }) => identifier === resource);
    if (resourceServer === undefined) {
      throw new errors.InvalidTarget('the resource is not known here');
    }
    return [...scopeNames(resourceServer)];
  });
  return new Set(scopes);
}

const NONE: ReadonlySet<string> = new Set();

/** A resource server stays the same object as long as nobody changes it: storage/directory-cache.ts. */
const scopeNamesOf = new WeakMap<ResourceServer, ReadonlySet<string>>();

function scopeNames(resourceServer: ResourceServer | undefined): ReadonlySet<string> {
  if (resourceServer === undefined) {
    return NONE;
  }
  const names = scopeNamesOf.get(resourceServer) ?? new Set(resourceServer.scopes.map(({ name }) => name));
  scopeNamesOf.set(resourceServer, names);
  return names;
}

function grantedOrThrow(decision: ScopeDecision): readonly string[] {
  if (decision.granted.length === 0) {
    throw new errors.InvalidScope(describeRefusal(decision.refused), namesOf(decision));
  }
  return decision.granted;
}

function namesOf({ refused }: ScopeDecision): string {
  return refused.map(({ scope }) => scope).join(' ');
}

const objectScopes = new WeakMap<object, unknown>();

/** The engine leaves unknown scopes out in silence, and the error must name them. */
function rawScope(ctx: KoaContextWithOIDC): string | undefined {
  const plain = ctx.method === 'POST' ? ctx.oidc.body?.scope : ctx.query.scope;
  const sent = objectScopes.has(ctx) ? objectScopes.get(ctx) : plain;
  return typeof sent === 'string' && sent !== '' ? sent : undefined;
}

/** Requests without a browser, which a person answers elsewhere, and is asked whatever they want. */
const ALWAYS_ASKED: ReadonlySet<string> = new Set(['device_authorization', 'backchannel_authentication']);

/**
 * OpenID Connect Core §11: `offline_access` is ignored where nobody is asked for it, or nothing could come of it. The
 * engine does so with what was sent; here it is done to the default scope too, and a request for nothing else is one
 * without a scope.
 */
function heeded(ctx: KoaContextWithOIDC, client: EngineClient, scope: string | undefined): string | undefined {
  const isAsked =
    ALWAYS_ASKED.has(ctx.oidc.route) ||
    (ctx.oidc.prompts.has('consent') && String(ctx.oidc.params?.response_type).includes('code'));
  const mayBeOffline = isAsked && client.grantTypeAllowed('refresh_token');
  const scopes = scope?.split(' ').filter((one) => one !== 'offline_access' || mayBeOffline) ?? [];
  return scopes.length === 0 ? undefined : scopes.join(' ');
}

function requireClient(ctx: KoaContextWithOIDC): EngineClient {
  const { client } = ctx.oidc;
  if (client === undefined) {
    throw new TypeError('scopes are decided once the client is known');
  }
  return client;
}
