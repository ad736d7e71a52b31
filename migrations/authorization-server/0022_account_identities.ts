import type { Knex } from 'knex';

/** Who an account holder is elsewhere: at an upstream OpenID provider, or in an LDAP directory. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table account_identities (
      provider text not null,
      subject text not null,
      account_id text not null references accounts on delete cascade,
      email text not null,
      linked_at timestamptz not null default now(),
      primary key (provider, subject),
      unique (account_id, provider)
    );
    comment on column account_identities.provider is 'id of an upstream provider in the configuration, or ldap';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table account_identities');
}
