import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';

export interface Lease {
  /** Takes the lease, or prolongs it. The time of the database when it is ours, `undefined` while another holds it. */
  hold(): Promise<Date | undefined>;
  /** Lets another take it at once. */
  release(): Promise<void>;
}

/**
 * A row that one node at a time holds, for work that would be wasted if all did it. A row and not an advisory lock, which
 * belongs to a connection and gets lost behind PgBouncer. Whoever dies holding it is succeeded `seconds` later. Work
 * that outlasts the lease may go on beside its successor's, so it has to bear that.
 */
export function createLease(pool: Pick<Pool, 'query'>, name: string, seconds: number): Lease {
  const holder = randomUUID();
  return {
    async hold() {
      const { rows } = await pool.query<{ now: Date }>({ ...HOLD, values: [name, holder, seconds] });
      return rows[0]?.now;
    },
    async release() {
      await pool.query('delete from leases where name = $1 and holder = $2', [name, holder]);
    },
  };
}

const HOLD = {
  name: 'lease-hold',
  text: `insert into leases (name, holder, expires_at) values ($1, $2, now() + make_interval(secs => $3))
    on conflict (name) do update set holder = excluded.holder, expires_at = excluded.expires_at
      where leases.holder = excluded.holder or leases.expires_at < now()
    returning now()`,
};
