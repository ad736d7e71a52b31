import type { Grant, KoaContextWithOIDC } from 'oidc-provider';
import type { Audit } from '../audit/audit.ts';
import { grantUnasked } from '../flows/authorization-code/consent.ts';
import type { DecidedGrant } from '../resources/permissions.ts';
import type { ResourceStore } from '../resources/resource-server.ts';
import { registrationOf } from './clients.ts';
import { grantToConsole } from './console-grant.ts';

export interface ExistingGrantDeps {
  readonly resources: Pick<ResourceStore, 'listResourceServers'>;
  readonly audit: Pick<Audit, 'record'>;
}

/** What the person has permitted the client before, in this session, or has no need to be asked for. */
export function createExistingGrant({ resources, audit }: ExistingGrantDeps) {
  return async (ctx: KoaContextWithOIDC): Promise<Grant | undefined> => {
    const existing = (await findGrant(ctx)) ?? (await grantToConsole(ctx));
    const { client, account, provider, params, requestParamClaims } = ctx.oidc;
    if (client === undefined || account === undefined || !isUnasked(ctx)) {
      return existing;
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

/** The engine forgives clocks that differ some seconds; a consent that is over is over. */
async function findGrant({ oidc }: KoaContextWithOIDC): Promise<Grant | undefined> {
  const { client, result, session, provider } = oidc;
  const ofSession = client && session?.grantIdFor(client.clientId);
  const grantId = result?.consent?.grantId ?? ofSession;
  if (client !== undefined && ofSession !== undefined && grantId !== ofSession) {
    // Cut down to the session (consent.ts, `save`): what was to outlive that was the former grant.
    delete session?.authorizationFor(client.clientId).persistsLogout;
  }
  const grant = grantId === undefined ? undefined : await provider.Grant.find(grantId);
  return grant?.isExpired ? undefined : grant;
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
