import type { QueryConfig } from 'pg';
import type { ArtifactRow } from './artifact-payload.ts';

/**
 * Every statement of the artifact store. Named, so that PostgreSQL plans each once a connection; times come from the
 * database, so that all nodes go by one clock.
 */
export interface FoundArtifact {
  readonly payload: string;
  readonly consumed_at: Date | null;
  /** Was it consumed before the request arrived that asks for it? */
  readonly consumed_before: boolean | null;
}

export const upsert = (row: ArtifactRow, expiresIn: number | null): QueryConfig => ({
  name: 'artifact-upsert',
  text: `insert into artifacts (key, kind, grant_id, account_id, client_id, uid, user_code, payload, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, now() + make_interval(secs => $9))
    on conflict (key) do update set grant_id = excluded.grant_id, account_id = excluded.account_id,
      client_id = excluded.client_id, uid = excluded.uid, user_code = excluded.user_code,
      payload = excluded.payload, expires_at = excluded.expires_at`,
  values: [...columns(row), expiresIn],
});

/** `formerKey` where the artifact gets another one. What has ended stays so. */
export const update = (row: ArtifactRow, expiresIn: number | null, formerKey = row.key): QueryConfig => ({
  name: 'artifact-update',
  text: `update artifacts set key = $1, kind = $2, grant_id = $3, account_id = $4, client_id = $5, uid = $6, user_code = $7,
      payload = $8, expires_at = now() + make_interval(secs => $9)
    where key = $10`,
  values: [...columns(row), expiresIn, formerKey],
});

/** A session that was given another key in the meantime still has its uid. */
export const endSession = (key: string, uid: string | undefined): QueryConfig => ({
  name: 'artifact-end-session',
  text: `delete from artifacts where key = $1 or (uid = $2 and kind = 'Session')`,
  values: [key, uid ?? null],
});

/**
 * `requestAge` gives milliseconds, and is asked when the statement leaves, which may be later than now: a statement waits
 * for a connection. What is compared are durations, so the clocks of node and database need not agree.
 */
export const find = (key: string, requestAge: () => number): QueryConfig => ({
  name: 'artifact-find',
  text: `select payload, consumed_at,
      consumed_at < clock_timestamp() - make_interval(secs => $2::float8 / 1000) as consumed_before
    from artifacts where key = $1`,
  get values() {
    return [key, requestAge()];
  },
});

export const findByUid = (kind: string, uid: string): QueryConfig => ({
  name: 'artifact-find-by-uid',
  text: `select payload, consumed_at, consumed_at is not null as consumed_before from artifacts where uid = $2 and kind = $1`,
  values: [kind, uid],
});

export const findByUserCode = (kind: string, userCodes: readonly string[]): QueryConfig => ({
  name: 'artifact-find-by-user-code',
  text: `select payload, consumed_at, consumed_at is not null as consumed_before from artifacts where user_code = any($2) and kind = $1`,
  values: [kind, userCodes],
});

/** Exactly one of any number of these succeeds: the row lock makes the others look again. */
export const consume = (key: string): QueryConfig => ({
  name: 'artifact-consume',
  text: 'update artifacts set consumed_at = clock_timestamp() where key = $1 and consumed_at is null',
  values: [key],
});

export const destroy = (key: string): QueryConfig => ({
  name: 'artifact-destroy',
  text: 'delete from artifacts where key = $1',
  values: [key],
});

/** Everything that came of a grant, the grant itself excepted: the engine decides whether that goes too. */
export const revokeByGrantId = (grantKey: string): QueryConfig => ({
  name: 'artifact-revoke-by-grant',
  text: 'delete from artifacts where grant_id = $1',
  values: [grantKey],
});

/** Longer than any request that has read the grant and is about to save it. */
const KEPT_AS_ENDED = `consumed_at = clock_timestamp(), expires_at = least(expires_at, now() + interval '1 hour')`;

export const endGrant = (key: string): QueryConfig => ({
  name: 'artifact-end-grant',
  text: `update artifacts set ${KEPT_AS_ENDED} where key = $1 and consumed_at is null`,
  values: [key],
});

/** The grant of an artifact and everything that came of it. A token saved after this has no grant and is refused. */
export const revokeGrantOf = (key: string): QueryConfig => ({
  name: 'artifact-revoke-grant-of',
  text: `with family as (select grant_id from artifacts where key = $1 and grant_id is not null),
      members as (delete from artifacts using family where artifacts.grant_id = family.grant_id)
    update artifacts set ${KEPT_AS_ENDED} from family where artifacts.key = family.grant_id and consumed_at is null`,
  values: [key],
});

/**
 * At most so many rows that nobody can use any more. A row that a request holds at this moment is passed over, and so are
 * those that another node is removing; five minutes are more than clocks differ by.
 */
export const removeExpired = (limit: number): QueryConfig => ({
  name: 'artifact-remove-expired',
  text: `with expired as (select key from artifacts where expires_at < now() - interval '5 minutes'
      order by expires_at limit $1 for update skip locked)
    delete from artifacts using expired where artifacts.key = expired.key`,
  values: [limit],
});

export const revokeByAccountId = (accountId: string): QueryConfig => ({
  name: 'artifact-revoke-by-account',
  text: 'delete from artifacts where account_id = $1',
  values: [accountId],
});

export const revokeByClientId = (clientId: string): QueryConfig => ({
  name: 'artifact-revoke-by-client',
  text: 'delete from artifacts where client_id = $1',
  values: [clientId],
});

function columns(row: ArtifactRow) {
  return [row.key, row.kind, row.grant_id, row.account_id, row.client_id, row.uid, row.user_code, row.payload];
}
