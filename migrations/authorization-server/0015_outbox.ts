import type { Knex } from 'knex';

/**
 * What is to be delivered to somebody else's server, which may be away: mail, and notices to clients. A row is written with
 * what caused it, changed at every attempt and gone when it has arrived.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table outbox (
      id uuid primary key,
      kind text not null,
      sealed text not null,
      attempts integer not null default 0,
      created_at timestamptz not null default now(),
      next_attempt_at timestamptz not null default now()
    ) with (fillfactor = 70);
    comment on column outbox.sealed is 'what is delivered, AES-256-GCM: mail holds links that open an account';
    create index outbox_due on outbox (kind, next_attempt_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table outbox');
}
