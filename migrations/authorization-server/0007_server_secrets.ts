import type { Knex } from 'knex';

/**
 * Secrets that the server makes by itself and keeps: unlike what is derived from CONCIERGE_SECRET they stay the same when
 * that is replaced.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table server_secrets (
      name text primary key,
      sealed text not null,
      created_at timestamptz not null default now()
    );
    comment on column server_secrets.sealed is 'AES-256-GCM under a key derived from CONCIERGE_SECRET';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table server_secrets');
}
