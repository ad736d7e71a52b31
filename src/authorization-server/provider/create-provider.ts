import type { Adapter, Configuration, ErrorOut, KoaContextWithOIDC } from 'oidc-provider';
import Provider, { errors } from 'oidc-provider';
import type { AccountStore, Authenticate } from '../accounts/account.ts';
import type { ClientStore } from '../clients/client.ts';
import { verifySecret } from '../clients/secret.ts';
import { authorizationCodeSettings } from '../flows/authorization-code/authorization-code.ts';
import { clientCredentialsSettings, guardClientCredentials } from '../flows/client-credentials/client-credentials.ts';
import { hybridSettings } from '../flows/hybrid/hybrid.ts';
import { implicitSettings, PLAIN_TOKEN, toleratesLoopbackRedirects } from '../flows/implicit/implicit.ts';
import { introspectionSettings } from '../flows/introspection/introspection.ts';
import { type LogoutPages, logoutSettings } from '../flows/logout/logout.ts';
import { PASSWORD_PARAMETERS, passwordGrant } from '../flows/password/password.ts';
import { refreshTokenSettings } from '../flows/refresh-token/refresh-token.ts';
import { revocationSettings } from '../flows/revocation/revocation.ts';
import type { ResourceServer, ResourceStore } from '../resources/resource-server.ts';
import { OPENID_SCOPES } from '../resources/scope-policy.ts';
import { CLAIMS_BY_SCOPE, claimsOf } from './claims.ts';
import { clientAdapter, OUR_METADATA, registrationOf } from './clients.ts';
import {
  allowResponseType,
  explainGrant,
  guardGrant,
  hookClients,
  keepClients,
  nameTokens,
  withdrawClaim,
  wrapGrant,
} from './engine.ts';
import { EXCHANGES, type Exchanger, exchangeAtOnce } from './exchange.ts';
import { EXPLAINED_GRANTS, explainRefusal } from './grant-refusals.ts';
import { createInteractionPolicy } from './interaction-policy.ts';
import { mergeSlices } from './merge-slices.ts';
import { createRequestedScope, type RequestedScope } from './requested-scope.ts';
import { type Audience, audienceSettings, createAudience } from './resource-servers.ts';
import { SIGNING_ALGS, type SigningKey } from './signing-keys.ts';

export interface ProviderDeps {
  readonly issuer: string;
  readonly accounts: AccountStore;
  readonly clients: ClientStore;
  readonly resources: ResourceStore;
  /** As they are now: the default one's scopes stand in discovery, where a later one appears once it was asked for. */
  readonly resourceServers: readonly ResourceServer[];
  readonly authenticate: Authenticate;
  readonly artifacts: Exchanger & {
    adapter(kind: string): Adapter;
    createTokenId(kind: string, lifetime: number): string;
  };
  readonly signingKeys: readonly SigningKey[];
  /** What signs cookies: see http/cookie-signatures.ts. */
  readonly cookieSignatures: object;
  readonly lifetimes: Lifetimes;
  readonly pages: LogoutPages & {
    readonly renderError: (ctx: KoaContextWithOIDC, out: ErrorOut, error: Error) => void | Promise<void>;
  };
  readonly development: boolean;
}

/** What storage keeps by the time of its expiry, which the id tells. */
const STORED_TOKENS = ['AccessToken', 'AuthorizationCode', 'ClientCredentials', 'RefreshToken'] as const;

/** Seconds. */
export interface Lifetimes {
  readonly accessToken: number;
  readonly clientCredentials: number;
  readonly authorizationCode: number;
  readonly idToken: number;
  readonly refreshToken: number;
  readonly session: number;
  readonly grant: number;
  readonly interaction: number;
}

/** The engine with every flow: the only place that makes one, so that new keys or scopes can have a new one. */
export function createProvider(deps: ProviderDeps): Provider {
  const requestedScope = createRequestedScope(deps);
  const audience = createAudience({ resources: deps.resources, requestedScope });
  const configuration = mergeSlices([
    storageSettings(deps),
    accountSettings(deps, requestedScope),
    sessionSettings(deps, requestedScope),
    signingSettings(deps),
    clientSettings(),
    { features: { devInteractions: { enabled: false }, dPoP: { enabled: false } } },
    { features: { pushedAuthorizationRequests: { enabled: false } }, renderError: deps.pages.renderError },
    requestedScope.settings,
    audienceSettings(audience, deps.lifetimes),
    authorizationCodeSettings(deps.lifetimes),
    implicitSettings(),
    hybridSettings(),
    clientCredentialsSettings(deps.lifetimes),
    refreshTokenSettings(deps.lifetimes),
    introspectionSettings({
      ...deps,
      openidScopes: new Set(OPENID_SCOPES),
      registrationOf,
    }),
    revocationSettings(),
    logoutSettings(deps.pages),
  ]);
  const provider = new Provider(deps.issuer, configuration);
  extendEngine(provider, deps, requestedScope, audience);
  return provider;
}

function storageSettings({ artifacts, clients }: ProviderDeps): Configuration {
  return { adapter: (kind) => (kind === 'Client' ? clientAdapter(clients) : artifacts.adapter(kind)) };
}

function accountSettings({ accounts, resourceServers }: ProviderDeps, scope: RequestedScope): Configuration {
  const apiScopes = resourceServers.find(({ isDefault }) => isDefault)?.scopes.map(({ name }) => name) ?? [];
  return {
    scopes: [...OPENID_SCOPES, ...apiScopes],
    claims: CLAIMS_BY_SCOPE,
    async findAccount(ctx, accountId, token) {
      const account = await accounts.findAccount(accountId);
      if (account === undefined || account.disabled) {
        return undefined;
      }
      if (token?.kind === 'RefreshToken') {
        // The last hook before the engine takes the scope of the new access token.
        await scope.narrowRefresh(ctx, account, token);
      }
      return { accountId, claims: async () => claimsOf(account) };
    },
  };
}

/**
 * Cookies: `__Host-` keeps a sibling host from planting a session, and asks for https. Without `offline_access` tokens
 * end with the session.
 */
function sessionSettings(
  { issuer, cookieSignatures, lifetimes, resources }: ProviderDeps,
  scope: RequestedScope,
): Configuration {
  const secure = issuer.startsWith('https:');
  const options = { httpOnly: true, sameSite: 'lax', signed: true, secure } as const;
  return {
    cookies: {
      keys: cookieSignatures as never,
      names: {
        session: secure ? '__Host-session' : 'session',
        interaction: 'interaction',
        resume: 'interaction_resume',
      },
      long: { ...options, path: '/' },
      short: options,
    },
    ttl: { Session: lifetimes.session, Grant: lifetimes.grant },
    interactions: {
      policy: createInteractionPolicy(resources),
      url: (_ctx, interaction) => `/interaction/${interaction.uid}`,
    },
    expiresWithSession: async (_ctx, token) => !token.scopes.has('offline_access'),
    async loadExistingGrant(ctx) {
      // The first hook at which the account is known, and the last before consent looks at the scope.
      await scope.narrowToAccount(ctx);
      const { client, result, session, provider } = ctx.oidc;
      const grantId = result?.consent?.grantId ?? (client && session?.grantIdFor(client.clientId));
      return grantId === undefined ? undefined : provider.Grant.find(grantId);
    },
  };
}

function signingSettings({ signingKeys, lifetimes }: ProviderDeps): Configuration {
  return {
    jwks: { keys: signingKeys as never },
    enabledJWA: { idTokenSigningAlgValues: [...SIGNING_ALGS] },
    ttl: { IdToken: lifetimes.idToken },
  };
}

/** No method that needs the secret itself: only its hash is kept. */
function clientSettings(): Configuration {
  return {
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
    extraClientMetadata: { properties: [...OUR_METADATA] },
    // The pages of a public client, and at userinfo of any client. `null` is the origin of a redirect URI with a scheme of
    // its own, and of every sandboxed frame.
    clientBasedCORS: (ctx, origin, client) =>
      origin !== 'null' &&
      (ctx.oidc.route === 'userinfo' || client.tokenEndpointAuthMethod === 'none') &&
      (client.redirectUris ?? []).some((uri) => URL.parse(uri)?.origin === origin),
  };
}

/** What the engine's configuration cannot say. */
function extendEngine(
  provider: Provider,
  deps: ProviderDeps,
  requestedScope: RequestedScope,
  audience: Audience,
): void {
  allowResponseType(provider, PLAIN_TOKEN);
  // Only clients with back-channel logout get one, and there is none yet.
  withdrawClaim(provider, 'sid');
  // RFC 9207 §2 wants `iss` in every authorization response; the engine leaves it out where an ID token has it too.
  provider.on('authorization.success', (_ctx, response = {}) => Object.assign(response, { iss: deps.issuer }));
  nameTokens(provider, STORED_TOKENS, deps.artifacts.createTokenId);
  guardGrant(provider, 'client_credentials', guardClientCredentials({ scopesFor: requestedScope.forClient }));
  for (const grantType of EXCHANGES) {
    wrapGrant(provider, grantType, exchangeAtOnce(deps.artifacts));
  }
  for (const grantType of EXPLAINED_GRANTS) {
    explainGrant(provider, grantType, (error) => explainRefusal(grantType, error));
  }
  provider.registerGrantType(
    'password',
    passwordGrant({
      authenticate: deps.authenticate,
      scopesFor: requestedScope.forAccount,
      audienceFor: (ctx) => requestedAudience(ctx, audience),
      listResourceServers: () => deps.resources.listResourceServers(),
      claimsOf,
    }),
    PASSWORD_PARAMETERS,
  );
  keepClients(provider, (clientId) => deps.clients.findClient(clientId));
  hookClients(provider, {
    compareClientSecret: (registered, presented) => registered !== undefined && verifySecret(presented, registered),
    // RFC 6749 §5.2 and §4.1.2.1 have a word for it; the engine says invalid_request.
    grantTypeAllowed(allowed, grantType) {
      const oidc = Provider.ctx?.oidc;
      if (!allowed && oidc?.route === 'token' && oidc.params?.grant_type === grantType) {
        throw new errors.UnauthorizedClient(`the client is not registered for the grant type ${grantType}`);
      }
      return allowed;
    },
    responseTypeAllowed(allowed, responseType) {
      if (!allowed) {
        throw new errors.UnauthorizedClient(`the client is not registered for the response type ${responseType}`);
      }
      return allowed;
    },
    toleratesMetadata: (metadata, code) => deps.development && toleratesLoopbackRedirects(metadata, code),
  });
}

/** For a grant that the engine does not know: what it would have resolved itself. */
async function requestedAudience(ctx: KoaContextWithOIDC, audience: Audience) {
  const { client } = ctx.oidc;
  const { resource } = ctx.oidc.params ?? {};
  if (client === undefined) {
    return undefined;
  }
  const identifier = typeof resource === 'string' ? resource : await audience.defaultFor(ctx, client);
  return identifier === undefined
    ? undefined
    : { identifier, resourceServer: await audience.describe(ctx, identifier, client) };
}
