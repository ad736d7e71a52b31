import type { QueryConfig } from 'pg';
import { ACCOUNT_COLUMNS, type AccountColumns } from './account-columns.ts';
import { note } from './security-events.ts';
import type { TokenRow } from './token-payload.ts';

/**
 * Every statement about tokens, most of them over as many tokens as come together (database/batch.ts). Rows are joined to
 * `unnest`, because that way PostgreSQL looks at no partition but those of the slots in question; they come sorted, so
 * that two nodes which lock the same rows do so in the same order.
 */
export interface TokenPlace {
  readonly slot: number;
  readonly key: string;
}

/** A token, and of what it depends on: the state of this moment. */
export interface FoundToken extends AccountColumns {
  /** Which of the places that were asked for, from 1. */
  readonly n: number;
  readonly kind: string;
  readonly grant_id: string | null;
  readonly client_id: string | null;
  readonly session_uid: string | null;
  readonly payload: string;
  readonly successors: string | null;
  /** Seconds since 1970. */
  readonly consumed_at: number | null;
  /** Milliseconds, by the clock of the database. */
  readonly consumed_ago: number | null;
  /** `null` when it has ended. */
  readonly grant_payload: string | null;
  readonly session_payload: string | null;
}

export const find = (places: readonly TokenPlace[]): QueryConfig => ({
  name: 'token-find',
  text: `select n::int, t.kind, t.grant_id, t.client_id, t.account_id, t.session_uid, t.payload,
      t.successors, extract(epoch from t.consumed_at)::float8 as consumed_at,
      extract(epoch from clock_timestamp() - t.consumed_at)::float8 * 1000 as consumed_ago,
      g.payload as grant_payload, s.payload as session_payload,
      ${ACCOUNT_COLUMNS}
    from unnest($1::int[], $2::uuid[]) with ordinality as asked (slot, key, n)
    join tokens t on t.slot = asked.slot and t.key = asked.key and t.revoked_at is null
    left join artifacts g on g.key = t.grant_id and g.consumed_at is null
    left join artifacts s on s.uid = t.session_uid and s.kind = 'Session'
    left join accounts a on a.account_id = t.account_id`,
  values: columnsOf(places),
});

const COLUMNS = 'slot, key, kind, grant_id, account_id, client_id, session_uid, payload';

/** A token that is there already stays as it is: it may be used or revoked. */
export const insert = (rows: readonly TokenRow[]): QueryConfig => ({
  name: 'token-insert',
  text: `insert into tokens (${COLUMNS})
    select * from unnest($1::int[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[])
    on conflict (slot, key) do nothing`,
  values: allColumnsOf(rows),
});

/** A token of one kind: in another it is unknown. */
export interface KnownToken extends TokenPlace {
  readonly kind: string;
}

export interface Consumption extends KnownToken {
  /** Of a refresh token: what replaces it, sealed. */
  readonly successors: string | null;
}

export interface Exchange extends Consumption {
  /** What is saved if it succeeds. */
  readonly saved: readonly TokenRow[];
}

/**
 * Uses tokens up and saves what they are exchanged for. Exactly one of any number of these succeeds for a token, and returns
 * its `n`: the row lock makes the others look again.
 */
export const redeem = (exchanges: readonly Exchange[]): QueryConfig => {
  const rows = exchanges.flatMap(({ saved }) => saved);
  return {
    name: 'token-redeem',
    text: `with used as (
        update tokens t set consumed_at = clock_timestamp(), successors = asked.successors
        from unnest($1::int[], $2::uuid[], $3::text[], $4::text[]) with ordinality as asked (slot, key, kind, successors, n)
        where t.slot = asked.slot and t.key = asked.key and t.kind = asked.kind
          and t.consumed_at is null and t.revoked_at is null
        returning n::int),
      saved as (
        insert into tokens (${COLUMNS}) select ${COLUMNS}
        from unnest($5::int[], $6::uuid[], $7::text[], $8::uuid[], $9::text[], $10::text[], $11::text[], $12::text[], $13::int[])
          as exchanged (${COLUMNS}, n)
        where n = any (array(select used.n from used))
        on conflict (slot, key) do nothing)
      select n from used`,
    values: [
      ...columnsOf(exchanges),
      kindsOf(exchanges),
      exchanges.map(({ successors }) => successors),
      ...allColumnsOf(rows),
      exchanges.flatMap(({ saved }, index) => saved.map(() => index + 1)),
    ],
  };
};

/** Of what is no token itself: a device code, or a request that was answered elsewhere (CIBA). */
export interface ArtifactExchange {
  readonly key: string;
  readonly saved: readonly TokenRow[];
}

/** The same, of one artifact. */
export const redeemArtifact = ({ key, saved }: ArtifactExchange): QueryConfig => ({
  name: 'artifact-redeem',
  text: `with used as (
      update artifacts set consumed_at = clock_timestamp() where key = $1 and consumed_at is null returning key),
    saved as (
      insert into tokens (${COLUMNS}) select exchanged.*
      from used, unnest($2::int[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[])
        as exchanged (${COLUMNS})
      on conflict (slot, key) do nothing)
    select from used`,
  values: [key, ...allColumnsOf(saved)],
});

/** Marked and not deleted: a retry of what saved it must not bring it back. */
export const revoke = (tokens: readonly KnownToken[]): QueryConfig => ({
  name: 'token-revoke',
  text: `with revoked as (
      update tokens t set revoked_at = now() from unnest($1::int[], $2::uuid[], $3::text[]) as asked (slot, key, kind)
      where t.slot = asked.slot and t.key = asked.key and t.kind = asked.kind and t.revoked_at is null
      returning t.key, t.kind)
    ${note('token-ended', 'token_key')} key from revoked where kind in ('AccessToken', 'ClientCredentials')`,
  values: [...columnsOf(tokens), kindsOf(tokens)],
});

function kindsOf(tokens: readonly KnownToken[]) {
  return tokens.map(({ kind }) => kind);
}

function columnsOf(places: readonly TokenPlace[]) {
  return [places.map(({ slot }) => slot), places.map(({ key }) => key)];
}

function allColumnsOf(rows: readonly TokenRow[]) {
  return [
    ...columnsOf(rows),
    kindsOf(rows),
    rows.map(({ grant_id }) => grant_id),
    rows.map(({ account_id }) => account_id),
    rows.map(({ client_id }) => client_id),
    rows.map(({ session_uid }) => session_uid),
    rows.map(({ payload }) => payload),
  ];
}
