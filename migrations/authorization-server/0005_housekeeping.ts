import type { Knex } from 'knex';

/**
 * Who looks after the database at present, and how much space it took when.
 *
 * Tables that may grow fast are analysed from 10,000 changes on: the plan for a table known to be tiny is to read it from end
 * to end, and prepared statements keep to that until the next analysis. Of one that was never analysed PostgreSQL expects
 * more, and takes the index.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table leases (
      name text primary key,
      holder uuid not null,
      expires_at timestamptz not null
    );
    comment on table leases is 'work that one node does for all: storage/leases.ts';
    create table storage_samples (
      taken_at timestamptz primary key default now(),
      rows bigint not null,
      bytes bigint not null
    );
    alter table artifacts set (autovacuum_analyze_threshold = 10000, autovacuum_vacuum_threshold = 10000);
    alter table tokens_default set (autovacuum_analyze_threshold = 10000, autovacuum_vacuum_threshold = 10000);
    comment on table storage_samples is 'one an hour, for the growth that "concierge storage" tells';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table leases; drop table storage_samples');
}
