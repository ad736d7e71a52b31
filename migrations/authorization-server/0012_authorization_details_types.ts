import type { Knex } from 'knex';

/** Types of authorization details (RFC 9396 §2) belong to a resource server, as scopes do. A type has one owner. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table authorization_details_types (
      type text primary key,
      resource_server text not null references resource_servers on delete cascade,
      description text not null,
      fields jsonb not null
    );
    comment on column authorization_details_types.fields is 'what a detail of the type may and must say: resources/authorization-details.ts';
    create trigger directory_version before insert or update or delete or truncate on authorization_details_types
      for each statement execute function move_directory_version();
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table authorization_details_types');
}
