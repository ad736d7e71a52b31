import { slotOf } from '../../src/authorization-server/storage/token-slot.ts';

/** A way to lay out the table of tokens; docs/decisions/0004 compares them. */
export interface Layout {
  readonly name: string;
  readonly table: string;
  readonly create: string;
  /** Adds tokens as if they had been issued from so many seconds ago to so many seconds ago, each for an hour. */
  load(rows: number, fromAgo: number, toAgo: number): string;
  /** One statement for many rows: slots $1, keys $2. */
  readonly insert: string;
  readonly lookup: string;
  readonly sample: string;
}

const PAYLOAD = `'{"iat":1795377600,"exp":1795381200,"jti":"","clientId":"' || n || '","aud":"http://localhost:3001","scope":"records:read records:write","extra":{"token_use":"machine"},"format":"opaque"}'`;

const COLUMNS = `kind text not null, grant_id uuid, account_id text, client_id text, session_uid text,
  payload text not null, consumed_at timestamptz, successors text, revoked_at timestamptz`;

const now = Math.floor(Date.now() / 1000);
/** The slot of a token that expires now; those of later seconds follow it. */
const SLOT_NOW = slotOf(now, 3600);

const slotOfRow = (rows: number, fromAgo: number, toAgo: number) =>
  `${SLOT_NOW} + 3600 - ${fromAgo} + (n::bigint * ${fromAgo - toAgo} / ${rows})::integer`;

/** One table, random keys, and an index for each question: what `artifacts` was before tokens left it. */
export const plain: Layout = {
  name: 'one table',
  table: 'plain',
  create: `create table plain (key uuid primary key, kind text not null, grant_id uuid, account_id text, client_id text,
      uid text, user_code text, payload text not null, created_at timestamptz not null default now(),
      expires_at timestamptz, consumed_at timestamptz);
    create index on plain (grant_id) where grant_id is not null;
    create index on plain (account_id) where account_id is not null;
    create unique index on plain (uid) where uid is not null;
    create unique index on plain (user_code) where user_code is not null;
    create index on plain (expires_at) where expires_at is not null`,
  load: (rows, fromAgo, toAgo) => `insert into plain (key, kind, client_id, payload, expires_at)
    select gen_random_uuid(), 'ClientCredentials', 'machine', ${PAYLOAD},
      to_timestamp(${now + 3600 - fromAgo} + n::bigint * ${fromAgo - toAgo} / ${rows})
    from generate_series(1, ${rows}) as n`,
  insert: `insert into plain (key, kind, client_id, payload, expires_at)
    select key, 'ClientCredentials', 'machine', ${PAYLOAD}, to_timestamp(${now} + slot - ${SLOT_NOW})
    from unnest($1::integer[], $2::uuid[]) with ordinality as new (slot, key, n)`,
  lookup: `select payload, consumed_at from plain where key = any($2::uuid[]) and $1::integer[] is not null`,
  sample: `select (extract(epoch from expires_at)::integer - ${now} + ${SLOT_NOW}) as slot, key from plain`,
};

/** Partitions of an hour, with the columns of the primary key in this order. */
const partitioned = (name: string, table: string, key: string): Layout => ({
  name,
  table,
  create: `create table ${table} (slot integer not null, key uuid not null, ${COLUMNS}, primary key (${key}))
      partition by range (slot);
    create index on ${table} (grant_id) where grant_id is not null;
    create table ${table}_default partition of ${table} default;
    ${[-4, -3, -2, -1, 0, 1, 2, 3, 4, 5].map((hour) => hourOf(table, hour)).join('; ')}`,
  load: (rows, fromAgo, toAgo) => `insert into ${table} (slot, key, kind, client_id, payload)
    select ${slotOfRow(rows, fromAgo, toAgo)}, gen_random_uuid(), 'ClientCredentials', 'machine', ${PAYLOAD}
    from generate_series(1, ${rows}) as n`,
  insert: `insert into ${table} (slot, key, kind, client_id, payload)
    select slot, key, 'ClientCredentials', 'machine', ${PAYLOAD}
    from unnest($1::integer[], $2::uuid[]) with ordinality as new (slot, key, n)`,
  lookup: `select payload, consumed_at from unnest($1::integer[], $2::uuid[]) as wanted (slot, key) join ${table} using (slot, key)`,
  sample: `select slot, key from ${table} where slot >= ${SLOT_NOW}`,
});

/** The partition whose tokens expire in that hour from now on; hour -1 has passed. */
function hourOf(table: string, hour: number): string {
  const first = SLOT_NOW + hour * 3600;
  const name = `${table}_${hour < 0 ? `past${-hour}` : hour}`;
  return `create table ${name} partition of ${table} for values from (${first}) to (${first + 3600}) with (autovacuum_enabled = off)`;
}

export const slotFirst = partitioned('partitions, slot first', 'slot_first', 'slot, key');
export const keyFirst = partitioned('partitions, random key first', 'key_first', 'key, slot');

/** Slots of tokens that are issued at this moment. */
export const slotsNow = (count: number) => {
  const slot = slotOf(Math.floor(Date.now() / 1000) + 3600, 3600);
  return Array.from({ length: count }, () => slot);
};
