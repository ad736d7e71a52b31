import type { Knex } from 'knex';

/** Who and what the authorization server knows: accounts, roles, resource servers, clients and its own signing keys. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table resource_servers (
      identifier text primary key,
      name text not null,
      is_default boolean not null default false,
      access_token_format text not null default 'opaque' check (access_token_format in ('opaque', 'jwt')),
      access_token_ttl integer check (access_token_ttl > 0),
      claims text[] not null default '{}',
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );
    comment on column resource_servers.identifier is 'RFC 8707 resource indicator, and the audience of its access tokens';
    comment on column resource_servers.claims is 'account claims that introspection shows to this resource server';
    create unique index resource_servers_one_default on resource_servers (is_default) where is_default;

    create table scopes (
      resource_server text not null references resource_servers on delete cascade,
      name text not null,
      description text not null,
      primary key (resource_server, name)
    );

    create table roles (
      name text primary key,
      description text not null default '',
      scopes text[] not null default '{}'
    );
    comment on column roles.scopes is 'scopes of resource servers that the role permits; OpenID Connect scopes need no role';

    create table accounts (
      account_id text primary key,
      email text not null,
      email_canonical text not null unique,
      email_verified boolean not null default false,
      name text not null,
      password_hash text,
      disabled_at timestamptz,
      failed_sign_ins integer not null default 0,
      throttled_until timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );
    comment on column accounts.email_canonical is 'one spelling for every way to write the address; what sign-in looks up and counts failures by';

    create table account_roles (
      account_id text not null references accounts on delete cascade,
      role text not null references roles on delete cascade,
      primary key (account_id, role)
    );

    create table clients (
      client_id text primary key,
      metadata jsonb not null,
      secret_hash text,
      resource_server text references resource_servers on delete set null,
      disabled_at timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );
    comment on column clients.metadata is 'RFC 7591 client metadata, without any secret';
    comment on column clients.secret_hash is 'SHA-256 of the secret, base64url; null for a public client';
    comment on column clients.resource_server is 'the resource server that introspects tokens with this client''s credentials';

    create table signing_keys (
      kid text primary key,
      alg text not null,
      sealed_jwk text not null,
      created_at timestamptz not null default now()
    );
    comment on column signing_keys.sealed_jwk is 'private JWK, AES-256-GCM under a key derived from CONCIERGE_SECRET';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table signing_keys, clients, account_roles, accounts, roles, scopes, resource_servers');
}
