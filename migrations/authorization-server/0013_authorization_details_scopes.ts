import type { Knex } from 'knex';

/** What the roles of an account must permit before it may allow a client something of a type. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table authorization_details_types add column scopes text[] not null default '{}';
    comment on column authorization_details_types.scopes is 'scopes of the resource server that the roles of an account must permit';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table authorization_details_types drop column scopes');
}
