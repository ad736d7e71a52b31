import type { Adapter, Client, Configuration, ErrorOut, KoaContextWithOIDC } from 'oidc-provider';
import Provider from 'oidc-provider';
import type { AuthenticateAlone } from '../accounts/authenticate-alone.ts';
import type { BrowserSessionStore } from '../accounts/browser-sessions.ts';
import type { ClientStore } from '../clients/client.ts';
import { encryptsBy } from '../clients/public-keys.ts';
import type { TrustedIssuerStore } from '../clients/trusted-issuer.ts';
import { authorizationCodeSettings } from '../flows/authorization-code/authorization-code.ts';
import { backChannelLogoutSettings } from '../flows/back-channel-logout/back-channel-logout.ts';
import { type CibaDeps, cibaSettings } from '../flows/ciba/ciba.ts';
import { clientAuthenticationSettings } from '../flows/client-authentication/client-authentication.ts';
import { clientCredentialsSettings } from '../flows/client-credentials/client-credentials.ts';
import { type DevicePages, deviceAuthorizationSettings } from '../flows/device-authorization/device-authorization.ts';
import { dpopSettings } from '../flows/dpop/dpop.ts';
import { hybridSettings } from '../flows/hybrid/hybrid.ts';
import { implicitSettings } from '../flows/implicit/implicit.ts';
import { introspectionSettings } from '../flows/introspection/introspection.ts';
import { jwtResponseModeSettings } from '../flows/jwt-response-modes/jwt-response-modes.ts';
import { type LogoutPages, logoutSettings } from '../flows/logout/logout.ts';
import { type MutualTlsDeps, mutualTlsSettings } from '../flows/mutual-tls/mutual-tls.ts';
import {
  keepForSignIn,
  pushedAuthorizationRequestSettings,
} from '../flows/pushed-authorization-request/pushed-authorization-request.ts';
import { refreshTokenSettings } from '../flows/refresh-token/refresh-token.ts';
import { requestObjectSettings } from '../flows/request-object/request-object.ts';
import { revocationSettings } from '../flows/revocation/revocation.ts';
import {
  addressedByDetails,
  requirePermitted,
  richAuthorizationSettings,
  validateDetail,
} from '../flows/rich-authorization-requests/rich-authorization-requests.ts';
import type { RememberedGrants } from '../grants/remembered-grant.ts';
import { PROFILES, type ProfileName } from '../profiles/profile.ts';
import type { Handles } from '../resources/handles.ts';
import { type AccountSettingsDeps, accountSettings } from './account-settings.ts';
import { createDeclaredTypes, type DeclaredTypes } from './authorization-details-types.ts';
import { REQUESTS_TO_ONE } from './backchannel.ts';
import { claimResponseSettings } from './claim-responses.ts';
import { clientSettings, type SelfDescribedClients } from './client-settings.ts';
import { clientAdapter, registrationOf } from './clients.ts';
import type { CurrentRequest } from './current-request.ts';
import { admitStructuredTokens, encryptOnlyTo, verifyWithFreshKeys } from './engine-tokens.ts';
import { describeError } from './error-descriptions.ts';
import type { Exchanger } from './exchange.ts';
import { exchangedTokenSettings } from './exchanged-tokens.ts';
import { extendEngine } from './extend-engine.ts';
import { withinGrant } from './grant-lifetime.ts';
import type { KeepLogoutNotice } from './logout-notices.ts';
import { mergeSlices } from './merge-slices.ts';
import { oncePerRequest } from './once-per-request.ts';
import { createOutgoing } from './outgoing.ts';
import { POLL_INTERVAL } from './polling.ts';
import { createProfileOf, keepToProfile, profileFor, profileSettings, restrictToProfile } from './profile-settings.ts';
import type { RateLimits } from './rate-limits.ts';
import { createRequestedScope } from './requested-scope.ts';
import { audienceSettings, createAudience } from './resource-servers.ts';
import type { ServerSecrets } from './server-secrets.ts';
import { type SessionSettingsDeps, type StepPages, sessionSettings } from './session-settings.ts';
import type { SigningKey } from './signing-keys.ts';
import { createVerifyAccessToken, findStructuredTokens } from './structured-tokens.ts';
import { subjectIdentifierSettings } from './subject-identifiers.ts';
import { acrSettings } from './sufficient-sign-in.ts';
import { createTokenState } from './token-state.ts';

export interface ProviderDeps extends AccountSettingsDeps, SessionSettingsDeps, MutualTlsDeps {
  readonly clients: ClientStore;
  readonly selfDescribed: SelfDescribedClients;
  /** What every client is held to. */
  readonly profile: ProfileName;
  readonly authenticate: AuthenticateAlone;
  readonly artifacts: Exchanger &
    RememberedGrants & {
      adapter(kind: string): Adapter;
      createTokenId(kind: string, lifetime: number): string;
      firstUse(id: string, lifetime: number): Promise<boolean>;
      readonly browserSessions: Pick<BrowserSessionStore, 'end'>;
      readonly handles: Handles;
    };
  readonly rateLimits: RateLimits;
  /** The account with this email, as somebody typed it, that can be used. */
  readonly findAccountId: (email: string) => Promise<string | undefined>;
  /** Lets somebody know that a client waits for their answer (CIBA). */
  readonly tellOfRequest: CibaDeps['tell'];
  readonly trustedIssuers: TrustedIssuerStore;
  readonly signingKeys: readonly SigningKey[];
  readonly serverSecrets: ServerSecrets;
  /** 32 bytes, the same at every node. */
  readonly dpopNonceSecret: Buffer;
  readonly lifetimes: Lifetimes;
  readonly pages: LogoutPages &
    DevicePages &
    StepPages & {
      readonly renderError: (ctx: KoaContextWithOIDC, out: ErrorOut, error: Error) => void | Promise<void>;
      /** That they speak. */
      readonly languages: readonly string[];
    };
  readonly keepLogoutNotice: KeepLogoutNotice;
  readonly during: CurrentRequest['during'];
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
  const audience = createAudience({
    resources: deps.resources,
    requestedScope,
    addressedByDetails: (ctx) => addressedByDetails(deps.resources, ctx),
  });
  const outgoing = createOutgoing(deps);
  const stateOf = createTokenState(deps);
  const richAuthorization = { ...deps, scopeOf: (client: Client) => registrationOf(client).scope };
  const declaredTypes = createDeclaredTypes((ctx, detail) => validateDetail(richAuthorization, ctx, detail));
  const profileOf = createProfileOf(deps.profile);
  const configuration = mergeSlices([
    storageSettings(deps, declaredTypes),
    accountSettings(deps, requestedScope),
    sessionSettings(deps, {
      ...requestedScope,
      async narrowToAccount(ctx) {
        await requirePermitted(richAuthorization, ctx);
        await requestedScope.narrowToAccount(ctx);
      },
    }),
    signingSettings(deps),
    claimResponseSettings(),
    acrSettings(),
    subjectIdentifierSettings(deps.serverSecrets),
    clientSettings(deps.selfDescribed),
    clientAuthenticationSettings({ profileOf }),
    dpopSettings({ nonceSecret: deps.dpopNonceSecret }),
    mutualTlsSettings(deps),
    { fetch: outgoing },
    { features: { devInteractions: { enabled: false } } },
    { discovery: { ui_locales_supported: [...deps.pages.languages] } },
    {
      renderError(ctx, out, error) {
        describeError(out);
        return deps.pages.renderError(ctx, out, error);
      },
    },
    requestedScope.settings,
    audienceSettings(audience, deps.lifetimes),
    profileSettings(profileOf),
    authorizationCodeSettings(deps.lifetimes, { longestCode: (client) => profileOf(client).longestCode }),
    pushedAuthorizationRequestSettings(),
    jwtResponseModeSettings(),
    requestObjectSettings({ onAccepted: requestedScope.fromRequestObject, profileOf }),
    implicitSettings(),
    hybridSettings(),
    clientCredentialsSettings(),
    richAuthorizationSettings(richAuthorization),
    refreshTokenSettings(deps.lifetimes, { rotates: (client) => profileOf(client).rotation, withinGrant }),
    deviceAuthorizationSettings(deps.pages),
    cibaSettings({
      findAccountId: deps.findAccountId,
      narrowToAccount: requestedScope.narrowToAccount,
      mayAsk: (clientId, accountId) => deps.rateLimits.take(REQUESTS_TO_ONE, `${clientId} ${accountId}`),
      tell: deps.tellOfRequest,
      interval: POLL_INTERVAL,
    }),
    introspectionSettings({
      stateOf,
      resources: deps.resources,
      resourceServerOf: (client) => registrationOf(client).resource_server,
      noteUse: deps.noteUse,
      handles: deps.artifacts.handles,
    }),
    exchangedTokenSettings({ ...deps, handles: deps.artifacts.handles }),
    revocationSettings(),
    logoutSettings(deps.pages),
    backChannelLogoutSettings(),
  ]);
  admitStructuredTokens();
  encryptOnlyTo(encryptsBy);
  verifyWithFreshKeys();
  const profile = PROFILES[deps.profile];
  const provider = new Provider(deps.issuer, restrictToProfile(configuration, profile));
  declaredTypes.attach(provider);
  declaredTypes.follow(deps.resourceServers);
  extendEngine(provider, deps, { requestedScope, audience, stateOf, outgoing });
  keepToProfile(provider, profile);
  return provider;
}

function storageSettings(deps: ProviderDeps, declaredTypes: DeclaredTypes): Configuration {
  const { artifacts, clients, resources, profile, issuer, signingKeys, lifetimes } = deps;
  const verify = oncePerRequest(() => Provider.ctx, createVerifyAccessToken(issuer, signingKeys));
  const stored = (kind: string) => keepForSignIn(kind, artifacts.adapter(kind), lifetimes.interaction);
  const typesNow = async () => declaredTypes.follow(await resources.listResourceServers());
  return {
    adapter: (kind) =>
      kind === 'Client'
        ? clientAdapter(clients, ({ clientId, metadata }) => profileFor(profile, clientId, metadata.profile), typesNow)
        : findStructuredTokens(kind, stored(kind), verify),
  };
}

function signingSettings({ signingKeys, serverSecrets, lifetimes }: ProviderDeps): Configuration {
  return {
    jwks: { keys: [...signingKeys, serverSecrets.encryptionKey] as never },
    ttl: { IdToken: lifetimes.idToken },
  };
}
