import type { Knex } from 'knex';

/**
 * What the engine stores besides clients: sessions, interactions, grants, codes and tokens, one row each.
 *
 * Every id is a bearer value (or opens one), so none is here: `key` is 128 bits of SHA-256 over kind and id, which as
 * a `uuid` makes the smallest index; ids carry 256 random bits, so it cannot be turned back. `grant_id` is the `key`
 * of the grant's own row.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table artifacts (
      key uuid primary key,
      kind text not null,
      grant_id uuid,
      account_id text,
      client_id text,
      uid text,
      user_code text,
      payload text not null,
      created_at timestamptz not null default now(),
      expires_at timestamptz,
      consumed_at timestamptz
    );
    comment on column artifacts.user_code is 'HMAC of the code: it has too few bits for a plain hash';
    comment on column artifacts.payload is 'what nothing inside the database reads; sealed where it holds an id';
    create index artifacts_grant_id on artifacts (grant_id) where grant_id is not null;
    create index artifacts_account_id on artifacts (account_id) where account_id is not null;
    create unique index artifacts_uid on artifacts (uid) where uid is not null;
    create unique index artifacts_user_code on artifacts (user_code) where user_code is not null;
    create index artifacts_expires_at on artifacts (expires_at) where expires_at is not null;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table artifacts');
}
