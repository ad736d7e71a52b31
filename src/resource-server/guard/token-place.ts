import { hash } from 'node:crypto';

/** Where the authorization server keeps a token: neither part opens anything. */
export interface TokenPlace {
  /** When the token expires, and how long it lives, in one number. */
  readonly slot: number;
  /** The first 128 bits of a hash of the token's id, in hexadecimal. */
  readonly key: string;
}

/** In front of a token that an account holder made. */
const PERSONAL_PREFIX = 'concierge_pat_';
const SLOT_BYTES = 4;

/**
 * The id of an opaque token is its value, that of a JWT its `jti`. It begins with four bytes, the slot; no partition is looked
 * at but the one which that is in. The key is also the name by which events speak of the token.
 */
export function placeOf(id: string): TokenPlace {
  const from = id.startsWith(PERSONAL_PREFIX) ? PERSONAL_PREFIX.length : 0;
  const bytes = Buffer.from(id.slice(from, from + 6), 'base64url');
  return { slot: bytes.length < SLOT_BYTES ? 0 : bytes.readInt32BE(), key: tokenKey(id) };
}

export function tokenKey(id: string): string {
  return hash('sha256', `Token\0${id}`, 'hex').slice(0, 32);
}
