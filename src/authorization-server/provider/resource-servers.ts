import { type Client as EngineClient, errors, type KoaContextWithOIDC, type ResourceServer } from 'oidc-provider';
import type { Slice } from '../flows/slice.ts';
import type { ResourceStore } from '../resources/resource-server.ts';
import { accessTokenLifetime } from './access-token-lifetime.ts';
import { withinGrant } from './grant-lifetime.ts';
import type { RequestedScope } from './requested-scope.ts';

export interface AudienceDeps {
  readonly resources: ResourceStore;
  readonly requestedScope: RequestedScope;
  /** The resource servers that the authorization details of a request are for (RFC 9396). */
  readonly addressedByDetails: (ctx: KoaContextWithOIDC) => Promise<readonly string[]>;
}

/** Which resource server a token is for (RFC 8707). */
export interface Audience {
  /**
   * The resource server of a request that names none: the default one, or none at all when `openid` is asked for. Such
   * a token serves userinfo and, because introspection names the audience, the default resource server too; it is
   * opaque whatever that resource server prefers, for there is no single audience to write into a JWT.
   */
  defaultFor(ctx: KoaContextWithOIDC, client: EngineClient): Promise<string | undefined>;
  /** Those whose types the authorization details of a request are (RFC 9396): a token with details serves nothing else. */
  byDetails(ctx: KoaContextWithOIDC): Promise<string | readonly string[] | undefined>;
  /** What the engine has to know of a resource server. Throws `invalid_target` for an unknown one. */
  describe(ctx: KoaContextWithOIDC, identifier: string, client: EngineClient): Promise<ResourceServer>;
}

export function createAudience({ resources, requestedScope, addressedByDetails }: AudienceDeps): Audience {
  return {
    async defaultFor(ctx, client) {
      requestedScope.applyDefault(ctx, client);
      if (ctx.oidc.requestParamScopes.has('openid')) {
        return undefined;
      }
      const all = await resources.listResourceServers();
      return all.find(({ isDefault }) => isDefault)?.identifier;
    },

    async byDetails(ctx) {
      const addressed = await addressedByDetails(ctx);
      return addressed.length > 1 ? addressed : addressed[0];
    },

    async describe(ctx, identifier, client) {
      // A request may name the same one hundreds of times, and the engine asks each time.
      const described = ctx.oidc.resourceServers?.[identifier];
      if (described !== undefined) {
        return described;
      }
      const all = await resources.listResourceServers();
      const resourceServer = all.find((one) => one.identifier === identifier);
      if (resourceServer === undefined) {
        throw new errors.InvalidTarget('the resource is not known here');
      }
      return {
        audience: identifier,
        scope: (await requestedScope.within(ctx, client, resourceServer)).join(' '),
        // A client could read in a JWT what pairwise subjects are to keep from it: docs/decisions/0005.
        accessTokenFormat: client.subjectType === 'pairwise' ? 'opaque' : resourceServer.accessTokenFormat,
        // RFC 9068 §2.1 wants RS256 supported, which `jwks` has as well; this one costs a tenth to sign.
        jwt: { sign: { alg: 'ES256' } },
        ...(resourceServer.accessTokenTtl === undefined ? {} : { accessTokenTTL: resourceServer.accessTokenTtl }),
      };
    },
  };
}

export const audienceSettings = (
  audience: Audience,
  lifetimes: { readonly accessToken: number; readonly clientCredentials: number },
): Slice => ({
  ttl: {
    AccessToken: (ctx, token, client) =>
      withinGrant(ctx, accessTokenLifetime(token.resourceServer, client, lifetimes.accessToken)),
    ClientCredentials: (_ctx, token, client) =>
      accessTokenLifetime(token.resourceServer, client, lifetimes.clientCredentials),
  },
  features: {
    resourceIndicators: {
      enabled: true,
      useGrantedResource: async () => true,
      // `undefined` for none, which the engine knows and its types do not: an empty list would be too many to issue for.
      defaultResource: async (ctx, client, oneOf) =>
        (oneOf ?? (await audience.byDetails(ctx)) ?? (await audience.defaultFor(ctx, client))) as string,
      getResourceServerInfo: audience.describe,
    },
  },
});
