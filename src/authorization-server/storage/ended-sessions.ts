import type { Pool } from 'pg';
import type { Delivery, Queue } from '../operations/deliveries.ts';

/** For a statement that ends sessions, whose `ended` are rows of `artifacts`: their clients have to be told. */
export const KEEP_ENDED = `insert into ended_sessions (uid, payload) select uid, payload from ended
  where kind = 'Session' and uid is not null on conflict (uid) do nothing`;

const CLAIM = `
  with due as (
    select uid from ended_sessions where next_attempt_at <= now()
    order by next_attempt_at limit $1 for update skip locked)
  update ended_sessions set attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => $2)
  from due where ended_sessions.uid = due.uid
  returning ended_sessions.uid as id, payload, attempts as attempt, extract(epoch from now() - ended_at)::float8 as age`;

const POSTPONE = 'update ended_sessions set next_attempt_at = now() + make_interval(secs => $2) where uid = $1';

/** Sessions that ended and whose clients have not been told, for whichever node comes first. */
export function createEndedSessions(pool: Pick<Pool, 'query'>): Queue {
  return {
    async claim(_kind, { most, seconds }) {
      const claim = { name: 'ended-sessions-claim', text: CLAIM, values: [most, seconds] };
      return (await pool.query<Delivery>(claim)).rows;
    },
    async postpone(uid, seconds) {
      await pool.query({ name: 'ended-session-postpone', text: POSTPONE, values: [uid, seconds] });
    },
    async remove(uid) {
      const text = 'delete from ended_sessions where uid = $1';
      await pool.query({ name: 'ended-session-remove', text, values: [uid] });
    },
  };
}
