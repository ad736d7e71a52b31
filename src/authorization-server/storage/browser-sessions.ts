import type { Pool } from 'pg';
import type { BrowserSession, BrowserSessionStore } from '../accounts/browser-sessions.ts';
import type { RequestOrigin } from '../provider/current-request.ts';
import { ACCOUNT_COLUMNS, type AccountColumns, accountIn } from './account-columns.ts';
import type { ArtifactPayload } from './artifact-payload.ts';
import type { Sighting } from './artifact-statements.ts';
import { KEEP_ENDED } from './ended-sessions.ts';
import type { CurrentRequest } from './request-memory.ts';
import { note } from './security-events.ts';

/** What a browser calls itself may be as long as a header; what is told apart stands at its beginning. */
const LONGEST_USER_AGENT = 400;

/** A list that a person reads. */
const MOST = 200;

const SECONDS_BETWEEN_SIGHTINGS = 60;

const VISIT = {
  name: 'browser-session-visit',
  text: `select s.payload, g.payload as grant_payload, s.seen_at < now() - make_interval(secs => ${SECONDS_BETWEEN_SIGHTINGS}) as unseen,
      a.account_id, ${ACCOUNT_COLUMNS}
    from artifacts s
    join artifacts g on g.key = $2 and g.kind = 'Grant' and g.consumed_at is null
    join accounts a on a.account_id = s.account_id and g.account_id = a.account_id and a.disabled_at is null
    where s.uid = $1 and s.kind = 'Session'`,
};

/** One that another request is changing at this moment is being seen anyway. */
const NOTE_SIGHTING = {
  name: 'browser-session-seen',
  text: `update artifacts set seen_at = now(), seen_from = $2, seen_by = $3
    where key = (select key from artifacts where uid = $1 and kind = 'Session' for update skip locked)`,
};

const LIST = {
  name: 'browser-sessions',
  text: `select uid, payload, created_at, seen_at, seen_from, seen_by from artifacts
    where account_id = $1 and kind = 'Session' and expires_at > now()
    order by seen_at desc nulls last, key limit ${MOST}`,
};

/** Of more than single sessions also the sign-ins that were answered and not yet followed: each is about to be a session. */
/** The browser that asked for a change of address needs no session to confirm it. */
const END = {
  name: 'browser-sessions-end',
  text: `with ended as (
      delete from artifacts where account_id = $1 and kind = 'Session' and ($2::text[] is null or uid = any ($2))
        and uid is distinct from $3
      returning kind, uid, payload, created_at, seen_at, seen_from, seen_by),
    answered as (
      delete from artifacts where account_id = $1 and kind = 'Interaction' and $2::text[] is null
        and ($3::text is null or session_uid is distinct from $3)),
    kept as (${KEEP_ENDED}),
    noted as (${note('session-ended', 'session_uid', 'account_id')}
      case when $2::text[] is not null then uid end, case when $2::text[] is null then $1 end from ended),
    changes as (delete from mailed_links where account_id = $1 and purpose = 'email')
    select * from ended`,
};

export interface BrowserSessionsDeps {
  readonly pool: Pick<Pool, 'query'>;
  readonly payload: Pick<ArtifactPayload, 'keyOf'>;
  readonly currentRequest: CurrentRequest;
  readonly onEnd?: (() => void) | undefined;
}

/** The sessions that the engine stores, as the people see them whose sessions they are. */
export function createBrowserSessions({
  pool,
  payload,
  currentRequest,
  onEnd,
}: BrowserSessionsDeps): BrowserSessionStore {
  return {
    async visit({ uid, grantId }) {
      const values = [uid, payload.keyOf('Grant', grantId)];
      const { rows } = await pool.query<AccountColumns & VisitedRow>({ ...VISIT, values });
      const [row] = rows;
      if (row === undefined || row.account_id === null || !isAlive(row.payload) || !isAlive(row.grant_payload)) {
        return undefined;
      }
      if (row.unseen !== false) {
        const { from, by } = sightingBy(currentRequest()?.origin);
        await pool.query({ ...NOTE_SIGHTING, values: [uid, from, by] });
      }
      return accountIn(row.account_id, row);
    },
    async list(accountId) {
      const { rows } = await pool.query<ListedRow>({ ...LIST, values: [accountId] });
      return rows.filter(({ payload: stored }) => isAlive(stored)).map(sessionOf);
    },
    async end(accountId, uids) {
      const values = [
        accountId,
        Array.isArray(uids) ? uids : null,
        typeof uids === 'object' && 'allBut' in uids ? uids.allBut : null,
      ];
      const { rows } = await pool.query<ListedRow>({ ...END, values });
      onEnd?.();
      return rows.map(sessionOf);
    },
  };
}

/** From where a request of a browser comes. */
export function sightingBy(origin: RequestOrigin | undefined): Sighting {
  return { from: origin?.address ?? null, by: origin?.userAgent?.slice(0, LONGEST_USER_AGENT) ?? null };
}

interface VisitedRow {
  readonly payload: string;
  readonly grant_payload: string;
  readonly unseen: boolean | null;
}

interface ListedRow {
  readonly payload: string;
  readonly uid: string;
  readonly created_at: Date;
  readonly seen_at: Date | null;
  readonly seen_from: string | null;
  readonly seen_by: string | null;
}

/** The row's own time is rounded up. */
function isAlive(stored: string): boolean {
  const { exp } = JSON.parse(stored);
  return typeof exp === 'number' && exp > Date.now() / 1000;
}

function sessionOf(row: ListedRow): BrowserSession {
  const { loginTs } = JSON.parse(row.payload);
  const signedInAt = typeof loginTs === 'number' ? new Date(loginTs * 1000) : row.created_at;
  return {
    uid: row.uid,
    signedInAt,
    seenAt: row.seen_at ?? signedInAt,
    address: row.seen_from ?? undefined,
    userAgent: row.seen_by ?? undefined,
  };
}
