/**
 * Dynamic client registration (RFC 7591, OpenID Connect Registration 1.0) and management (RFC 7592).
 *
 * Not the engine's own: that would compare a secret with the hash that is kept of it, and tell the hash. Here the secret is
 * told once and the registration access token is replaced by every change, and both are kept as hashes only. What a client
 * says of itself passes our schema and the engine's.
 */
import { randomBytes } from 'node:crypto';
import { errors } from 'oidc-provider';
import { usesSecret } from '../../clients/authentication-rules.ts';
import type { Client } from '../../clients/client.ts';
import type { ClientRegistrations, StoredRegistration } from '../../clients/client-registrations.ts';
import type { InitialAccessToken, InitialAccessTokens, TokenPolicy } from '../../clients/initial-access-tokens.ts';
import type { Metadata } from '../../clients/metadata.ts';
import { hashSecret, verifySecret } from '../../clients/secret.ts';
import { type Allowance, MetadataProblem, registrationFrom } from '../../clients/self-described.ts';

export type RegistrationAccess = 'closed' | 'initial-access-token' | 'open';

export interface DynamicRegistrationDeps {
  readonly access: RegistrationAccess;
  /** The URL of the registration endpoint. */
  readonly endpoint: string;
  readonly mostUnused: number;
  readonly registrations: ClientRegistrations;
  readonly initialAccessTokens: InitialAccessTokens;
  readonly allowanceFor: (policy: TokenPolicy) => Promise<Allowance>;
  /** What the engine says to it. Throws its `InvalidClientMetadata`. */
  readonly checkByEngine: (client: Client) => Promise<void>;
}

type Fields = Readonly<Record<string, unknown>>;

/** Each throws the standard's error where it cannot do what it is asked. A token is what came as a bearer token, if one did. */
export interface DynamicRegistration {
  /** RFC 7591 §3. */
  register(described: Fields, token: string | undefined): Promise<Fields>;
  /** RFC 7592 §2.1, §2.2, §2.3. */
  read(clientId: string, token: string | undefined): Promise<Fields>;
  update(clientId: string, token: string | undefined, described: Fields): Promise<Fields>;
  remove(clientId: string, token: string | undefined): Promise<void>;
}

export function createDynamicRegistration(deps: DynamicRegistrationDeps): DynamicRegistration {
  const { registrations } = deps;
  return {
    async register(described, token) {
      const initial = await admitted(deps, token);
      const policy = initial?.policy ?? {};
      const secret = createSecret();
      const registrationToken = createSecret();
      const client = await clientFrom(deps, randomBytes(16).toString('base64url'), described, { policy, secret });
      const issuedAt = await registrations.register(
        { client, accessTokenHash: hashSecret(registrationToken), initialAccessToken: initial?.id, policy },
        deps.mostUnused,
      );
      return { ...told(deps, client, issuedAt, registrationToken), ...toldSecret(client, secret) };
    },

    async read(clientId, token) {
      const { client, issuedAt } = await ownRegistration(deps, clientId, token);
      return told(deps, client, issuedAt, token);
    },

    async update(clientId, token, described) {
      const former = await ownRegistration(deps, clientId, token);
      refuseWhatIsNotTheirs(described, former.client);
      const secret = former.client.secretHash === undefined ? createSecret() : undefined;
      const registrationToken = createSecret();
      const { policy, accessTokenHash, issuedAt } = former;
      const { secretHash } = former.client;
      const client = await clientFrom(deps, clientId, described, { policy, secret, secretHash });
      const hashes = { formerAccessTokenHash: accessTokenHash, accessTokenHash: hashSecret(registrationToken) };
      if (!(await registrations.reissue({ client, ...hashes }))) {
        throw invalidToken('somebody else has used the registration access token');
      }
      return { ...told(deps, client, issuedAt, registrationToken), ...toldSecret(client, secret) };
    },

    async remove(clientId, token) {
      const { accessTokenHash } = await ownRegistration(deps, clientId, token);
      if (!(await registrations.remove(clientId, accessTokenHash))) {
        throw invalidToken('somebody else has used the registration access token');
      }
    },
  };
}

/** The initial access token, where one came. One that is not needed may still let the client have more. */
async function admitted(
  { access, initialAccessTokens }: DynamicRegistrationDeps,
  token: string | undefined,
): Promise<InitialAccessToken | undefined> {
  if (access === 'closed') {
    throw new errors.InvalidRequest('clients do not register themselves here', 403);
  }
  const initial = token === undefined ? undefined : await initialAccessTokens.find(hashSecret(token));
  if (initial === undefined && (token !== undefined || access !== 'open')) {
    throw invalidToken('the initial access token is missing, unknown, revoked or expired');
  }
  return initial;
}

async function ownRegistration(
  { registrations }: DynamicRegistrationDeps,
  clientId: string,
  token: string | undefined,
): Promise<StoredRegistration> {
  const registration = await registrations.find(clientId);
  if (registration === undefined || token === undefined || !verifySecret(token, registration.accessTokenHash)) {
    throw invalidToken('the registration access token is not the one of this client');
  }
  return registration;
}

interface Given {
  readonly policy: TokenPolicy;
  /** A new one, for a client that has none and needs one. */
  readonly secret: string | undefined;
  /** Of the one that it has. */
  readonly secretHash?: string | undefined;
}

async function clientFrom(
  { allowanceFor, checkByEngine }: DynamicRegistrationDeps,
  clientId: string,
  described: Fields,
  { policy, secret, secretHash }: Given,
): Promise<Client> {
  const metadata = describedIn(described, await allowanceFor(policy));
  const hash = secret === undefined ? secretHash : hashSecret(secret);
  const client: Client = {
    clientId,
    metadata,
    secretHash: usesSecret(metadata) ? hash : undefined,
    resourceServer: undefined,
    selfDescribed: 'registration',
  };
  await checkByEngine(client);
  return client;
}

function describedIn(described: Fields, allowance: Allowance): Metadata {
  try {
    return registrationFrom(described, allowance);
  } catch (error) {
    // The engine's error knows by its first word whether it is RFC 7591's invalid_redirect_uri.
    throw error instanceof MetadataProblem ? new errors.InvalidClientMetadata(error.message) : error;
  }
}

const NOT_THEIRS = [
  'registration_access_token',
  'registration_client_uri',
  'client_secret_expires_at',
  'client_id_issued_at',
];

/** RFC 7592 §2.2. */
function refuseWhatIsNotTheirs(described: Fields, { clientId, secretHash }: Client): void {
  const field = NOT_THEIRS.find((name) => Object.hasOwn(described, name));
  if (field !== undefined) {
    throw new errors.InvalidRequest(`a change must not have the field ${field}`);
  }
  if (described.client_id !== clientId) {
    throw new errors.InvalidRequest('client_id is not the one of this client');
  }
  const { client_secret: secret } = described;
  const matches = typeof secret === 'string' && secretHash !== undefined && verifySecret(secret, secretHash);
  if (secret !== undefined && secret !== null && !matches) {
    throw new errors.InvalidRequest('client_secret is not the one of this client');
  }
}

/** RFC 7591 §3.2.1 and RFC 7592 §3: everything that is registered, also what was filled in or left out. */
function told({ endpoint }: DynamicRegistrationDeps, client: Client, issuedAt: number, token: string | undefined) {
  return {
    ...client.metadata,
    client_id: client.clientId,
    client_id_issued_at: issuedAt,
    registration_client_uri: `${endpoint}?client_id=${client.clientId}`,
    registration_access_token: token,
  };
}

/** This once: nobody, not even the server, knows it afterwards. */
function toldSecret({ secretHash }: Client, secret: string | undefined) {
  return secretHash === undefined || secret === undefined ? {} : { client_secret: secret, client_secret_expires_at: 0 };
}

function createSecret(): string {
  return randomBytes(32).toString('base64url');
}

function invalidToken(sentence: string) {
  return Object.assign(new errors.InvalidToken(), { error_description: sentence });
}
