import type { Knex } from 'knex';

/**
 * Tokens and codes move out of `artifacts`: there are thousands of times as many of them, they are written once, and they
 * end by themselves. `tokens` is partitioned by the time of expiry, so that a whole partition is dropped where rows would
 * be deleted one by one; which partitions there are is for storage/token-partitions.ts to say. A token whose partition
 * is missing goes to the default one and is worth as much. What else the payload would repeat stands in the columns.
 *
 * `artifacts` keeps what is saved again and again: sessions, grants, interactions. Free space in each page lets a new
 * version of a row stay beside the old one, without touching any index, as long as no indexed column changes.
 *
 * Tokens issued before are not taken over, their place cannot be told from a hash: clients sign in again, silently where
 * the session lives.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table tokens (
      slot integer not null,
      key uuid not null,
      kind text not null,
      grant_id uuid,
      account_id text,
      client_id text,
      session_uid text,
      payload text not null,
      consumed_at timestamptz,
      successors text,
      revoked_at timestamptz,
      primary key (slot, key)
    ) partition by range (slot);
    comment on column tokens.slot is 'when it expires, and how long it lives: storage/token-slot.ts';
    comment on column tokens.grant_id is 'the key of the grant in artifacts';
    comment on column tokens.successors is 'of a used refresh token: what replaced it, sealed under a key made with its id';
    create index tokens_grant_id on tokens (grant_id) where grant_id is not null;
    create index tokens_account_id on tokens (account_id) where grant_id is null and account_id is not null;
    create table tokens_default partition of tokens default;

    delete from artifacts where kind in ('AccessToken', 'ClientCredentials', 'RefreshToken', 'AuthorizationCode');
    alter table artifacts add column session_uid text;
    comment on column artifacts.session_uid is 'of an interaction: the session in which it began';
    alter table artifacts set (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
    comment on column artifacts.expires_at is 'when the row may go, rounded up to the hour';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table tokens; alter table artifacts drop column session_uid');
}
