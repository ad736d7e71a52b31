import type { Knex } from 'knex';

/** What OpenID Connect Core §5.1 can tell of a person, beside the name and the email that every account has. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table accounts add column claims jsonb not null default '{}';
    comment on column accounts.claims is 'standard claims under their own names; never name, email or updated_at, which have columns';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table accounts drop column claims');
}
