/** Clients that register themselves at the server under test: RFC 7591 and RFC 7592, with whatever is to be said. */
import { expect } from 'vitest';
import type { TestServer } from './authorization-server.ts';
import { type Answer, createRelyingParty, type RelyingParty, send } from './relying-party.ts';

export const REDIRECT_URI = 'https://app.example.com/callback';

export interface Registered extends Record<string, unknown> {
  readonly client_id: string;
  readonly client_secret?: string;
  readonly registration_client_uri: string;
  readonly registration_access_token: string;
}

export function createRegistering(server: Pick<TestServer, 'issuer' | 'url'>) {
  /** Whatever is sent: an object as JSON, a text as it is. */
  function register(described: unknown, headers: Record<string, string> = {}, url = server.url('/register')) {
    const body = typeof described === 'string' ? described : JSON.stringify(described);
    return send(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });
  }

  return {
    register,
    async registered(described: object = {}, headers: Record<string, string> = {}): Promise<Registered> {
      const answer = await register({ redirect_uris: [REDIRECT_URI], ...described }, headers);
      expect(answer.status, answer.text).toBe(201);
      return answer.body as Registered;
    },
    manage(
      client: Registered,
      method: string,
      body?: object,
      token = client.registration_access_token,
    ): Promise<Answer> {
      return send(client.registration_client_uri, {
        method,
        headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
      });
    },
    partyOf({ client_id: clientId, client_secret: secret }: Registered, redirectUri = REDIRECT_URI): RelyingParty {
      return createRelyingParty(server.issuer, { clientId, redirectUri, ...(secret !== undefined && { secret }) });
    },
  };
}
