import { createHmac, timingSafeEqual } from 'node:crypto';

/** What Koa and the engine take in place of the list of keys (keygrip's interface): the place of the key, or -1. */
export interface CookieSignatures {
  sign(cookie: string): string;
  index(cookie: string, signature: string): number;
  verify(cookie: string, signature: string): boolean;
}

/**
 * Signs cookies with the first key and knows them by any: HMAC-SHA-256. Every request of a browser has some, and keygrip
 * (1.1) makes three HMACs to check one, two of them with keys of a kind that costs Node ten times as much as a string.
 */
export function createCookieSignatures(keys: readonly string[]): CookieSignatures {
  const signWith = (key: string, cookie: string) => createHmac('sha256', key).update(cookie).digest('base64url');
  const index = (cookie: string, signature: string) =>
    keys.findIndex((key) => isSame(signWith(key, cookie), signature));
  return {
    sign: (cookie) => signWith(keys[0] ?? '', cookie),
    index,
    verify: (cookie, signature) => index(cookie, signature) >= 0,
  };
}

function isSame(expected: string, actual: string): boolean {
  const [one, other] = [Buffer.from(expected), Buffer.from(actual)];
  return one.length === other.length && timingSafeEqual(one, other);
}
