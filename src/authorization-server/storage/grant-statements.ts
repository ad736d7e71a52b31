import type { QueryConfig } from 'pg';
import type { GrantSelection } from '../grants/held-grant.ts';
import { ENDED, lockedTokens, REVOKE_FAMILY } from './revocation-statements.ts';
import { note } from './security-events.ts';

/** Statements about grants at the hand of their account holder: whose they are is part of every one. */
export const LIVE = `kind = 'Grant' and consumed_at is null and expires_at > now()`;
const SELECTED = `account_id = $1 and client_id = $2 and ($3::uuid is null or key = $3) and ${LIVE}`;

/** About the one grant that was selected, or all that the client has of the account. */
const NOTED = `${note('grant-ended', 'grant_key', 'account_id', 'client_id')}
  $3::uuid, case when $3 is null then $1 end, case when $3 is null then $2 end from grants`;

const valuesOf = ({ accountId, clientId, key }: GrantSelection) => [accountId, clientId, key ?? null];

export interface FoundGrant {
  readonly key: string;
  readonly client_id: string;
  readonly created_at: Date;
  readonly payload: string;
}

/** At most so many of each client, the newest; a client may come to have thousands (password grant). */
export const grantsOfAccount = (accountId: string, most: number): QueryConfig => ({
  name: 'grants-of-account',
  text: `select key, client_id, created_at, payload, since, count from (
      select key, client_id, created_at, payload, row_number() over newest as n,
        min(created_at) over client as since, (count(*) over client)::int as count
      from artifacts where account_id = $1 and ${LIVE}
      window client as (partition by client_id), newest as (partition by client_id order by created_at desc, key)) ranked
    where n <= $2 order by created_at desc, key`,
  values: [accountId, most],
});

export const sessionsOfAccount = (accountId: string): QueryConfig => ({
  name: 'grants-sessions-of-account',
  text: `select uid, payload from artifacts where account_id = $1 and kind = 'Session' and expires_at > now()`,
  values: [accountId],
});

/** The newest token that each of them has: it says how the access began. */
export const newestTokens = (keys: readonly string[]): QueryConfig => ({
  name: 'grants-newest-tokens',
  text: `select asked.key, newest.payload from unnest($1::uuid[]) as asked (key), lateral (
      select payload from tokens where grant_id = asked.key and revoked_at is null
      order by slot desc limit 1) newest`,
  values: [keys],
});

/** A page of them, in the order of their keys. */
export const selectGrants = (selection: GrantSelection, after: string | undefined, limit: number): QueryConfig => ({
  name: 'grants-select',
  text: `select key, client_id, created_at, payload from artifacts
    where ${SELECTED} and ($4::uuid is null or key > $4) order by key limit $5`,
  values: [...valuesOf(selection), after ?? null, limit],
});

export interface ReplacedGrant {
  readonly key: string;
  /** What was read: a grant that says something else by now stays as it is. */
  readonly former: string;
  readonly payload: string;
  /** Seconds since 1970. */
  readonly exp: number;
}

/** Returns the keys of those that were replaced. The row goes by the hour, as in artifact-statements.ts. */
export const replaceGrants = (grants: readonly ReplacedGrant[]): QueryConfig => ({
  name: 'grants-replace',
  text: `with asked as (
      select * from unnest($1::uuid[], $2::text[], $3::text[], $4::float8[]) as asked (key, former, payload, exp)),
    unchanged as (
      select artifacts.key from artifacts join asked using (key)
      where artifacts.payload = asked.former and consumed_at is null order by artifacts.key for no key update of artifacts),
    replaced as (
      update artifacts set payload = asked.payload,
        expires_at = date_bin('1 hour', to_timestamp(asked.exp), 'epoch') + interval '1 hour'
      from asked join unchanged using (key) where artifacts.key = asked.key
      returning artifacts.key, asked.payload <> asked.former as differs),
    noted as (${note('grant-changed', 'grant_key')} key from replaced where differs)
    select key from replaced`,
  values: [
    grants.map(({ key }) => key),
    grants.map(({ former }) => former),
    grants.map(({ payload }) => payload),
    grants.map(({ exp }) => exp),
  ],
});

/** Ends them and everything that came of them at one moment. */
export const endGrants = (selection: GrantSelection): QueryConfig => ({
  name: 'grants-end',
  text: `with grants as (update artifacts set ${ENDED} where ${SELECTED} returning key),
      family as (${lockedTokens('grant_id = any (array(select grants.key from grants))')}), revoked as (${REVOKE_FAMILY}),
      others as (delete from artifacts using grants where artifacts.grant_id = grants.key), noted as (${NOTED})
    select from grants`,
  values: valuesOf(selection),
});

/** The same of what came of them, and not of the grants themselves. */
export const endTokensOfGrants = (selection: GrantSelection): QueryConfig => ({
  name: 'grants-end-tokens',
  text: `with grants as (select key from artifacts where ${SELECTED}),
      family as (${lockedTokens('grant_id = any (array(select grants.key from grants))')}), revoked as (${REVOKE_FAMILY}),
      noted as (${NOTED})
    delete from artifacts using grants where artifacts.grant_id = grants.key`,
  values: valuesOf(selection),
});
