import type { QueryConfig } from 'pg';
import { ACCOUNT_COLUMNS, type AccountColumns } from './account-columns.ts';
import type { ArtifactRow } from './artifact-payload.ts';
import { note } from './security-events.ts';

/**
 * Every statement about artifacts, the frequent ones over as many of them as come together (database/batch.ts). Times
 * come from the database, so that all nodes go by one clock.
 */
export interface FoundArtifact {
  readonly payload: string;
  /** Seconds since 1970. */
  readonly consumed_at: number | null;
}

const FOUND = 'payload, extract(epoch from consumed_at)::float8 as consumed_at';

/** `n` says which key it is, from 1. */
export const find = (keys: readonly string[]): QueryConfig => ({
  name: 'artifact-find',
  text: `select n::int, ${FOUND}
    from unnest($1::uuid[]) with ordinality as asked (key, n) join artifacts on artifacts.key = asked.key`,
  values: [keys],
});

/** An artifact, and whom it concerns: the state of this moment. */
export interface FoundWithAccount extends FoundArtifact, AccountColumns {
  /** Of an interaction that began in a session. */
  readonly session_uid: string | null;
  /** `null` when it has ended. */
  readonly session_payload: string | null;
}

/** For sessions and interactions: who is served is asked for next. */
export const findWithAccount = (keys: readonly string[]): QueryConfig => ({
  name: 'artifact-find-with-account',
  text: `select n::int, found.payload, extract(epoch from found.consumed_at)::float8 as consumed_at,
      found.session_uid, s.payload as session_payload, found.account_id, ${ACCOUNT_COLUMNS}
    from unnest($1::uuid[]) with ordinality as asked (key, n)
    join artifacts found on found.key = asked.key
    left join artifacts s on s.uid = found.session_uid and s.kind = 'Session'
    left join accounts a on a.account_id = found.account_id`,
  values: [keys],
});

export const findByUid = (kind: string, uid: string): QueryConfig => ({
  name: 'artifact-find-by-uid',
  text: `select ${FOUND} from artifacts where uid = $2 and kind = $1`,
  values: [kind, uid],
});

export const findByUserCode = (kind: string, userCodes: readonly string[]): QueryConfig => ({
  name: 'artifact-find-by-user-code',
  text: `select ${FOUND} from artifacts where user_code = any($2) and kind = $1`,
  values: [kind, userCodes],
});

export interface SavedArtifact {
  readonly row: ArtifactRow;
  /** Seconds; `null` for ever. */
  readonly expiresIn: number | null;
  /** Of a session that somebody is signed in with: the browser that has it, at this moment. */
  readonly seen?: Sighting | undefined;
}

export interface Sighting {
  /** The address. */
  readonly from: string | null;
  /** What the browser calls itself. */
  readonly by: string | null;
}

const COLUMNS = 'key, kind, grant_id, account_id, client_id, uid, user_code, session_uid, payload';
const SEEN = 'seen_at, seen_from, seen_by';
/** The time of a sighting is that of the database. */
const SEEN_AT = 'case when is_seen then now() end';
const ARRAYS = `$1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
  $10::float8[], $11::bool[], $12::text[], $13::text[]`;
const SAVED = `${COLUMNS}, expires_in, is_seen, seen_from, seen_by`;

/** Rounded up, so that one that is saved every few minutes keeps its place in the index of what expires when. */
const EXPIRES_AT = `date_bin('1 hour', now() + make_interval(secs => expires_in), 'epoch') + interval '1 hour'`;

/** Of one key at most one at a time. */
export const upsert = (artifacts: readonly SavedArtifact[]): QueryConfig => ({
  name: 'artifact-upsert',
  text: `insert into artifacts (${COLUMNS}, expires_at, ${SEEN})
    select ${COLUMNS}, ${EXPIRES_AT}, ${SEEN_AT}, seen_from, seen_by from unnest(${ARRAYS}) as saved (${SAVED})
    on conflict (key) do update set grant_id = excluded.grant_id, account_id = excluded.account_id,
      client_id = excluded.client_id, uid = excluded.uid, user_code = excluded.user_code,
      session_uid = excluded.session_uid, payload = excluded.payload, expires_at = excluded.expires_at,
      seen_at = excluded.seen_at, seen_from = excluded.seen_from, seen_by = excluded.seen_by`,
  values: columnsOf(artifacts),
});

/** Exactly one of any number of these saves the row. */
export const insert = (artifact: SavedArtifact): QueryConfig => ({
  name: 'artifact-insert',
  text: `insert into artifacts (${COLUMNS}, expires_at)
    select ${COLUMNS}, ${EXPIRES_AT} from unnest(${ARRAYS}) as saved (${SAVED})
    on conflict (key) do nothing`,
  values: columnsOf([artifact]),
});

export interface UpdatedArtifact extends SavedArtifact {
  /** Another one than the row's, where the artifact gets a new key. */
  readonly formerKey: string;
  /** Of a session: does it stand for somebody else now, or for other grants, so that tokens have ended with what it was? */
  readonly isAnother?: boolean | undefined;
}

/** Returns the `n` of those that are there: what has ended stays so. */
export const update = (artifacts: readonly UpdatedArtifact[]): QueryConfig => ({
  name: 'artifact-update',
  text: `with updated as (
      update artifacts set key = saved.key, kind = saved.kind, grant_id = saved.grant_id, account_id = saved.account_id,
        client_id = saved.client_id, uid = saved.uid, user_code = saved.user_code,
        session_uid = saved.session_uid, payload = saved.payload,
        expires_at = ${EXPIRES_AT}, seen_at = ${SEEN_AT}, seen_from = saved.seen_from, seen_by = saved.seen_by
      from unnest(${ARRAYS}, $14::uuid[], $15::bool[]) with ordinality as saved (${SAVED}, former_key, is_another, n)
      where artifacts.key = former_key
      returning n::int, is_another, artifacts.uid),
    noted as (${note('session-changed', 'session_uid')} uid from updated where is_another and uid is not null)
    select n from updated`,
  values: [
    ...columnsOf(artifacts),
    artifacts.map(({ formerKey }) => formerKey),
    artifacts.map(({ isAnother = false }) => isAnother),
  ],
});

/** Exactly one of any number of these finds the row. */
export const destroy = (keys: readonly string[]): QueryConfig => ({
  name: 'artifact-destroy',
  text: `delete from artifacts using unnest($1::uuid[]) with ordinality as asked (key, n)
    where artifacts.key = asked.key returning n::int`,
  values: [keys],
});

/** Exactly one of any number of these succeeds: the row lock makes the others look again. */
export const consume = (key: string): QueryConfig => ({
  name: 'artifact-consume',
  text: 'update artifacts set consumed_at = clock_timestamp() where key = $1 and consumed_at is null',
  values: [key],
});

/**
 * At most so many rows that nobody can use any more. A row that a request holds at this moment is passed over, and so are
 * those that another node is removing; five minutes are more than clocks differ by. With a grant goes what it was used for.
 */
export const removeExpired = (limit: number): QueryConfig => ({
  name: 'artifact-remove-expired',
  text: `with expired as (select key from artifacts where expires_at < now() - interval '5 minutes'
      order by expires_at limit $1 for update skip locked),
    usage as (delete from grant_usage using expired where grant_usage.grant_id = expired.key)
    delete from artifacts using expired where artifacts.key = expired.key`,
  values: [limit],
});

/**
 * At most so many of the interactions, device codes, sessions and pushed requests that are more than are kept of those in
 * which nobody has signed in yet, or that nobody has answered: the oldest of them. `lifetime` (seconds) is how long the longest of them lives, so that the index leads to them past everything else.
 */
export const removeBeyond = (kept: number, lifetime: number, limit: number): QueryConfig => ({
  name: 'artifact-remove-beyond',
  text: `with anonymous as materialized (
      select key, created_at from artifacts
      where expires_at <= now() + make_interval(secs => $2) and kind in ('Interaction', 'DeviceCode', 'Session', 'PushedAuthorizationRequest')
        and account_id is null and consumed_at is null
    ), beyond as (
      select key from anonymous order by created_at
      limit (select least($3, greatest(count(*) - $1, 0)) from anonymous)
    ), removable as (
      select artifacts.key from artifacts join beyond using (key) for update of artifacts skip locked
    )
    delete from artifacts using removable where artifacts.key = removable.key`,
  values: [kept, lifetime, limit],
});

function columnsOf(artifacts: readonly SavedArtifact[]) {
  const rows = artifacts.map(({ row }) => row);
  return [
    rows.map(({ key }) => key),
    rows.map(({ kind }) => kind),
    rows.map(({ grant_id }) => grant_id),
    rows.map(({ account_id }) => account_id),
    rows.map(({ client_id }) => client_id),
    rows.map(({ uid }) => uid),
    rows.map(({ user_code }) => user_code),
    rows.map(({ session_uid }) => session_uid),
    rows.map(({ payload }) => payload),
    artifacts.map(({ expiresIn }) => expiresIn),
    artifacts.map(({ seen }) => seen !== undefined),
    artifacts.map(({ seen }) => seen?.from ?? null),
    artifacts.map(({ seen }) => seen?.by ?? null),
  ];
}
