import { hash } from 'node:crypto';
import type { Grant, KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { Audit } from '../audit/audit.ts';
import { grantUnasked } from '../flows/authorization-code/consent.ts';
import { clientAsSeen, type RememberedGrants } from '../grants/remembered-grant.ts';
import type { DecidedGrant } from '../resources/permissions.ts';
import type { ResourceStore } from '../resources/resource-server.ts';
import { registrationOf } from './clients.ts';
import { grantToConsole } from './console-grant.ts';

export interface ExistingGrantDeps {
  readonly resources: Pick<ResourceStore, 'listResourceServers'>;
  readonly audit: Pick<Audit, 'record'>;
  readonly artifacts: RememberedGrants;
}

/** What the person has permitted the client before, in this session or for longer, or has no need to be asked for. */
export function createExistingGrant({ resources, audit, artifacts }: ExistingGrantDeps) {
  return async (ctx: KoaContextWithOIDC): Promise<Grant | undefined> => {
    const existing = (await findGrant(ctx)) ?? (await grantToConsole(ctx));
    const { client, account, provider, params, requestParamClaims } = ctx.oidc;
    if (client === undefined || account === undefined) {
      return existing;
    }
    if (!isUnasked(ctx)) {
      return existing ?? (await rememberedGrant(ctx, artifacts));
    }
    const { clientId } = client;
    const { accountId } = account;
    const grant = existing ?? new provider.Grant({ accountId, clientId });
    const asked = { ...params, claims: requestParamClaims.difference(ALWAYS_TOLD) };
    if (grantUnasked(grant as DecidedGrant, asked, await resources.listResourceServers())) {
      await grant.save();
      const scopes = String(params?.scope ?? '').split(' ');
      await audit.record({ kind: 'consent_given', accountId, clientId, details: { scopes, firstParty: true } });
    }
    return grant;
  };
}

/** The engine asks for nobody's consent to these. */
const ALWAYS_TOLD: ReadonlySet<string> = new Set(['sub', 'sid', 'auth_time', 'acr', 'amr', 'iss']);

async function findGrant({ oidc }: KoaContextWithOIDC): Promise<Grant | undefined> {
  const { client, result, session, provider } = oidc;
  const ofSession = client && session?.grantIdFor(client.clientId);
  const grantId = result?.consent?.grantId ?? ofSession;
  if (client !== undefined && ofSession !== undefined && grantId !== ofSession) {
    // Cut down to the session (consent.ts, `save`): what was to outlive that was the former grant.
    delete session?.authorizationFor(client.clientId).persistsLogout;
  }
  return grantId === undefined ? undefined : findLive(provider, grantId);
}

/** The engine forgives clocks that differ some seconds; a consent that is over is over. */
async function findLive(provider: Provider, grantId: string): Promise<Grant | undefined> {
  const grant = await provider.Grant.find(grantId);
  return grant?.isExpired ? undefined : grant;
}

/**
 * What the person has permitted the client in another session becomes this one's: each has a grant of its own, so that tokens
 * and access end with it. Where this session had one that is over by now, the person is asked; and wherever all is asked
 * anyway. A device has its own consent.
 *
 * Two requests at once are led to one id, or the session would remember one grant and end the tokens of the other.
 */
async function rememberedGrant({ oidc }: KoaContextWithOIDC, grants: RememberedGrants): Promise<Grant | undefined> {
  const { client, account, session, provider } = oidc;
  const asksAll = client?.applicationType === 'native' || oidc.promptPending('consent') || oidc.promptPending('login');
  if (client === undefined || account === undefined || session === undefined || asksAll) {
    return undefined;
  }
  const { clientId } = client;
  const { accountId } = account;
  if (oidc.entities.DeviceCode !== undefined || session.grantIdFor(clientId) !== undefined) {
    return undefined;
  }
  const id = hash('sha256', JSON.stringify([session.uid, accountId, clientId]), 'base64url');
  const isThere = await grants.copyRemembered({ id, accountId, clientId, client: clientAsSeen(client) });
  return isThere ? findLive(provider, id) : undefined;
}

/**
 * A client of the operator's own. Its person is asked all the same when it wants that, or has just been; and anyone can
 * pretend to be a native one (RFC 8252 §8.6).
 */
function isUnasked({ oidc }: KoaContextWithOIDC): boolean {
  const { client, result } = oidc;
  return (
    client !== undefined &&
    registrationOf(client).first_party &&
    client.applicationType !== 'native' &&
    result?.consent === undefined &&
    !oidc.promptPending('consent') &&
    !oidc.promptPending('login')
  );
}
