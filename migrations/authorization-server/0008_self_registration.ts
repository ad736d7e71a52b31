import type { Knex } from 'knex';

/**
 * Clients that register themselves (RFC 7591). What only they have stands in a table of its own: the directory knows nothing
 * of it, and that a client was used is no change of the directory.
 *
 * A new client does not move the version of the directory on any more: no node keeps in memory that a client is absent, so
 * there is nothing to forget, and strangers who register cannot make all nodes read everything again.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table initial_access_tokens (
      id text primary key,
      token_hash text not null unique,
      policy jsonb not null,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null
    );
    comment on column initial_access_tokens.id is 'what it is revoked by; of no use to anybody else';
    comment on column initial_access_tokens.token_hash is 'SHA-256 of the token, base64url';
    comment on column initial_access_tokens.policy is 'what a client registered with it may have, where that is not what the configuration says';
    create index initial_access_tokens_expires_at on initial_access_tokens (expires_at);

    create table client_registrations (
      client_id text primary key references clients on delete cascade,
      access_token_hash text not null,
      initial_access_token text,
      policy jsonb not null,
      registered_at timestamptz not null default now(),
      used_at timestamptz
    );
    comment on column client_registrations.access_token_hash is 'SHA-256 of the registration access token (RFC 7592), base64url';
    comment on column client_registrations.initial_access_token is 'the id of the one it was registered with; null where anybody may register';
    comment on column client_registrations.used_at is 'when it first had a code or a token; null: never, and one day it is removed';
    create index client_registrations_unused on client_registrations (registered_at) where used_at is null;

    create index artifacts_grants_of_client on artifacts (client_id) where kind = 'Grant';

    drop trigger directory_version on clients;
    create trigger directory_version before update or delete or truncate on clients
      for each statement execute function move_directory_version();
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop trigger directory_version on clients;
    create trigger directory_version before insert or update or delete or truncate on clients
      for each statement execute function move_directory_version();
    drop index artifacts_grants_of_client;
    drop table client_registrations, initial_access_tokens
  `);
}
