import type { Knex } from 'knex';

/** What the resource API keeps for others: records and blobs. It knows their owners by what introspection says only. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table records (
      id uuid primary key default gen_random_uuid(),
      position bigint generated always as identity unique,
      owner_kind text not null check (owner_kind in ('account', 'client')),
      owner_id text not null,
      title text not null,
      body text not null,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );
    comment on column records.position is 'order of creation; what a list pages by';
    comment on column records.owner_id is 'sub of an account or client_id of a client: the same text may be both, so owner_kind is part of the key';
    create index records_owner on records (owner_kind, owner_id, position);

    create table blobs (
      id uuid primary key default gen_random_uuid(),
      owner_kind text not null check (owner_kind in ('account', 'client')),
      owner_id text not null,
      content_type text not null,
      size bigint,
      created_at timestamptz not null default now(),
      completed_at timestamptz
    );
    comment on column blobs.completed_at is 'null while the upload runs: such a blob does not exist for anybody yet';
    create index blobs_uploading on blobs (created_at) where completed_at is null;

    create table blob_chunks (
      blob_id uuid not null references blobs on delete cascade,
      position integer not null,
      bytes bytea not null,
      primary key (blob_id, position)
    );
    alter table blob_chunks alter column bytes set storage external;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table blob_chunks, blobs, records');
}
