import type { Knex } from 'knex';

/**
 * Sessions that something else ended than their own browser, until their clients have been told: kept by the statement that ends
 * them, so that none is forgotten, whoever ends it and whatever happens next.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table ended_sessions (
      uid text primary key,
      payload text not null,
      attempts integer not null default 0,
      ended_at timestamptz not null default now(),
      next_attempt_at timestamptz not null default now()
    );
    comment on column ended_sessions.payload is 'of the session as it was in artifacts: it names clients, and opens nothing';
    create index ended_sessions_due on ended_sessions (next_attempt_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table ended_sessions');
}
