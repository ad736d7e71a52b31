import type { Knex } from 'knex';

/** WebAuthn credentials: of each the public half, which opens nothing. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table passkeys (
      credential_id text primary key,
      account_id text not null references accounts on delete cascade,
      public_key bytea not null,
      counter bigint not null,
      transports text[] not null,
      aaguid text not null,
      device_bound boolean not null,
      backed_up boolean not null,
      name text not null,
      created_at timestamptz not null default now(),
      last_used_at timestamptz
    );
    comment on column passkeys.credential_id is 'base64url, as the browser names it';
    comment on column passkeys.public_key is 'COSE_Key (RFC 9052)';
    comment on column passkeys.counter is 'of the last signature; 0 where the authenticator does not count';
    create index passkeys_account_id on passkeys (account_id);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table passkeys');
}
