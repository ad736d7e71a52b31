import type { Knex } from 'knex';

/**
 * What of a grant was used, where and when, as far as this server is told; and the tokens that people make for themselves,
 * each under a grant of its own. A token's value is in neither: `token_key` is a hash, as in `tokens`.
 *
 * Usage has no foreign key: it is written in bulk beside the requests that it tells of, and leaves with the grant's own row.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table grant_usage (
      grant_id uuid not null,
      resource_server text not null,
      scope text not null,
      last_used_at timestamptz not null,
      primary key (grant_id, resource_server, scope)
    ) with (fillfactor = 85);
    comment on column grant_usage.grant_id is 'the key of the grant in artifacts';
    comment on column grant_usage.resource_server is 'empty: this server itself (sign-in, userinfo, refresh)';
    comment on column grant_usage.scope is 'empty: a request that needed none';

    create table personal_access_tokens (
      id uuid primary key,
      account_id text not null references accounts on delete cascade,
      name text not null,
      resource_server text not null,
      scopes text[] not null,
      grant_id uuid not null,
      token_slot integer not null,
      token_key uuid not null,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null
    );
    comment on column personal_access_tokens.grant_id is 'the key of the grant in artifacts';
    create index personal_access_tokens_account_id on personal_access_tokens (account_id);
    create index personal_access_tokens_expires_at on personal_access_tokens (expires_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table personal_access_tokens, grant_usage');
}
