import { interactionPolicy, type KoaContextWithOIDC, type interactionPolicy as Policy } from 'oidc-provider';
import { type Grant, LASTS } from '../flows/authorization-code/consent.ts';
import type { ResourceStore } from '../resources/resource-server.ts';
import { OPENID_SCOPES } from '../resources/scope-policy.ts';
import { registrationOf } from './clients.ts';
import { acrMissing, type SufficientSignInDeps } from './sufficient-sign-in.ts';

const { Check, base } = interactionPolicy;

export interface InteractionPolicyDeps extends SufficientSignInDeps {
  readonly resources: Pick<ResourceStore, 'listResourceServers'>;
}

/** Which prompts there are and when each is shown: the engine's own, but for a few reasons. */
export function createInteractionPolicy({ resources, ...deps }: InteractionPolicyDeps): Policy.DefaultPolicy {
  const policy = base();
  const login = policy.get('login');
  login?.checks.remove('essential_acrs');
  login?.checks.remove('essential_acr');
  login?.checks.add(accountGone());
  login?.checks.add(acrMissing(deps));
  const consent = policy.get('consent');
  consent?.checks.remove('op_scopes_missing');
  consent?.checks.add(scopesMissing(resources));
  consent?.checks.add(tooLittleGranted());
  consent?.checks.add(grantedForSession());
  return policy;
}

/** A session whose account was disabled or deleted since would otherwise reach code that takes an account for granted. */
function accountGone() {
  return new Check('account_gone', 'the signed-in account is no longer available', 'login_required', (ctx) =>
    ctx.oidc.session?.accountId !== undefined && ctx.oidc.account === undefined
      ? Check.REQUEST_PROMPT
      : Check.NO_NEED_TO_PROMPT,
  );
}

/**
 * In place of the engine's check of the same name, which takes every scope for one of OpenID Connect that stands among
 * those, as the default resource server's do. Another resource server may have a scope of the same name, and consent to
 * one of the two is none to the other.
 */
function scopesMissing(resources: Pick<ResourceStore, 'listResourceServers'>) {
  return new Check(
    'op_scopes_missing',
    'requested scopes not granted',
    'consent_required',
    async (ctx) => ((await missingScopes(ctx, resources)).length > 0 ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT),
    async (ctx) => ({ missingOIDCScope: await missingScopes(ctx, resources) }),
  );
}

/**
 * Who left something out is not asked for it again, unless nothing would come of the request without it: because it asks for
 * nothing else, or the client cannot do without.
 */
function tooLittleGranted() {
  return new Check('too_little_granted', 'what is asked for was refused before', 'consent_required', ({ oidc }) => {
    const { grant, client, params, resourceServers } = oidc;
    if (oidc.result?.consent !== undefined || grant === undefined || params?.scope === undefined) {
      return Check.NO_NEED_TO_PROMPT;
    }
    const granted = new Set([
      ...grant.getOIDCScopeFiltered(oidc.requestParamOIDCScopes).split(' '),
      ...Object.keys(resourceServers ?? {}).flatMap((resource) =>
        grant.getResourceScopeFiltered(resource, oidc.requestParamScopes).split(' '),
      ),
    ]);
    const required = scopesOf(client && registrationOf(client).required_scopes);
    const lacks = [...oidc.requestParamScopes].some((scope) => required.has(scope) && !granted.has(scope));
    granted.delete('');
    granted.delete('offline_access');
    const asksForDetails = params.authorization_details !== undefined;
    return lacks || (granted.size === 0 && !asksForDetails) ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT;
  });
}

/** No session ends the access of a device: what was allowed for the time of one is asked for, and for how long. */
function grantedForSession() {
  return new Check('granted_for_session', 'what is granted ends with the session', 'consent_required', ({ oidc }) => {
    const isForDevice = oidc.deviceCode !== undefined && oidc.result?.consent === undefined;
    const lasts = (oidc.grant as Grant | undefined)?.[LASTS];
    return isForDevice && lasts === 'session' ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT;
  });
}

async function missingScopes({ oidc }: KoaContextWithOIDC, resources: Pick<ResourceStore, 'listResourceServers'>) {
  const named = [oidc.params?.resource ?? []].flat();
  const theDefault = (await resources.listResourceServers()).find(({ isDefault }) => isDefault);
  const addressed = theDefault !== undefined && (named.length === 0 || named.includes(theDefault.identifier));
  const offered = new Set(addressed ? theDefault.scopes.map(({ name }) => name) : []);
  const granted = scopesOf(oidc.grant?.getOIDCScopeEncountered());
  const grantedThere = scopesOf(theDefault && oidc.grant?.getResourceScopeEncountered(theDefault.identifier));
  return [...oidc.requestParamOIDCScopes].filter((scope) =>
    OPENID_SCOPES.includes(scope)
      ? !granted.has(scope)
      : offered.has(scope) && !(granted.has(scope) && grantedThere.has(scope)),
  );
}

function scopesOf(scope: string | undefined): ReadonlySet<string> {
  return new Set(scope?.split(' '));
}
