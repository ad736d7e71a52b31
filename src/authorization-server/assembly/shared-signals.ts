import { importJWK, SignJWT } from 'jose';
import type { Config } from '../../config/schema.ts';
import type { ClientStore } from '../clients/client.ts';
import type { SigningKey } from '../provider/signing-keys.ts';
import { createPoll } from '../shared-signals/poll.ts';
import { VERIFICATION_INTERVAL } from '../shared-signals/stream-configuration.ts';
import { createWaitingPolls } from '../shared-signals/waiting-polls.ts';
import { createEventStreams } from '../storage/event-streams.ts';
import type { Stores } from './stores.ts';

export interface SharedSignalsAssembly {
  readonly config: Config;
  readonly stores: Stores;
  readonly signingKeys: readonly SigningKey[];
}

const VERIFICATIONS = { name: 'stream verifications', most: 1, seconds: VERIFICATION_INTERVAL };

/** What tells resource servers of the end of tokens. */
export async function assembleSharedSignals({ config: { issuer }, stores, signingKeys }: SharedSignalsAssembly) {
  const streams = createEventStreams(stores.pool);
  const waitingPolls = createWaitingPolls(stores.securityEvents);
  const clients: ClientStore = stores.directory;
  return {
    endpoints: {
      issuer,
      clients,
      streams,
      poll: createPoll({ issuer, streams, waitingPolls, sign: await createSign(signingKeys) }),
      mayVerify: (streamId: string) => stores.rateLimits.take(VERIFICATIONS, streamId),
    },
    /** Polls that wait end, so that their receivers go on at another node. */
    stop: () => waitingPolls.stop(),
  };
}

/** RFC 8417 §2.2 and §2.3: nobody can take a SET for another kind of token. */
async function createSign(signingKeys: readonly SigningKey[]) {
  const jwk = signingKeys.find(({ alg }) => alg === 'ES256') ?? signingKeys[0];
  if (jwk === undefined) {
    throw new TypeError('there is no signing key');
  }
  const { alg, kid } = jwk;
  const key = await importJWK(jwk, alg);
  return (claims: Readonly<Record<string, unknown>>) =>
    new SignJWT(claims).setProtectedHeader({ alg, kid, typ: 'secevent+jwt' }).setIssuedAt().sign(key);
}
