import type Provider from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import type { Client, ClientStore } from '../clients/client.ts';
import { createDocumentClients, withDocuments } from '../clients/document-clients.ts';
import { sectorIdentifierProblem } from '../clients/sector-identifier.ts';
import { createAllowance } from '../flows/dynamic-registration/allowance.ts';
import { createDynamicRegistration } from '../flows/dynamic-registration/dynamic-registration.ts';
import { REGISTRATION_PATH } from '../http/registration-endpoint.ts';
import { checkClient } from '../provider/clients.ts';
import { createOutgoing } from '../provider/outgoing.ts';
import type { RateLimits } from '../provider/rate-limits.ts';
import type { ResourceStore } from '../resources/resource-server.ts';
import { PostgresClientRegistrations } from '../storage/client-registrations.ts';
import { PostgresInitialAccessTokens } from '../storage/initial-access-tokens.ts';

export interface SelfDescriptionDeps {
  readonly config: Config;
  readonly pool: Pick<Pool, 'query'>;
  readonly rateLimits: RateLimits;
  readonly registered: ClientStore;
  readonly resources: ResourceStore;
  /** The engine, which is made with the clients that are found here. */
  readonly provider: () => Provider;
  readonly logger: Logger;
}

/** Enough for a person who tries things out; a flood gets no further. */
const REGISTRATIONS = { name: 'registration', most: 60, seconds: 60 };

/** Of one host, for all nodes: each document is then good for a minute at least. */
const DOCUMENTS = { name: 'client metadata documents', most: 120, seconds: 60 };

/** Clients that describe themselves: those that register, and those with a metadata document. */
export function createSelfDescription(deps: SelfDescriptionDeps) {
  const { config, pool, rateLimits, registered, resources, provider, logger } = deps;
  const { access, mostUnused, grantTypes, scopes } = config.registration;
  const development = config.mode === 'development';
  const endpoint = config.issuer + REGISTRATION_PATH;
  const allowanceFor = createAllowance({ grantTypes, scopes, resources });
  const fetch = createOutgoing({ development });
  async function checkByEngine(client: Client) {
    await checkClient(provider(), client, config.profile);
    // The engine would ask the sector, too, but at each sign-in; how exactly it answered is nothing for strangers.
    if ((await sectorIdentifierProblem(client.metadata, fetch)) !== undefined) {
      const words =
        'sector_identifier_uri must give a JSON list that has every redirect URI of the client, and its jwks_uri if people answer elsewhere';
      throw new errors.InvalidClientMetadata(words);
    }
  }
  const advertised = access === 'closed' ? undefined : endpoint;
  const registrations = new PostgresClientRegistrations(pool);
  const documents = config.clientIdMetadataDocuments.enabled
    ? createDocumentClients({
        fetch,
        mayAsk: (host) => rateLimits.take(DOCUMENTS, host),
        allowance: () => allowanceFor(),
        checkByEngine,
        development,
      })
    : undefined;
  return {
    clients: withDocuments(registered, documents),
    /** For the engine. */
    selfDescribed: {
      registrationEndpoint: advertised,
      documents,
      async markUsed(clientId: string) {
        await registrations.markUsed(clientId).catch((err: unknown) => {
          logger.warn({ err, clientId }, 'it was not noted that a client is in use');
        });
      },
    },
    /** For the endpoint. */
    registration: {
      issuer: config.issuer,
      advertised,
      registrar: createDynamicRegistration({
        access,
        endpoint,
        mostUnused,
        registrations,
        initialAccessTokens: new PostgresInitialAccessTokens(pool),
        allowanceFor,
        checkByEngine,
      }),
      admits: (address: string) => rateLimits.take(REGISTRATIONS, address),
      retryAfter: REGISTRATIONS.seconds,
    },
  };
}
