import type { Knex } from 'knex';

/**
 * What resource servers have to be told so that they forget what they know of tokens: docs/decisions/0009. Whoever makes an answer
 * of introspection wrong writes a row here in the same transaction (storage/security-events.ts); for accounts, their roles
 * and the directory triggers do it, as many statements write to these.
 *
 * A row gets its position when its transaction commits, and under a lock that is held until the commit can be seen. So
 * positions appear in their order: who has seen one will never find a smaller one later.
 */
const AT_ONCE = 100;

/** A reason that has no row of its own in this many: each then hears that everything may have changed. */
const DIRECTORY = ['resource_servers', 'scopes', 'roles', 'authorization_details_types'];

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table security_events (
      id uuid primary key default gen_random_uuid(),
      position bigint,
      kind text not null,
      token_key uuid,
      grant_key uuid,
      session_uid text,
      account_id text,
      client_id text,
      stream_id uuid,
      state text,
      at timestamptz not null default clock_timestamp()
    );
    comment on table security_events is 'each is about the tokens that have all of what it names';
    comment on column security_events.position is 'in the order of commits; null before';
    comment on column security_events.stream_id is 'of one that is for this stream alone: its receiver asked for it, and said state';
    create unique index security_events_position on security_events (position);
    create index security_events_at on security_events (at);
    create sequence security_event_positions owned by security_events.position;

    create function place_security_event() returns trigger language plpgsql set search_path from current as $$
      begin
        perform pg_advisory_xact_lock(hashtext('concierge_security_events'));
        update security_events set position = nextval('security_event_positions') where id = new.id;
        perform pg_notify('concierge_security_events', '');
        return null;
      end
    $$;
    create constraint trigger place_security_event after insert on security_events
      deferrable initially deferred for each row execute function place_security_event();

    create table event_streams (
      id uuid primary key default gen_random_uuid(),
      client_id text not null references clients on delete cascade,
      position bigint not null,
      status text not null default 'enabled',
      reason text,
      description text,
      events_requested text[],
      created_at timestamptz not null default now(),
      seen_at timestamptz not null default now()
    );
    comment on table event_streams is 'one for each process of a resource server that listens; client_id is its own client';
    comment on column event_streams.position is 'of the last event that its receiver has acknowledged';
    create index event_streams_client_id on event_streams (client_id);
    create index event_streams_seen_at on event_streams (seen_at);

    create function note_account() returns trigger language plpgsql set search_path from current as $$
      begin
        insert into security_events (kind, account_id) values (
          case when tg_op = 'DELETE' then 'account-deleted'
            when old.disabled_at is null and new.disabled_at is not null then 'account-disabled'
            when old.disabled_at is not null and new.disabled_at is null then 'account-enabled'
            else 'account-changed' end,
          old.account_id);
        return null;
      end
    $$;
    create trigger security_event_deleted after delete on accounts for each row execute function note_account();
    create trigger security_event_changed after update of email, email_verified, name, claims, disabled_at on accounts
      for each row when ((old.email, old.email_verified, old.name, old.claims, old.disabled_at)
        is distinct from (new.email, new.email_verified, new.name, new.claims, new.disabled_at))
      execute function note_account();

    create function note_account_roles() returns trigger language plpgsql set search_path from current as $$
      begin
        if (select count(*) from (select distinct account_id from changed limit ${AT_ONCE + 1}) counted) > ${AT_ONCE} then
          insert into security_events (kind) values ('directory-changed');
        else
          insert into security_events (kind, account_id) select distinct 'account-changed', account_id from changed;
        end if;
        return null;
      end
    $$;
    create trigger security_event_inserted after insert on account_roles
      referencing new table as changed for each statement execute function note_account_roles();
    create trigger security_event_deleted after delete on account_roles
      referencing old table as changed for each statement execute function note_account_roles();

    create function note_clients() returns trigger language plpgsql set search_path from current as $$
      begin
        if (select count(*) from (select from changed limit ${AT_ONCE + 1}) counted) > ${AT_ONCE} then
          insert into security_events (kind) values ('directory-changed');
        else
          insert into security_events (kind, client_id)
          select case when tg_op = 'DELETE' then 'client-ended' else 'client-changed' end, client_id from changed;
        end if;
        return null;
      end
    $$;
    create trigger security_event_updated after update on clients
      referencing old table as changed for each statement execute function note_clients();
    create trigger security_event_deleted after delete on clients
      referencing old table as changed for each statement execute function note_clients();

    create function note_directory() returns trigger language plpgsql set search_path from current as $$
      begin
        insert into security_events (kind) select 'directory-changed' where exists (select from changed);
        return null;
      end
    $$;
  `);
  for (const table of DIRECTORY) {
    await knex.raw(`
      create trigger security_event_inserted after insert on ${table}
        referencing new table as changed for each statement execute function note_directory();
      create trigger security_event_updated after update on ${table}
        referencing old table as changed for each statement execute function note_directory();
      create trigger security_event_deleted after delete on ${table}
        referencing old table as changed for each statement execute function note_directory();
    `);
  }
}

export async function down(knex: Knex): Promise<void> {
  for (const table of DIRECTORY) {
    await knex.raw(`
      drop trigger security_event_inserted on ${table};
      drop trigger security_event_updated on ${table};
      drop trigger security_event_deleted on ${table};
    `);
  }
  await knex.raw(`
    drop trigger security_event_updated on clients;
    drop trigger security_event_deleted on clients;
    drop trigger security_event_inserted on account_roles;
    drop trigger security_event_deleted on account_roles;
    drop trigger security_event_changed on accounts;
    drop trigger security_event_deleted on accounts;
    drop table event_streams;
    drop table security_events;
    drop function note_directory, note_clients, note_account_roles, note_account, place_security_event;
  `);
}
