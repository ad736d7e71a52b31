/**
 * A person's answer to a client's request.
 *
 * What they allow becomes a Grant of its own: unlike one that is given on the way through a browser it has no session to
 * end with, and what becomes of it concerns no other sign-in of theirs.
 */
import { type Client, errors, type Provider } from 'oidc-provider';
import { type DecidedGrant, grantAll } from '../../resources/permissions.ts';
import type { ResourceServer } from '../../resources/resource-server.ts';
import { decideScopes } from '../../resources/scope-policy.ts';

export type BackchannelRequest = InstanceType<Provider['BackchannelAuthenticationRequest']>;
type Grant = InstanceType<Provider['Grant']>;

export interface AnsweredRequest {
  readonly provider: Provider;
  readonly request: BackchannelRequest;
  readonly resourceServers: readonly ResourceServer[];
  /** The scopes that the account's roles permit now. */
  readonly permitted: ReadonlySet<string>;
}

/** How the person signed in at the browser in which they answer. */
export interface Authentication {
  readonly acr?: string | undefined;
  readonly amr?: string[] | undefined;
  readonly authTime?: number | undefined;
}

/** The Grant as it will be once this request is allowed, not stored: the page shows exactly this. */
export function proposeGrant({ provider, request, resourceServers, permitted }: AnsweredRequest): Grant {
  const named = [request.resource ?? []].flat();
  const addressed = resourceServers.filter(({ identifier, isDefault }) =>
    named.length === 0 ? isDefault : named.includes(identifier),
  );
  const resourceScopes = new Set(addressed.flatMap(({ scopes }) => scopes.map(({ name }) => name)));
  const { scope, accountId, clientId } = request;
  const { granted } = decideScopes({ requested: scope, client: { scope }, permitted, resourceScopes });
  const grant = new provider.Grant({ accountId, clientId });
  const asked = { scope: granted.join(' '), resource: request.resource, claims: claimsAskedFor(request) };
  grantAll(grant as DecidedGrant, asked, resourceServers);
  return grant;
}

export async function allowRequest(answered: AnsweredRequest, authentication: Authentication): Promise<void> {
  const { provider, request } = answered;
  const grant = proposeGrant(answered);
  await grant.save();
  await provider.backchannelResult(request, grant, authentication);
}

export async function denyRequest({ provider, request }: Pick<AnsweredRequest, 'provider' | 'request'>): Promise<void> {
  // The engine (9.13.3) stores the description of its error under a name that it does not read.
  request.errorDescription = 'the account holder denied the request';
  await provider.backchannelResult(request, new errors.AccessDenied(request.errorDescription));
}

/** `undefined` when it is gone, or its registration does not hold any more: nobody is there to be told an answer. */
export async function askingClient({
  provider,
  request,
}: Pick<AnsweredRequest, 'provider' | 'request'>): Promise<Client | undefined> {
  try {
    return request.clientId === undefined ? undefined : await provider.Client.find(request.clientId);
  } catch (error) {
    if (error instanceof errors.InvalidClientMetadata) {
      return undefined;
    }
    throw error;
  }
}

export function isWaiting(request: BackchannelRequest): boolean {
  return request.error === undefined && request.grantId === undefined && !request.isExpired;
}

/** The `claims` parameter (OpenID Connect Core §5.5). How and when somebody signed in is not the account's to give. */
export function claimsAskedFor({ claims }: BackchannelRequest): string[] {
  const names = new Set([...Object.keys(claims?.id_token ?? {}), ...Object.keys(claims?.userinfo ?? {})]);
  return [...names].filter((name) => !['acr', 'amr', 'auth_time'].includes(name));
}
