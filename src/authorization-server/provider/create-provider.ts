import type { Adapter, Configuration, ErrorOut, KoaContextWithOIDC } from 'oidc-provider';
import Provider from 'oidc-provider';
import type { Authenticate } from '../accounts/account.ts';
import type { ClientStore } from '../clients/client.ts';
import { authorizationCodeSettings } from '../flows/authorization-code/authorization-code.ts';
import { clientCredentialsSettings } from '../flows/client-credentials/client-credentials.ts';
import { hybridSettings } from '../flows/hybrid/hybrid.ts';
import { implicitSettings } from '../flows/implicit/implicit.ts';
import { introspectionSettings } from '../flows/introspection/introspection.ts';
import { type LogoutPages, logoutSettings } from '../flows/logout/logout.ts';
import { refreshTokenSettings } from '../flows/refresh-token/refresh-token.ts';
import { revocationSettings } from '../flows/revocation/revocation.ts';
import { OPENID_SCOPES } from '../resources/scope-policy.ts';
import { type AccountSettingsDeps, accountSettings } from './account-settings.ts';
import { clientSettings } from './client-settings.ts';
import { clientAdapter, registrationOf } from './clients.ts';
import { admitStructuredTokens } from './engine.ts';
import type { Exchanger } from './exchange.ts';
import { extendEngine } from './extend-engine.ts';
import { mergeSlices } from './merge-slices.ts';
import { oncePerRequest } from './once-per-request.ts';
import { createOutgoing } from './outgoing.ts';
import { createRequestedScope } from './requested-scope.ts';
import { audienceSettings, createAudience } from './resource-servers.ts';
import { type SessionSettingsDeps, sessionSettings } from './session-settings.ts';
import { SIGNING_ALGS, type SigningKey } from './signing-keys.ts';
import { createVerifyAccessToken, findStructuredTokens } from './structured-tokens.ts';

export interface ProviderDeps extends AccountSettingsDeps, SessionSettingsDeps {
  readonly clients: ClientStore;
  readonly authenticate: Authenticate;
  readonly artifacts: Exchanger & {
    adapter(kind: string): Adapter;
    createTokenId(kind: string, lifetime: number): string;
  };
  readonly signingKeys: readonly SigningKey[];
  readonly lifetimes: Lifetimes;
  readonly pages: LogoutPages & {
    readonly renderError: (ctx: KoaContextWithOIDC, out: ErrorOut, error: Error) => void | Promise<void>;
  };
  readonly development: boolean;
}

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
  const outgoing = createOutgoing(deps);
  const audience = createAudience({ resources: deps.resources, requestedScope });
  const configuration = mergeSlices([
    storageSettings(deps),
    accountSettings(deps, requestedScope),
    sessionSettings(deps, requestedScope),
    { fetch: outgoing },
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
  admitStructuredTokens();
  const provider = new Provider(deps.issuer, configuration);
  extendEngine(provider, deps, requestedScope, audience);
  return provider;
}

function storageSettings({ artifacts, clients, issuer, signingKeys }: ProviderDeps): Configuration {
  const verify = oncePerRequest(() => Provider.ctx, createVerifyAccessToken(issuer, signingKeys));
  return {
    adapter: (kind) =>
      kind === 'Client' ? clientAdapter(clients) : findStructuredTokens(kind, artifacts.adapter(kind), verify),
  };
}

function signingSettings({ signingKeys, lifetimes }: ProviderDeps): Configuration {
  return {
    jwks: { keys: signingKeys as never },
    enabledJWA: { idTokenSigningAlgValues: [...SIGNING_ALGS] },
    ttl: { IdToken: lifetimes.idToken },
  };
}
