/** (S): the product's store in M's place. */
import Provider from 'oidc-provider';
import { createArtifactStore } from '../../src/authorization-server/storage/artifacts.ts';
import { createSealing } from '../../src/authorization-server/storage/sealing.ts';
import { TokenPartitions } from '../../src/authorization-server/storage/token-partitions.ts';
import { createPool } from '../../src/database/connect.ts';
import { createLogger } from '../../src/logging/create-logger.ts';
import { SECRET } from './product.ts';
import { LIFETIMES } from './stock-engine.ts';
import type { OpenStorage } from './storage.ts';

export const openStorage: OpenStorage = async (databaseUrl) => {
  const pool = createPool({ url: databaseUrl, max: 10, applicationName: 'bench store' });
  const { AccessToken, ClientCredentials, AuthorizationCode, RefreshToken } = LIFETIMES;
  const lifetimes = [AccessToken, ClientCredentials, AuthorizationCode, RefreshToken];
  await new TokenPartitions(pool, createLogger('warn')).ensure(lifetimes, new Date());
  const store = createArtifactStore({
    pool,
    sealing: createSealing([SECRET]),
    currentRequest: () => Provider.ctx && { identity: Provider.ctx, age: 0, asksFor: '' },
    refreshGrace: { seconds: 10, longest: async () => ({ refreshToken: RefreshToken, accessToken: AccessToken }) },
  });
  return {
    adapter: (kind) => store.adapter(kind),
    createTokenId: (kind, lifetime) => store.createTokenId(kind, lifetime),
  };
};
