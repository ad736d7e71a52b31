import type { Client, ClientStore } from './client.ts';

/** The console at `/account` is a client of this server: first-party, always there, and never to be deleted. */
export const ACCOUNT_CONSOLE = 'concierge-account';

export function accountConsoleClient(issuer: string): Client {
  return {
    clientId: ACCOUNT_CONSOLE,
    metadata: {
      client_name: 'Account',
      client_uri: `${issuer.replace(/\/$/, '')}/account`,
      redirect_uris: [consoleCallback(issuer)],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      scope: 'openid',
    },
    secretHash: undefined,
    resourceServer: undefined,
  };
}

export function consoleCallback(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/account/callback`;
}

/** Whoever asks for a client finds this one, too, whatever is registered under its id. */
export function withAccountConsole(registered: ClientStore, issuer: string): ClientStore {
  const client = accountConsoleClient(issuer);
  return {
    async findClient(clientId) {
      return clientId === ACCOUNT_CONSOLE ? client : registered.findClient(clientId);
    },
  };
}
