import { randomBytes } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';

export interface ServerSecretStore {
  /**
   * The secret of this name. Made by `create` at the first time, whatever it has become by then: nodes may start together,
   * and all of them get the same.
   */
  keepServerSecret(name: string, create: () => Promise<string>): Promise<string>;
}

export interface ServerSecrets {
  /** Of pairwise subjects (OpenID Connect Core §8.1). It never changes: every one of them would. */
  readonly pairwiseSalt: string;
  /** A private key with which request objects are decrypted; its public part is among the published keys. */
  readonly encryptionKey: JWK;
}

export async function loadServerSecrets(store: ServerSecretStore): Promise<ServerSecrets> {
  // One after the other: who gets an error may be sure that nothing is still being made.
  const pairwiseSalt = await store.keepServerSecret('pairwise salt', async () => randomBytes(32).toString('base64url'));
  const encryptionKey = await store.keepServerSecret('encryption key', async () =>
    JSON.stringify(await generateEncryptionKey()),
  );
  return { pairwiseSalt, encryptionKey: JSON.parse(encryptionKey) };
}

/** An elliptic curve: quick to make, and to use. */
async function generateEncryptionKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('ECDH-ES', { crv: 'P-256', extractable: true });
  const jwk = await exportJWK(privateKey);
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: 'ECDH-ES', use: 'enc' };
}
