import { createHash, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, SignJWT } from 'jose';
import type { ClientKey } from './request-object.ts';

export interface ProofOf {
  readonly method?: string;
  readonly url: string;
  readonly accessToken?: string;
}

/** RFC 9449 §4.2: a proof of possession; `claims` and `header` go over what belongs in it, `undefined` leaves it out. */
export async function createProof(
  key: ClientKey,
  { method = 'POST', url, accessToken }: ProofOf,
  claims: Readonly<Record<string, unknown>> = {},
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const { kty, crv, x, y, n, e } = key.jwk;
  const ath = accessToken && createHash('sha256').update(accessToken).digest('base64url');
  const proof = { htm: method, htu: url, iat: Math.floor(Date.now() / 1000), jti: randomUUID(), ath, ...claims };
  const jwk = { kty, crv, x, y, n, e };
  return new SignJWT(JSON.parse(JSON.stringify(proof)))
    .setProtectedHeader(JSON.parse(JSON.stringify({ alg: key.alg, typ: 'dpop+jwt', jwk, ...header })))
    .sign(key.privateKey);
}

/** RFC 9449 §6.1: the `jkt` that tokens bound to this key carry. */
export const thumbprintOf = (key: ClientKey): Promise<string> => calculateJwkThumbprint(key.jwk);
