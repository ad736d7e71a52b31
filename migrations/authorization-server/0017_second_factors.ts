import type { Knex } from 'knex';

/** Two-step verification: an app that shows one-time codes, and recovery codes for when it is lost. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table accounts
      add column failed_second_steps integer not null default 0,
      add column second_steps_throttled_until timestamptz;

    create table totp_factors (
      account_id text primary key references accounts on delete cascade,
      sealed_seed text not null,
      last_step bigint not null,
      created_at timestamptz not null default now()
    );
    comment on column totp_factors.sealed_seed is 'RFC 6238, AES-256-GCM under a key derived from CONCIERGE_SECRET';
    comment on column totp_factors.last_step is 'the time step of the last code that counted: no code counts twice';

    create table recovery_codes (
      account_id text not null references accounts on delete cascade,
      code_hash text not null,
      used_at timestamptz,
      created_at timestamptz not null default now(),
      primary key (account_id, code_hash)
    );
    comment on column recovery_codes.code_hash is 'SHA-256, base64url; the codes are random, 80 bits each';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table recovery_codes, totp_factors;
    alter table accounts drop column failed_second_steps, drop column second_steps_throttled_until;
  `);
}
