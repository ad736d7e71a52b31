import { createHmac, timingSafeEqual } from 'node:crypto';

/** Seconds after which another one is handed out. The one before is good as well: each for two and a half to five minutes. */
const PERIOD = 150;

/** RFC 9449 §9. Nothing is stored: whoever shares the secret hands out, and knows, the same ones. */
export interface Nonces {
  current(): string;
  /** Whether this one is of now, or was a moment ago. */
  isRecent(nonce: string): boolean;
}

export const NONCE_LIFETIME = 2 * PERIOD;

export function createNonces(secret: string, now: () => number): Nonces {
  const period = () => Math.floor(now() / 1000 / PERIOD);
  const nonceOf = (which: number) => createHmac('sha256', secret).update(`DPoP nonce ${which}`).digest('base64url');
  return {
    current: () => nonceOf(period()),
    isRecent: (nonce) => [period(), period() - 1].some((which) => isSame(nonce, nonceOf(which))),
  };
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
