import type { Knex } from 'knex';

/**
 * What of the directory the nodes keep in memory (storage/directory-cache.ts) has a version, and whoever writes to it, by
 * whatever means, moves the version on in the same transaction and tells those who listen.
 *
 * The triggers fire before the statement. So every writer locks the version first and rows after it, and two transactions
 * of several statements wait for each other instead of ending in a deadlock.
 */
const TABLES = ['clients', 'resource_servers', 'scopes', 'roles'];

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table directory_version (
      only_row boolean primary key default true check (only_row),
      version bigint not null
    );
    insert into directory_version (version) values (1);

    create function move_directory_version() returns trigger language plpgsql set search_path from current as $$
      declare
        moved bigint;
      begin
        update directory_version set version = version + 1 returning version into moved;
        perform pg_notify('concierge_directory', moved::text);
        return null;
      end
    $$;
  `);
  for (const table of TABLES) {
    await knex.raw(`
      create trigger directory_version before insert or update or delete or truncate on ${table}
        for each statement execute function move_directory_version()`);
  }
}

export async function down(knex: Knex): Promise<void> {
  for (const table of TABLES) {
    await knex.raw(`drop trigger directory_version on ${table}`);
  }
  await knex.raw('drop function move_directory_version; drop table directory_version');
}
