import type { Knex } from 'knex';

/**
 * What may be done only so often: codes typed at the device page, polls for a token, requests to one person. A row is written
 * at every count and never read otherwise, so it has no index but its key, and room on its page to be changed in place.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table rate_limits (
      key uuid primary key,
      used integer not null,
      renews_at timestamptz not null
    ) with (fillfactor = 50);
    comment on column rate_limits.key is 'what is limited, and for whom, as an HMAC: an address has too few bits for a plain hash';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table rate_limits');
}
