import { type Adapter, type AdapterPayload, type Client as EngineClient, errors, type Provider } from 'oidc-provider';
import type { Client, ClientStore, SelfDescribed } from '../clients/client.ts';
import { nameSessionTo } from '../flows/back-channel-logout/back-channel-logout.ts';
import { obstaclesBy } from '../profiles/problems.ts';
import { heldTo, type Profile, type ProfileName } from '../profiles/profile.ts';
import { holdToProfile } from './held-client.ts';

/** What a client's registration says that the engine does not act upon by itself. */
export interface Registration {
  readonly scope?: string | undefined;
  readonly default_scope?: string | undefined;
  readonly resource_server?: string | undefined;
  /** What a person cannot leave out at the consent page. */
  readonly required_scopes?: string | undefined;
  /** Nobody is asked to consent to what it asks for. */
  readonly first_party: boolean;
  /** Seconds after which its access tokens end at the latest. */
  readonly access_token_lifetime?: number | undefined;
  /** Since when the client is known here, in seconds since 1970. */
  readonly known_since?: number | undefined;
  /** Why the client gets no token at all: its registration needs what its profile forbids. */
  readonly obstacle?: string | undefined;
  /** That nobody but the client itself says so. */
  readonly self_described?: SelfDescribed | undefined;
}

/**
 * Client metadata of ours that the engine carries along. `scope` goes under another name: the engine would refuse a
 * request that asks for more, where RFC 6749 §3.3 and scope-policy.ts grant what is allowed and leave out the rest.
 */
export const OUR_METADATA = [
  'allowed_scope',
  'default_scope',
  'required_scopes',
  'first_party',
  'access_token_lifetime',
  'known_since',
  'resource_server',
  'token_exchange',
  'profile',
  'obstacle',
  'self_described',
];

/** The engine would have another name for the member, had it anything to bind tokens to. */
const NO_MUTUAL_TLS = 'the tokens of the client are to be bound to a certificate, and here is no mutual TLS';

export function registrationOf(client: EngineClient): Registration {
  return {
    scope: text(client.allowed_scope),
    default_scope: text(client.default_scope),
    required_scopes: text(client.required_scopes),
    first_party: client.first_party === true,
    access_token_lifetime: number(client.access_token_lifetime),
    known_since: number(client.known_since),
    resource_server: text(client.resource_server),
    obstacle:
      text(client.obstacle) ?? (client.tls_client_certificate_bound_access_tokens === true ? NO_MUTUAL_TLS : undefined),
    self_described: text(client.self_described) as SelfDescribed | undefined,
  };
}

const number = (value: unknown) => (typeof value === 'number' ? value : undefined);

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Clients for the engine: it reads them here and changes them nowhere. */
export function clientAdapter(
  clients: ClientStore,
  profileOf: (client: Client) => Profile,
  declaredTypes: () => Promise<ReadonlySet<string>>,
): Adapter {
  const refuse = async () => {
    throw new TypeError('clients are registered through the client store');
  };
  return {
    async find(clientId) {
      const [client, declared] = await Promise.all([clients.findClient(clientId), declaredTypes()]);
      return client && withTypes(engineMetadata(client, profileOf(client)), declared);
    },
    upsert: refuse,
    findByUid: refuse,
    findByUserCode: refuse,
    consume: refuse,
    destroy: refuse,
    revokeByGrantId: refuse,
  };
}

/** Throws what the engine would say of such a client, or why it would get no token here. */
export async function checkClient(provider: Provider, client: Client, profile: ProfileName): Promise<void> {
  const metadata = engineMetadata(client, heldTo(profile, client.metadata.profile));
  if (typeof metadata.obstacle === 'string') {
    throw new errors.InvalidClientMetadata(metadata.obstacle);
  }
  await provider.Client.validate(metadata as Parameters<Provider['Client']['validate']>[0]);
}

/** The engine insists on a `client_secret`; it holds the hash, and engine.ts compares by hashing what is presented. */
function engineMetadata(client: Client, profile: Profile): AdapterPayload {
  const { clientId, metadata, secretHash, resourceServer, selfDescribed, createdAt } = client;
  if (!Array.isArray(metadata.grant_types) || !Array.isArray(metadata.response_types)) {
    // Nobody registers such a one; whoever wrote it into the database is told as for any other mistake.
    throw new errors.InvalidClientMetadata('grant_types and response_types must be lists');
  }
  const { scope, ...rest } = holdToProfile(metadata, profile);
  const [obstacle] = obstaclesBy(profile, metadata);
  return {
    ...copyLists(rest),
    ...nameSessionTo(rest),
    client_id: clientId,
    ...(secretHash === undefined ? {} : { client_secret: secretHash }),
    ...(scope === undefined ? {} : { allowed_scope: scope }),
    ...(resourceServer === undefined ? {} : { resource_server: resourceServer }),
    ...(createdAt === undefined ? {} : { known_since: Math.floor(createdAt.getTime() / 1000) }),
    ...(selfDescribed === undefined ? {} : { self_described: selfDescribed }),
    ...(obstacle === undefined ? {} : { obstacle: `${obstacle.field} of the client ${obstacle.problem}` }),
  } as AdapterPayload;
}

/** The engine (9.13.3) would call a client invalid for a type that its resource server has no more. */
function withTypes(metadata: AdapterPayload, declared: ReadonlySet<string>): AdapterPayload {
  const { authorization_details_types: types } = metadata;
  return Array.isArray(types)
    ? { ...metadata, authorization_details_types: types.filter((type) => declared.has(type)) }
    : metadata;
}

/** The client may be in use elsewhere, and the engine strikes grant types out of the list that it is given (9.13.3). */
function copyLists(metadata: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(metadata);
  return Object.fromEntries(entries.map(([name, value]) => [name, Array.isArray(value) ? [...value] : value]));
}
