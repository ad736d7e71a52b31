import type { ResourceStore } from '../resources/resource-server.ts';
import type { Client, ClientStore } from './client.ts';

/** The client of the tokens that people make for themselves: nobody can sign in by it, and it has no secret. */
export const PERSONAL_ACCESS = 'concierge-personal';

/** Whoever asks for a client finds this one, too, whatever is registered under its id. */
export function withPersonalAccess(
  registered: ClientStore,
  resources: Pick<ResourceStore, 'listResourceServers'>,
): ClientStore {
  return {
    async findClient(clientId) {
      return clientId === PERSONAL_ACCESS ? personalAccess(resources) : registered.findClient(clientId);
    },
  };
}

/** What it may be granted is whatever there is: the account's roles say how much of it. */
async function personalAccess(resources: Pick<ResourceStore, 'listResourceServers'>): Promise<Client> {
  const scopes = (await resources.listResourceServers()).flatMap((one) => one.scopes.map(({ name }) => name));
  return {
    clientId: PERSONAL_ACCESS,
    metadata: {
      client_name: 'Personal access token',
      grant_types: [],
      response_types: [],
      token_endpoint_auth_method: 'none',
      scope: [...new Set(scopes)].join(' '),
    },
    secretHash: undefined,
    resourceServer: undefined,
  };
}
