import { errors, type KoaContextWithOIDC } from 'oidc-provider';
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
 */
export interface RichAuthorizationDeps {
  readonly resources: Pick<ResourceStore, 'listResourceServers'>;
}

type Details = readonly AuthorizationDetail[];

/** A token or what it comes of, as far as it matters here. */
interface Source {
  readonly rar?: unknown;
}

interface Token extends Source {
  readonly aud?: string | readonly string[] | undefined;
}

export const richAuthorizationSettings = (deps: RichAuthorizationDeps): Slice => ({
  features: {
    richAuthorizationRequests: {
      enabled: true,
      // As they are in the directory: provider/authorization-details-types.ts.
      types: {},
      // All of the request: `rar_prompt` of the engine has made sure that somebody has seen them.
      authorizationDetailsForGrantSource: async (ctx) => requestedDetails(ctx) as never,
      authorizationDetailsForAccessToken: async (ctx, token, source) =>
        (await detailsOfToken(deps, ctx, token as Token, source as Source | undefined)) as never,
      authorizationDetailsForIntrospection: async (_ctx, token) =>
        (await detailsAt(deps, token as Token, detailsOf(token as Source))) as never,
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
  const problem = detailProblem(detail as AuthorizationDetail, declared, resourceServer.identifier);
  if (problem !== undefined) {
    throw new errors.InvalidAuthorizationDetails(`a detail of the type ${type} ${problem}`);
  }
}

/** The resource servers whose details a request asks for: they are what it addresses where it names no `resource`. */
export async function addressedByDetails(deps: RichAuthorizationDeps, ctx: KoaContextWithOIDC): Promise<string[]> {
  const types = new Set(requestedDetails(ctx)?.map(({ type }) => type));
  if (types.size === 0) {
    return [];
  }
  const all = await deps.resources.listResourceServers();
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

/** RFC 9396 §6 and §7: what was granted, or the part of it that the token request asks for, at the token's audience. */
async function detailsOfToken(deps: RichAuthorizationDeps, ctx: KoaContextWithOIDC, token: Token, source?: Source) {
  const requested = requestedDetails(ctx);
  const granted = source === undefined ? requested : detailsOf(source);
  const beyond = requested?.find((one) => !granted?.some((had) => isWithin(one, had)));
  if (beyond !== undefined) {
    throw new errors.InvalidAuthorizationDetails(`a detail of the type ${beyond.type} was not granted`);
  }
  return detailsAt(deps, token, requested ?? granted);
}

function detailsOf({ rar }: Source): Details | undefined {
  return Array.isArray(rar) ? rar : undefined;
}

/** A refresh token is for no resource server: it has all. Elsewhere only the owner of a type gets to see details of it. */
async function detailsAt(deps: RichAuthorizationDeps, { aud }: Token, details: Details | undefined) {
  const all = await deps.resources.listResourceServers();
  const audience = aud === undefined ? all : all.filter(({ identifier }) => [aud].flat().includes(identifier));
  const types = new Set(audience.flatMap(typesOf).map(({ type }) => type));
  const left = details?.filter(({ type }) => types.has(type)) ?? [];
  return left.length > 0 ? left : undefined;
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
