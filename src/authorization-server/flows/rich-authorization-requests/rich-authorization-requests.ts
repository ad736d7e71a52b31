import { type Client, errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { AccountStore } from '../../accounts/account.ts';
import {
  type AuthorizationDetail,
  type AuthorizationDetailsType,
  detailProblem,
  isWithin,
  MOST_DETAILS,
} from '../../resources/authorization-details.ts';
import type { ResourceServer, ResourceStore } from '../../resources/resource-server.ts';
import type { Slice } from '../slice.ts';

/**
 * Rich authorization requests (RFC 9396): the parameter `authorization_details`.
 *
 * Which types there are is declared with the resource servers, like scopes; a client may ask for those that its registration
 * names. A person is asked each time, and shown every field. The token is for the resource server whose types they are and
 * carries them; a refresh may ask for less. Whatever may not be asked for is refused as a whole (§5).
 *
 * As with scopes, a client gets no more than it is registered for, and an account can hand on no more than its roles permit:
 * a type names the scopes that it takes. What a token carries is told as far as all that still holds.
 */
export interface RichAuthorizationDeps {
  readonly accounts: Pick<AccountStore, 'findAccount'>;
  readonly resources: ResourceStore;
  /** Every scope that a client may be granted. */
  readonly scopeOf: (client: Client) => string | undefined;
}

type Details = readonly AuthorizationDetail[];

/** A token or what it comes of, as far as it matters here. */
interface Source {
  readonly rar?: unknown;
}

interface Token extends Source {
  readonly clientId?: string | undefined;
  readonly accountId?: string | undefined;
  readonly aud?: string | readonly string[] | undefined;
}

export const richAuthorizationSettings = (deps: RichAuthorizationDeps): Slice => ({
  features: {
    richAuthorizationRequests: {
      enabled: true,
      // As they are in the directory: provider/authorization-details-types.ts.
      types: {},
      // Those of the request that were allowed: `rar_prompt` of the engine has made sure that somebody was asked.
      authorizationDetailsForGrantSource: async (ctx) => allowedDetails(ctx) as never,
      authorizationDetailsForAccessToken: async (ctx, token, source) =>
        (await detailsOfToken(deps, ctx, token as Token, source as Source | undefined)) as never,
      authorizationDetailsForIntrospection: async (ctx, token) =>
        (await detailsNow(deps, ctx, token as Token, detailsOf(token as Source))) as never,
    },
  },
});

/** Throws `invalid_authorization_details` where a detail is not what its type says. */
export async function validateDetail(deps: RichAuthorizationDeps, ctx: KoaContextWithOIDC, detail: unknown) {
  const { type } = detail as AuthorizationDetail;
  const owned = await findType(deps, type);
  if (owned === undefined) {
    throw new errors.InvalidAuthorizationDetails(`the type ${type} is not known here`);
  }
  if (ctx.oidc.route === 'backchannel_authentication') {
    throw new errors.InvalidAuthorizationDetails('authorization_details need a browser to be shown in');
  }
  if ((requestedDetails(ctx)?.length ?? 0) > MOST_DETAILS) {
    throw new errors.InvalidAuthorizationDetails(`more than ${MOST_DETAILS} authorization details are asked for`);
  }
  const { resourceServer, declared } = owned;
  const named = [ctx.oidc.params?.resource ?? []].flat();
  if (named.length > 0 && !named.includes(resourceServer.identifier)) {
    throw new errors.InvalidAuthorizationDetails(
      `the type ${type} belongs to ${resourceServer.identifier}, which resource does not name`,
    );
  }
  const lacking = ctx.oidc.client && declared.scopes.filter((scope) => !mayHave(deps, ctx.oidc.client).has(scope));
  if (lacking !== undefined && lacking.length > 0) {
    throw new errors.InvalidAuthorizationDetails(
      `the type ${type} takes ${lacking.join(' ')}, which this client may not have`,
    );
  }
  const problem = detailProblem(detail as AuthorizationDetail, declared, resourceServer.identifier);
  if (problem !== undefined) {
    throw new errors.InvalidAuthorizationDetails(`a detail of the type ${type} ${problem}`);
  }
}

/** The resource servers whose details a request asks for: they are what it addresses where it names no `resource`. */
export async function addressedByDetails(resources: ResourceStore, ctx: KoaContextWithOIDC): Promise<string[]> {
  const types = new Set(requestedDetails(ctx)?.map(({ type }) => type));
  if (types.size === 0) {
    return [];
  }
  const all = await resources.listResourceServers();
  return all.filter((one) => typesOf(one).some(({ type }) => types.has(type))).map(({ identifier }) => identifier);
}

/** Of the request, which the engine has found to be a list of objects with a type; `undefined` where there are none. */
export function requestedDetails({ oidc }: KoaContextWithOIDC): Details | undefined {
  const { authorization_details } = oidc.params ?? {};
  if (typeof authorization_details !== 'string') {
    return undefined;
  }
  const details: Details = JSON.parse(authorization_details);
  return details.length > 0 ? details : undefined;
}

/** A person is asked about each by itself; their answer says which, by the places in the request. */
function allowedDetails(ctx: KoaContextWithOIDC): Details | undefined {
  const { details = [] } = (ctx.oidc.result?.consent ?? {}) as { readonly details?: readonly number[] };
  const allowed = requestedDetails(ctx)?.filter((_, index) => details.includes(index)) ?? [];
  return allowed.length > 0 ? allowed : undefined;
}

/** RFC 9396 §6 and §7: what was granted, or the part of it that the token request asks for, at the token's audience. */
async function detailsOfToken(deps: RichAuthorizationDeps, ctx: KoaContextWithOIDC, token: Token, source?: Source) {
  const requested = requestedDetails(ctx);
  const granted = source === undefined ? requested : detailsOf(source);
  const beyond = requested?.find((one) => !granted?.some((had) => isWithin(one, had)));
  if (beyond !== undefined) {
    throw new errors.InvalidAuthorizationDetails(`a detail of the type ${beyond.type} was not granted`);
  }
  return detailsNow(deps, ctx, token, requested ?? granted);
}

function detailsOf({ rar }: Source): Details | undefined {
  return Array.isArray(rar) ? rar : undefined;
}

/**
 * What of it holds at this moment. A refresh token is for no resource server: it has all. Elsewhere only the owner of a type
 * gets to see details of it.
 */
async function detailsNow(deps: RichAuthorizationDeps, ctx: KoaContextWithOIDC, token: Token, details?: Details) {
  const { aud, accountId, clientId = '' } = token;
  const all = await deps.resources.listResourceServers();
  const audience = aud === undefined ? all : all.filter(({ identifier }) => [aud].flat().includes(identifier));
  const client = await ctx.oidc.provider.Client.find(clientId);
  const permits = accountId === undefined ? () => true : await permissionsOf(deps, accountId);
  const allowed = mayHave(deps, client);
  const types = audience
    .flatMap(typesOf)
    .filter((one) => client?.authorizationDetailsTypes?.includes(one.type))
    .filter((one) => permits(one) && one.scopes.every((scope) => allowed.has(scope)));
  const left = details?.filter((detail) => types.some(({ type }) => type === detail.type)) ?? [];
  return left.length > 0 ? left : undefined;
}

/** Before anybody is asked. Throws where the roles of the account that is signed in do not permit what is asked for. */
export async function requirePermitted(deps: RichAuthorizationDeps, ctx: KoaContextWithOIDC): Promise<void> {
  const requested = requestedDetails(ctx);
  const { accountId } = ctx.oidc.entities.Account ?? {};
  if (requested === undefined || accountId === undefined || ctx.oidc.promptPending('login')) {
    return; // Nobody has signed in yet, or somebody else is about to.
  }
  const permits = await permissionsOf(deps, accountId);
  const types = (await deps.resources.listResourceServers()).flatMap(typesOf);
  const refused = requested.find((detail) => types.some((one) => one.type === detail.type && !permits(one)));
  if (refused !== undefined) {
    throw new errors.InvalidAuthorizationDetails(`the roles of the account do not permit the type ${refused.type}`);
  }
}

function mayHave({ scopeOf }: RichAuthorizationDeps, client: Client | undefined): ReadonlySet<string> {
  return new Set(client && scopeOf(client)?.split(' '));
}

async function permissionsOf({ accounts, resources }: RichAuthorizationDeps, accountId: string) {
  const account = await accounts.findAccount(accountId);
  const permitted = await resources.permittedScopes(account?.roles ?? []);
  return ({ scopes }: AuthorizationDetailsType) => scopes.every((scope) => permitted.has(scope));
}

async function findType({ resources }: RichAuthorizationDeps, type: string) {
  for (const resourceServer of await resources.listResourceServers()) {
    const declared = typesOf(resourceServer).find((one) => one.type === type);
    if (declared !== undefined) {
      return { resourceServer, declared };
    }
  }
  return undefined;
}

function typesOf({ authorizationDetailsTypes = [] }: ResourceServer): readonly AuthorizationDetailsType[] {
  return authorizationDetailsTypes;
}
