/**
 * Consent becomes a Grant: what an account permits a client, on top of what it already permitted.
 *
 * What is asked is computed from the request and the Grant, both of which the engine stored, and an answer picks from that
 * alone: a form can add nothing. What a person leaves out is remembered as refused, and asked again only when the client wants
 * all asked (`prompt=consent`), at a native client, or when nothing would be left of a request.
 *
 * The existing Grant is extended and not replaced: tokens issued earlier live only as long as the session's grant for the
 * client is theirs, so a new Grant would silently end them. That is what happens where access is cut down to the session:
 * then earlier tokens that outlive it are to end.
 */
import type Provider from 'oidc-provider';
import { CLAIMS_BY_SCOPE } from '../../accounts/claims-by-scope.ts';
import { clientAsSeen, REMEMBERED, type Remembered } from '../../grants/remembered-grant.ts';
import { type AccessDuration, durationsWithin, secondsOf } from '../../resources/access-duration.ts';
import {
  type DecidedGrant,
  type Decision,
  decide,
  decisionOn,
  openidPermission,
  type Permission,
  permissionsAsked,
} from '../../resources/permissions.ts';
import type { ResourceServer } from '../../resources/resource-server.ts';

export type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;
/** The member of a Grant's payload that says how long it was given for: provider/engine-tokens.ts, `keepWith`. */
export const LASTS = 'lasts';

export type Grant = InstanceType<Provider['Grant']> &
  DecidedGrant & { [LASTS]?: AccessDuration | undefined; [REMEMBERED]?: Remembered | undefined };

export interface ConsentRequest {
  readonly provider: Provider;
  readonly interaction: Interaction;
  readonly resourceServers: readonly ResourceServer[];
  /** What the client cannot do without, as it is registered; space-delimited. */
  readonly requiredScopes: string | undefined;
  /** Seconds: how long a consent lasts at most. */
  readonly longest: number;
}

export interface Choice extends Permission {
  /** What says yes to it in an answer. */
  readonly key: string;
  readonly decision: Decision;
  /** It cannot be left out. */
  readonly required: boolean;
}

export interface Consent {
  /** To be decided now. */
  readonly choices: readonly Choice[];
  /** What the client asks for and has already. */
  readonly held: readonly Permission[];
  /** Keys of the authorization details (RFC 9396), in their order; they are asked for each time. */
  readonly details: readonly string[];
  readonly durations: readonly AccessDuration[];
  /** The one that is proposed. */
  readonly duration: AccessDuration;
  readonly grant: Grant;
  /** Claims that a scope of the request covers: the answer for that one counts for them. */
  readonly covered: readonly { readonly claim: Permission; readonly by: Permission }[];
}

const OFFLINE_ACCESS = openidPermission('scope', 'offline_access');

export async function loadConsent(request: ConsentRequest): Promise<Consent> {
  const { provider, interaction, resourceServers, longest } = request;
  const { params, prompt } = interaction;
  const grant = await findOrCreateGrant(provider, interaction);
  const required = new Set(['openid', ...(request.requiredScopes?.split(' ') ?? [])]);
  const asked = permissionsAsked({ ...params, claims: claimsAsked(interaction, grant) }, resourceServers);
  const covered = asked.flatMap((claim) => {
    const by = claim.kind === 'claim' ? asked.find((scope) => covers(scope, claim)) : undefined;
    return by === undefined ? [] : [{ claim, by }];
  });
  const choices = asked
    .filter((permission) => !covered.some(({ claim }) => claim === permission))
    .map((permission) => ({
      ...permission,
      key: keyOf(permission),
      decision: decisionOn(grant, permission),
      required: permission.kind === 'scope' && required.has(permission.name),
    }));
  const asksAll = prompt.reasons.includes('consent_prompt');
  const isOpen = ({ decision }: Choice) => asksAll || decision !== 'granted';
  const details = JSON.parse(String(params.authorization_details ?? '[]')) as readonly unknown[];
  const inSession = !('deviceCode' in interaction) && !(required.has('offline_access') && isAsked(choices));
  const durations = durationsWithin(longest, { inSession });
  return {
    choices: choices.filter(isOpen),
    held: choices.filter((choice) => !isOpen(choice)),
    details: details.map((_, index) => `detail:${index}`),
    durations,
    duration: durations.find((one) => one === grant[LASTS]) ?? usual(durations, isAsked(choices)),
    grant,
    covered,
  };
}

export interface ConsentAnswer {
  readonly allowed: ReadonlySet<string>;
  readonly duration: AccessDuration;
}

export interface GivenConsent {
  /** For the interaction; which authorization details were allowed, by their places in the request. */
  readonly consent: { readonly grantId: string; readonly details: readonly number[] };
  readonly given: readonly string[];
  readonly leftOut: readonly string[];
}

/** Stores the answer. `undefined`, and nothing stored, when nothing is left that a client could do anything with. */
export async function giveConsent(
  { provider, interaction, longest }: Pick<ConsentRequest, 'provider' | 'interaction' | 'longest'>,
  { grant, choices, held, details, covered }: Consent,
  { allowed, duration }: ConsentAnswer,
): Promise<GivenConsent | undefined> {
  const isAllowed = ({ key, required, kind, name }: Choice) =>
    required || (allowed.has(key) && !(duration === 'session' && kind === 'scope' && name === OFFLINE_ACCESS.name));
  const given = choices.filter(isAllowed);
  const allowedDetails = details.flatMap((key, index) => (allowed.has(key) ? [index] : []));
  const useful = [...given, ...held].some(({ kind, name }) => kind === 'scope' && name !== OFFLINE_ACCESS.name);
  if (!useful && allowedDetails.length === 0) {
    return undefined;
  }
  const isCutDown = duration === 'session' && (await outlivesSession(provider, interaction, grant));
  for (const choice of choices) {
    decide(grant, choice, isAllowed(choice));
  }
  for (const { claim, by } of covered) {
    decide(grant, claim, decisionOn(grant, by) === 'granted');
  }
  tellWhatScopesCover(grant, given);
  const grantId = await save(provider, grant, { duration, longest, isCutDown });
  return {
    consent: { grantId, details: allowedDetails },
    given: given.map(({ name }) => name),
    leftOut: choices.filter((choice) => !isAllowed(choice)).map(({ name }) => name),
  };
}

/** The engine keeps a claim back that was refused by itself, also where a scope that covers it has been granted since. */
function tellWhatScopesCover(grant: Grant, given: readonly Permission[]): void {
  for (const name of grant.rejected?.openid?.claims ?? []) {
    const claim = openidPermission('claim', name);
    if (given.some((scope) => covers(scope, claim))) {
      decide(grant, claim, true);
    }
  }
}

interface Ending {
  readonly duration: AccessDuration;
  readonly longest: number;
  /** To the session, from more. */
  readonly isCutDown: boolean;
}

/** By offline access, or because it is a device's as well: of that the session takes note. */
async function outlivesSession(provider: Provider, { session, params }: Interaction, grant: Grant): Promise<boolean> {
  if (decisionOn(grant, OFFLINE_ACCESS) === 'granted') {
    return true;
  }
  const found =
    session === undefined || grant.jti === undefined ? undefined : await provider.Session.findByUid(session.uid);
  return found?.authorizationFor(String(params.client_id))?.persistsLogout === true;
}

async function save(provider: Provider, grant: Grant, { duration, longest, isCutDown }: Ending): Promise<string> {
  const exp = Math.floor(Date.now() / 1000) + secondsOf(duration, longest);
  if (!isCutDown) {
    const remembered = duration === 'session' ? undefined : await rememberedNow(provider, grant);
    return Object.assign(grant, { exp, [LASTS]: duration, [REMEMBERED]: remembered }).save();
  }
  decide(grant, OFFLINE_ACCESS, false);
  const { accountId, clientId, openid, resources, rejected } = grant;
  const narrower = new provider.Grant({
    accountId,
    clientId,
    openid,
    resources,
    rejected,
    exp,
    [LASTS]: duration,
  } as never);
  const grantId = await narrower.save();
  await grant.destroy();
  return grantId;
}

async function rememberedNow(provider: Provider, { clientId }: Grant): Promise<Remembered | undefined> {
  const client = clientId === undefined ? undefined : await provider.Client.find(clientId);
  return client && { at: Date.now(), client: clientAsSeen(client) };
}

/** For a client of the operator's own: nobody is asked. True when that has changed anything. */
export function grantUnasked(
  grant: DecidedGrant,
  asked: Parameters<typeof permissionsAsked>[0],
  resourceServers: readonly ResourceServer[],
): boolean {
  const open = permissionsAsked(asked, resourceServers).filter((one) => decisionOn(grant, one) !== 'granted');
  for (const permission of open) {
    decide(grant, permission, true);
  }
  return open.length > 0;
}

/** As the engine has checked them: it knows which of them there are. */
function claimsAsked({ params, prompt }: Interaction, grant: Grant): readonly string[] {
  const { userinfo, id_token } = typeof params.claims === 'string' ? JSON.parse(params.claims) : {};
  const names = new Set([userinfo, id_token].flatMap((claims) => Object.keys(claims ?? {})));
  const { missingOIDCClaims = [] } = prompt.details as { readonly missingOIDCClaims?: readonly string[] };
  const known = new Set([...missingOIDCClaims, ...grant.getOIDCClaimsEncountered()]);
  return [...names].filter((name) => known.has(name));
}

function covers(scope: Permission, claim: Permission): boolean {
  const claims = Object.entries(CLAIMS_BY_SCOPE).find(([name]) => name === scope.name)?.[1];
  return (
    scope.kind === 'scope' &&
    scope.at === undefined &&
    (claims as readonly string[] | undefined)?.includes(claim.name) === true
  );
}

function keyOf({ kind, name, at }: Permission): string {
  return at === undefined ? `${kind}:${name}` : `${kind}:${name} ${at}`;
}

function isAsked(permissions: readonly Permission[]): boolean {
  return permissions.some(({ kind, name }) => kind === 'scope' && name === OFFLINE_ACCESS.name);
}

/** A client that asks for access while nobody is there gets it until it is taken back; any other has it for the session anyway. */
function usual(durations: readonly AccessDuration[], isOffline: boolean): AccessDuration {
  return durations.find((one) => !isOffline && one === 'session') ?? 'revoked';
}

async function findOrCreateGrant(provider: Provider, interaction: Interaction): Promise<Grant> {
  const accountId = interaction.session?.accountId;
  const clientId = interaction.params.client_id;
  if (accountId === undefined || typeof clientId !== 'string') {
    throw new Error('consent without a signed-in account and a client');
  }
  const grant = interaction.grantId === undefined ? undefined : await provider.Grant.find(interaction.grantId);
  if (grant?.accountId === accountId && grant.clientId === clientId && !grant.isExpired) {
    return grant as Grant;
  }
  return new provider.Grant({ accountId, clientId }) as Grant;
}
