/** Who takes part: the same clients, accounts and resource servers for every contender, and known to the load too. */
import { createHash } from 'node:crypto';

export const API = 'https://api.bench.example';
/** Has its access tokens as JWTs (RFC 9068), signed with ES256. */
export const JWT_API = 'https://jwt.bench.example';
export const API_SCOPES = ['records:read', 'records:write'] as const;
export const REDIRECT_URI = 'http://localhost:3002/callback';
export const JOURNEY_SCOPE = 'openid profile offline_access records:read';
/** Without `offline_access`, which would ask for consent every time. */
export const CODE_SCOPE = 'openid profile records:read';

export const PASSWORD = 'the-password-of-everybody-in-the-benchmark';

/** What the product starts with: config/default.yaml. */
export const HASHING = { memoryKiB: 19_456, iterations: 2, parallelism: 1 };
/** So cheap that it does not count: for the journey without the hash, on both sides. */
export const LIGHT_HASHING = { memoryKiB: 64, iterations: 1, parallelism: 1 };

export interface BenchClient {
  readonly clientId: string;
  readonly secret: string;
}

const client = (clientId: string): BenchClient => ({
  clientId,
  secret: createHash('sha256').update(`secret of ${clientId}`).digest('base64url'),
});
const named = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name}-${index}`);

export const MACHINES = named('machine', 200).map(client);
export const WEB_CLIENTS = named('web', 50).map(client);
export const API_CLIENT = client('api');
export const ACCOUNTS = named('person', 100).map((name) => `${name}@bench.example`);

interface ClientEntry {
  readonly client_id: string;
  readonly client_secret: string;
  readonly client_name: string;
  readonly grant_types: readonly string[];
  readonly redirect_uris?: readonly string[];
  readonly scope?: string;
  readonly resource_server?: string;
  readonly id_token_signed_response_alg?: string;
}

/** In the words of `concierge apply`. */
export function directoryFile() {
  const clients: readonly ClientEntry[] = [
    ...MACHINES.map((one) => ({
      ...credentialsOf(one),
      grant_types: ['client_credentials'],
      id_token_signed_response_alg: 'ES256',
      scope: `${API_SCOPES.join(' ')} jwt:read`,
    })),
    ...WEB_CLIENTS.map((one) => ({
      ...credentialsOf(one),
      grant_types: ['authorization_code', 'refresh_token', 'password'],
      redirect_uris: [REDIRECT_URI],
      id_token_signed_response_alg: 'ES256',
      scope: `${JOURNEY_SCOPE} email records:write`,
    })),
    { ...credentialsOf(API_CLIENT), grant_types: [], resource_server: API },
  ];
  return {
    resourceServers: [
      {
        identifier: API,
        name: 'API',
        default: true,
        scopes: API_SCOPES.map((name) => ({ name, description: name })),
        claims: ['username'],
      },
      {
        identifier: JWT_API,
        name: 'JWT API',
        accessTokenFormat: 'jwt',
        scopes: [{ name: 'jwt:read', description: '-' }],
      },
    ],
    roles: [{ name: 'user', scopes: API_SCOPES }],
    clients,
    accounts: ACCOUNTS.map((email) => ({
      email,
      name: `Name of ${email}`,
      password: PASSWORD,
      email_verified: true,
      roles: ['user'],
    })),
  };
}

function credentialsOf({ clientId, secret }: BenchClient) {
  return { client_id: clientId, client_secret: secret, client_name: clientId };
}
