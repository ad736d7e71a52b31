/** What a client's public keys (RFC 7517) can be used for. What cannot be used is as good as not there. */
import { createPublicKey, type JsonWebKey } from 'node:crypto';

/** RFC 7518 §3.3 and §4.2: no RSA key may be shorter. */
const SHORTEST_RSA = 2048;

/** RFC 7518 §4.6, RFC 8037 §3.2. The same key type has curves that only sign. */
const AGREEING_CURVES: readonly unknown[] = ['P-256', 'P-384', 'P-521', 'X25519'];

export function isPublicKey(jwk: JsonWebKey): boolean {
  try {
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const { modulusLength = SHORTEST_RSA } = key.asymmetricKeyDetails ?? {};
    return key.type === 'public' && modulusLength >= SHORTEST_RSA;
  } catch {
    return false;
  }
}

/** May something be encrypted to it by this algorithm (RFC 7518 §4)? */
export function encryptsBy(alg: string, jwk: JsonWebKey): boolean {
  const { kty, crv, use, alg: only } = jwk;
  const fits = alg.startsWith('RSA') ? kty === 'RSA' : AGREEING_CURVES.includes(crv);
  return fits && (use === undefined || use === 'enc') && (only === undefined || only === alg) && isPublicKey(jwk);
}
