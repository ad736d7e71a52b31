import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { GrantHandler } from './engine.ts';
import type { RateLimits } from './rate-limits.ts';

/** Grants whose client asks again and again until the person has answered, with the parameter that it presents. */
export const POLLED_GRANTS = {
  'urn:ietf:params:oauth:grant-type:device_code': 'device_code',
  'urn:openid:params:grant-type:ciba': 'auth_req_id',
} as const;

/** Seconds between two polls that a client is told (RFC 8628 §3.2; CIBA §7.3), and that it has where it is told nothing. */
export const POLL_INTERVAL = 5;

/** A second is left to the way there: a client that keeps to the interval may still arrive a little closer to its last poll. */
const POLLS = { name: 'poll', most: 1, seconds: POLL_INTERVAL - 1 };

/**
 * RFC 8628 §3.5, CIBA §11: who polls too fast is told to slow down, as long as there is nothing to be had yet. An answer
 * that is there is never held back.
 */
export const limitPolling =
  (limits: Pick<RateLimits, 'take'>, parameter: string) =>
  async (ctx: KoaContextWithOIDC, handle: GrantHandler): Promise<void> => {
    try {
      await handle(ctx);
    } catch (error) {
      if (
        error instanceof errors.AuthorizationPending &&
        !(await limits.take(POLLS, String(ctx.oidc.params?.[parameter])))
      ) {
        throw new errors.SlowDown();
      }
      throw error;
    }
  };
