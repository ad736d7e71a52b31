import type { Client, ClientStore } from './client.ts';

/** The console at `/account` is a client of this server: first-party, always there, and never to be deleted. */
export const ACCOUNT_CONSOLE = 'concierge-account';

/** Nothing is ever signed for it, but RS256, which standards have as the default, is unknown to a server of some profiles. */
const SIGNED_ANSWERS = {
  id_token_signed_response_alg: 'ES256',
  authorization_signed_response_alg: 'ES256',
  introspection_signed_response_alg: 'ES256',
};

interface Service {
  readonly issuer: string;
  readonly name: string;
}

/** `name` is the operator's for the whole service: the one that stands at the head of its pages. */
export function accountConsoleClient({ issuer, name }: Service): Client {
  return {
    clientId: ACCOUNT_CONSOLE,
    metadata: {
      client_name: name,
      client_uri: `${issuer.replace(/\/$/, '')}/account`,
      redirect_uris: [consoleCallback(issuer)],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      scope: 'openid',
      ...SIGNED_ANSWERS,
    },
    secretHash: undefined,
    resourceServer: undefined,
  };
}

export function consoleCallback(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/account/callback`;
}

/** Whoever asks for a client finds this one, too, whatever is registered under its id. */
export function withAccountConsole(registered: ClientStore, service: Service): ClientStore {
  const client = accountConsoleClient(service);
  return {
    async findClient(clientId) {
      return clientId === ACCOUNT_CONSOLE ? client : registered.findClient(clientId);
    },
  };
}
