import type { Knex } from 'knex';

/** From where a browser's session was last seen, and by what: for the person whose session it is. Of no other kind of artifact. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table artifacts
      add column seen_at timestamptz,
      add column seen_from text,
      add column seen_by text;
    comment on column artifacts.seen_from is 'the address';
    comment on column artifacts.seen_by is 'what the browser calls itself';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table artifacts drop column seen_at, drop column seen_from, drop column seen_by');
}
