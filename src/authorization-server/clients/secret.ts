/**
 * Client secrets at rest. They are random and long, so a fast hash is enough: nobody guesses 128 bits, and a slow one
 * would run for every token request.
 */
import { hash, timingSafeEqual } from 'node:crypto';

export function hashSecret(secret: string): string {
  return hash('sha256', secret, 'base64url');
}

/** Takes the same time wherever the two differ: hashes are compared, and all of them have one length. */
export function verifySecret(secret: string, secretHash: string): boolean {
  const expected = Buffer.from(secretHash, 'base64url');
  const actual = hash('sha256', secret, 'buffer');
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
