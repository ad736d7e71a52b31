/**
 * oidc-provider as it comes, configured to do what the product does and nothing else: the same clients, tokens, claims,
 * lifetimes, algorithms and hashes. (M), (B0) and (S) share this and differ by the adapter alone.
 */
import { hash as argon2 } from '@node-rs/argon2';
import { exportJWK, generateKeyPair } from 'jose';
import Provider, { type Account, type AdapterFactory, type ClientMetadata, type Configuration } from 'oidc-provider';
import { hashSecret, verifySecret } from '../../src/authorization-server/clients/secret.ts';
import { nameTokens } from '../../src/authorization-server/provider/engine-tokens.ts';
import { ACCOUNTS, API, API_SCOPES, directoryFile, type HASHING, JWT_API, PASSWORD } from '../directory.ts';
import type { Storage } from './storage.ts';

/** Seconds: those of config/default.yaml. */
export const LIFETIMES = {
  AccessToken: 3600,
  ClientCredentials: 3600,
  AuthorizationCode: 60,
  IdToken: 3600,
  RefreshToken: 1_209_600,
  Session: 1_209_600,
  Grant: 15_552_000,
  Interaction: 3600,
};

interface StockClient {
  compareClientSecret(presented: string): boolean;
  readonly clientSecret: string;
}

export async function createStockEngine(issuer: string, { adapter, createTokenId }: Storage): Promise<Provider> {
  const provider = new Provider(issuer, await configurationWith(adapter));
  if (createTokenId) {
    nameTokens(provider, ['AccessToken', 'AuthorizationCode', 'ClientCredentials', 'RefreshToken'], createTokenId);
  }
  const prototype = provider.Client.prototype as unknown as StockClient;
  prototype.compareClientSecret = function compare(presented) {
    return verifySecret(presented, this.clientSecret);
  };
  return provider;
}

async function configurationWith(adapter: AdapterFactory): Promise<Configuration> {
  return {
    adapter,
    clients: directoryFile().clients.map(toEngine),
    jwks: { keys: (await Promise.all(['RS256', 'ES256'].map(generateKey))) as never },
    cookies: { keys: ['a key for the cookies of the benchmark'] },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256'] },
    scopes: ['openid', 'profile', 'email', 'offline_access', ...API_SCOPES],
    claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] },
    findAccount: (_ctx, accountId) => accountOf(accountId),
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    rotateRefreshToken: true,
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: async (_ctx, token) => !token.scopes.has('offline_access'),
    ttl: LIFETIMES,
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        defaultResource: (ctx, _client, oneOf) =>
          (oneOf ?? (ctx.oidc.requestParamScopes.has('openid') ? undefined : API)) as string,
        getResourceServerInfo: (_ctx, identifier) => RESOURCE_SERVERS[identifier] as never,
      },
    },
  };
}

const RESOURCE_SERVERS: Readonly<Record<string, unknown>> = {
  [API]: { audience: API, scope: API_SCOPES.join(' '), accessTokenFormat: 'opaque' },
  [JWT_API]: { audience: JWT_API, scope: 'jwt:read', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } },
};

function toEngine(entry: ReturnType<typeof directoryFile>['clients'][number]): ClientMetadata {
  const { scope: _granted, resource_server: _introspects, client_secret, grant_types, ...metadata } = entry;
  return {
    redirect_uris: [],
    ...metadata,
    grant_types: grant_types.filter((grantType) => grantType !== 'password'),
    response_types: grant_types.includes('authorization_code') ? ['code'] : [],
    client_secret: hashSecret(client_secret),
  } as ClientMetadata;
}

async function generateKey(alg: string) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: alg };
}

const KNOWN = new Set(ACCOUNTS);

function accountOf(email: string): Account | undefined {
  const name = `Name of ${email}`;
  const claims = { sub: email, name, preferred_username: email, email, email_verified: true };
  return KNOWN.has(email) ? { accountId: email, claims: () => claims } : undefined;
}

/** One hash for everybody: it takes as long to verify as one of their own. */
export function hashPassword({ memoryKiB, iterations, parallelism }: typeof HASHING) {
  return argon2(PASSWORD, { memoryCost: memoryKiB, timeCost: iterations, parallelism });
}
