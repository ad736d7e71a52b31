import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { LASTS } from '../flows/authorization-code/consent.ts';
import { guardClientCredentials } from '../flows/client-credentials/client-credentials.ts';
import { tellInterval } from '../flows/device-authorization/device-authorization.ts';
import { PLAIN_TOKEN } from '../flows/implicit/implicit.ts';
import { noteSignOuts } from '../flows/logout/note-sign-outs.ts';
import { PASSWORD_PARAMETERS, passwordGrant } from '../flows/password/password.ts';
import { tellAboutReferenceHere } from '../flows/pushed-authorization-request/pushed-authorization-request.ts';
import { REMEMBERED } from '../grants/remembered-grant.ts';
import { isAllowed, PROFILES } from '../profiles/profile.ts';
import { pingWithoutWaiting, withdrawUserCodes } from './backchannel.ts';
import { claimsOf } from './claims.ts';
import { extendClients } from './client-settings.ts';
import type { ProviderDeps } from './create-provider.ts';
import { allowResponseType, checkParameters, explainGrant, guardGrant, wrapGrant } from './engine.ts';
import { detectReplays, keepWith, nameTokens, senderOf, storeStructuredTokens } from './engine-tokens.ts';
import { describeErrors } from './error-descriptions.ts';
import { EXCHANGES, exchangeAtOnce } from './exchange.ts';
import { EXPLAINED_GRANTS, explainRefusal } from './grant-refusals.ts';
import { keepLogoutNotices } from './logout-notices.ts';
import { noteRevocations } from './note-revocations.ts';
import { noteTokenRequests } from './note-use.ts';
import type { Outgoing } from './outgoing.ts';
import { limitParameters } from './parameter-limits.ts';
import { limitPolling, POLL_INTERVAL, POLLED_GRANTS } from './polling.ts';
import { requireReadableDocuments } from './readable-documents.ts';
import type { RequestedScope } from './requested-scope.ts';
import type { Audience } from './resource-servers.ts';
import { STRUCTURED } from './structured-tokens.ts';
import { tellAskedAcr } from './sufficient-sign-in.ts';
import { registerTokenGrants } from './token-grants.ts';
import type { StateOf } from './token-state.ts';
import { answerDevicesOnce, limitUserCodes } from './user-codes.ts';

/** What storage keeps by the time of its expiry, which the id tells. */
const STORED_TOKENS = ['AccessToken', 'AuthorizationCode', 'ClientCredentials', 'RefreshToken'] as const;

/** What was made for the engine's configuration, and is needed here as well. */
interface EngineExtensions {
  readonly requestedScope: RequestedScope;
  readonly audience: Audience;
  readonly stateOf: StateOf;
  readonly outgoing: Outgoing;
}

/** What the engine's configuration cannot say. */
export function extendEngine(
  provider: Provider,
  deps: ProviderDeps,
  { requestedScope, audience, stateOf, outgoing }: EngineExtensions,
): void {
  checkParameters(provider, (ctx, parameters) => {
    limitParameters(ctx, parameters);
    requireReadableDocuments(parameters);
  });
  describeErrors(provider);
  tellAskedAcr(provider);
  if (isAllowed(PROFILES[deps.profile].responseTypes, PLAIN_TOKEN)) {
    allowResponseType(provider, PLAIN_TOKEN);
  }
  // RFC 9207 §2 wants `iss` in every authorization response; the engine leaves it out where an ID token has it too.
  provider.on('authorization.success', (_ctx, response = {}) => Object.assign(response, { iss: deps.issuer }));
  provider.on('authorization.error', tellAboutReferenceHere);
  provider.on('device_authorization.success', tellInterval(POLL_INTERVAL));
  noteTokenRequests(provider, deps.noteUse);
  pingWithoutWaiting(provider);
  keepLogoutNotices(provider, deps.keepLogoutNotice);
  noteSignOuts(provider, { sessions: deps.artifacts.browserSessions, audit: deps.audit });
  noteRevocations(provider, deps);
  withdrawUserCodes(provider);
  answerDevicesOnce(provider, deps.rateLimits);
  limitUserCodes(provider, deps.rateLimits);
  detectReplays(provider, deps.artifacts.firstUse);
  nameTokens(provider, STORED_TOKENS, deps.artifacts.createTokenId);
  storeStructuredTokens(provider, STRUCTURED);
  keepWith(provider, ['Grant'], LASTS);
  keepWith(provider, ['Grant'], REMEMBERED);
  guardGrant(provider, 'client_credentials', guardClientCredentials({ scopesFor: requestedScope.forClient }));
  for (const grantType of EXCHANGES) {
    wrapGrant(provider, grantType, exchangeAtOnce(deps.artifacts));
  }
  const { grantTypes } = PROFILES[deps.profile];
  for (const [grantType, parameter] of Object.entries(POLLED_GRANTS).filter(([name]) => isAllowed(grantTypes, name))) {
    wrapGrant(provider, grantType, exchangeAtOnce(deps.artifacts));
    wrapGrant(provider, grantType, limitPolling(deps.rateLimits, parameter));
  }
  for (const grantType of EXPLAINED_GRANTS.filter((name) => isAllowed(grantTypes, name))) {
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
      senderOf,
    }),
    PASSWORD_PARAMETERS,
  );
  registerTokenGrants(provider, { ...deps, requestedScope, audience, stateOf, outgoing });
  extendClients(provider, deps);
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
