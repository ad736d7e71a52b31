/** Requests of the demo directory's clients, as plain HTTP: for tests that are about one parameter or one header. */
import type { TestServer } from './authorization-server.ts';

const VERIFIER = 'a-code-verifier-of-at-least-forty-three-characters';
/** BASE64URL(SHA-256(VERIFIER)) (RFC 7636 §4.2). */
const CHALLENGE = 'bLRYBPalK1NsU4_TD3JrHRmfVjgoduNjiXgeScRbcr8';

const WEB = { client_id: 'demo-web', redirect_uri: 'http://localhost:3002/callback' };
const SPA = { client_id: 'demo-spa', redirect_uri: 'http://localhost:3002/spa/callback' };
const CLIENTS = { web: WEB, spa: SPA } as const;

export type DemoClient = keyof typeof CLIENTS;

/** An authorization request with PKCE; a parameter that is `undefined` is left out. */
export function authorizationUrl(
  { issuer }: Pick<TestServer, 'issuer'>,
  client: DemoClient,
  parameters: Readonly<Record<string, string | undefined>> = {},
): string {
  const all = {
    ...CLIENTS[client],
    response_type: 'code',
    scope: 'openid',
    state: 'a-state',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
    ...parameters,
  };
  return `${issuer}/auth?${new URLSearchParams(Object.entries(all).filter(isPresent))}`;
}

function isPresent(entry: [string, string | undefined]): entry is [string, string] {
  return entry[1] !== undefined;
}

export interface Tokens {
  readonly access_token: string;
  readonly refresh_token?: string;
  readonly id_token: string;
  readonly scope: string;
}

/** Exchanges the code that `authorizationUrl` brought to the client. */
export async function redeem({ issuer }: Pick<TestServer, 'issuer'>, client: DemoClient, callback: URL): Promise<Tokens> {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      ...CLIENTS[client],
      ...(client === 'web' ? { client_secret: 'demo-web-secret' } : {}),
      grant_type: 'authorization_code',
      code: callback.searchParams.get('code') ?? '',
      code_verifier: VERIFIER,
    }),
  });
  if (!response.ok) {
    throw new Error(`no tokens: ${response.status} ${await response.text()}`);
  }
  return response.json();
}

/** Asks as a client about its own token. */
export async function isActive({ issuer }: Pick<TestServer, 'issuer'>, token: string): Promise<boolean> {
  const body = new URLSearchParams({ client_id: 'demo-web', client_secret: 'demo-web-secret', token });
  const response = await fetch(`${issuer}/token/introspection`, { method: 'POST', body });
  return (await response.json()).active;
}
