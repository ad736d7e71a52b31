import type { Pool } from 'pg';
import type { RateLimit, RateLimits } from '../provider/rate-limits.ts';
import type { Sealing } from './sealing.ts';

/** Above the limit there is nothing to tell apart, and a count must end somewhere. */
const TAKE = `
  insert into rate_limits (key, used, renews_at) values ($1, 1, now() + make_interval(secs => $2))
  on conflict (key) do update set
    used = case when rate_limits.renews_at <= now() then 1 else least(rate_limits.used, $3::integer) + 1 end,
    renews_at = case when rate_limits.renews_at <= now() then excluded.renews_at else rate_limits.renews_at end
  returning used`;

const GIVE_BACK = 'update rate_limits set used = used - 1 where key = $1 and used > 0 and renews_at > now()';

/** Small enough that no count waits for it. */
export const removeRenewedLimits = (limit: number) => ({
  name: 'rate-limit-remove-renewed',
  text: `with renewed as (select key from rate_limits where renews_at < now() limit $1 for update skip locked)
    delete from rate_limits using renewed where rate_limits.key = renewed.key`,
  values: [limit],
});

export function createRateLimits(pool: Pick<Pool, 'query'>, sealing: Pick<Sealing, 'macs'>): RateLimits {
  const keyOf = ({ name }: RateLimit, whose: string) => {
    const [mac = ''] = sealing.macs('rate limit', `${name}\0${whose}`);
    return Buffer.from(mac, 'base64url').toString('hex').slice(0, 32);
  };
  return {
    async take(limit, whose) {
      const values = [keyOf(limit, whose), limit.seconds, limit.most];
      const { rows } = await pool.query<{ used: number }>({ name: 'rate-limit-take', text: TAKE, values });
      return (rows[0]?.used ?? 0) <= limit.most;
    },
    async giveBack(limit, whose) {
      await pool.query({ name: 'rate-limit-give-back', text: GIVE_BACK, values: [keyOf(limit, whose)] });
    },
  };
}
