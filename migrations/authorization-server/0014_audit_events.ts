import type { Knex } from 'knex';

/**
 * Who did what, when and from where. No foreign keys: a row outlives the account and the client that it tells of, until the
 * retention is over.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table audit_events (
      id uuid primary key,
      at timestamptz not null default now(),
      kind text not null,
      account_id text,
      client_id text,
      request_id text,
      address text,
      user_agent text,
      details jsonb not null default '{}'
    );
    create index audit_events_account_id on audit_events (account_id, at desc, id desc) where account_id is not null;
    create index audit_events_at on audit_events (at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table audit_events');
}
