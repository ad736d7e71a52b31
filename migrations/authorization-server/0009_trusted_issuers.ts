import type { Knex } from 'knex';

/** Who else may say for whom a client acts: issuers of the assertions that the JWT bearer grant takes (RFC 7523). */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table trusted_issuers (
      issuer text primary key,
      jwks jsonb,
      jwks_uri text,
      clients text[] not null,
      scopes text[] not null,
      subject text not null check (subject in ('email', 'sub-email', 'sub-account-id', 'client')),
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      check ((jwks is null) <> (jwks_uri is null))
    );
    comment on column trusted_issuers.clients is 'the clients that may present its assertions';
    comment on column trusted_issuers.scopes is 'the most that an assertion can lead to';
    comment on column trusted_issuers.subject is 'what of an assertion names the account; client: nothing, the client acts for itself';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table trusted_issuers');
}
