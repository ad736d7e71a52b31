/**
 * Consent becomes a Grant: what an account permits a client, on top of what it already permitted.
 *
 * The existing Grant is extended and never replaced: tokens issued earlier live only as long as the session's grant
 * for the client is theirs, so a new Grant would silently end them.
 */
import type Provider from 'oidc-provider';
import { grantScopes } from '../../resources/grant-scopes.ts';
import type { ResourceServer } from '../../resources/resource-server.ts';

export type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;
export type Grant = InstanceType<Provider['Grant']>;

/** What was found to be asked for and not yet granted: stored by the engine, beyond the reach of any form. */
interface MissingPermissions {
  readonly missingOIDCScope?: readonly string[];
  readonly missingOIDCClaims?: readonly string[];
  readonly missingResourceScopes?: Readonly<Record<string, readonly string[]>>;
}

export interface ConsentRequest {
  readonly provider: Provider;
  readonly interaction: Interaction;
  readonly resourceServers: readonly ResourceServer[];
}

/** Stores what `proposeGrant` proposes and returns the id of the Grant. */
export async function grantConsent(request: ConsentRequest): Promise<string> {
  const grant = await proposeGrant(request);
  return grant.save();
}

/** The Grant as it will be once this request is approved, not stored: the consent page shows exactly this. */
export async function proposeGrant({ provider, interaction, resourceServers }: ConsentRequest): Promise<Grant> {
  const missing = interaction.prompt.details as MissingPermissions;
  const grant = await findOrCreateGrant(provider, interaction);
  grantScopes(grant, missing.missingOIDCScope ?? [], resourceServers);
  if (missing.missingOIDCClaims !== undefined) {
    grant.addOIDCClaims([...missing.missingOIDCClaims]);
  }
  for (const [resource, resourceScopes] of Object.entries(missing.missingResourceScopes ?? {})) {
    grant.addResourceScope(resource, [...resourceScopes]);
  }
  return grant;
}

async function findOrCreateGrant(provider: Provider, interaction: Interaction): Promise<Grant> {
  const accountId = interaction.session?.accountId;
  const clientId = interaction.params.client_id;
  if (accountId === undefined || typeof clientId !== 'string') {
    throw new Error('consent without a signed-in account and a client');
  }
  const grant = interaction.grantId === undefined ? undefined : await provider.Grant.find(interaction.grantId);
  if (grant?.accountId === accountId && grant.clientId === clientId) {
    return grant;
  }
  return new provider.Grant({ accountId, clientId });
}
