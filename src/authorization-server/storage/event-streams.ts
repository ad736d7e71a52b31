import type { Pool, QueryConfig } from 'pg';
import { type EventStream, type EventStreams, MOST_READ, type StreamStatus } from '../shared-signals/event-stream.ts';
import type { EventKind, SecurityEvent } from '../shared-signals/security-event.ts';
import { batchReads, batchSaves } from './batched.ts';
import { HANDLES } from './handles.ts';

const COLUMNS = `event_streams.id, event_streams.position::float8 as position, status, reason, description, events_requested`;

/** Those of processes that ended without a word make room for others. */
const UNSEEN = `seen_at < now() - interval '5 minutes'`;

const MOST_OF_CLIENT = 200;

const CREATE = `
  with own as (select id, ${UNSEEN} as unseen from event_streams where client_id = $1),
    crowded as (select where (select count(*) from own) >= ${MOST_OF_CLIENT}),
    evicted as (delete from event_streams using own where event_streams.id = own.id and own.unseen and exists (select from crowded))
  insert into event_streams (client_id, description, events_requested, position)
  select $1, $2, $3, coalesce((select max(position) from security_events), 0)
  where (select count(*) from own where not unseen or not exists (select from crowded)) < ${MOST_OF_CLIENT}
  returning ${COLUMNS}`;

const UPDATE = `
  update event_streams set
    description = case when $3 then $4 else description end,
    events_requested = case when $5 then $6::text[] else events_requested end,
    status = coalesce($7, status), reason = case when $7::text is null then reason else $8 end,
    position = case when status = 'disabled' and $7 <> 'disabled'
      then greatest(position, (select max(position) from security_events)) else position end,
    seen_at = now()
  where client_id = $1 and id = $2 returning ${COLUMNS}`;

/** `n` says which stream a row is of. The stream comes with each of its events, or alone. */
const pending = (asked: readonly Asked[]): QueryConfig => ({
  name: 'security-events-pending',
  text: `select n::int, json_build_object('id', event_streams.id, 'position', event_streams.position, 'status', status,
        'reason', reason, 'description', description, 'events_requested', events_requested) as stream,
      array(select json_build_object('id', e.id, 'position', e.position, 'kind', e.kind, 'at', e.at, 'token_key', e.token_key,
          'grant_key', e.grant_key, 'session_uid', e.session_uid, 'account_id', e.account_id, 'client_id', e.client_id,
          'stream_id', e.stream_id, 'state', e.state)
        from security_events e where e.position > event_streams.position order by e.position limit ${MOST_READ}) as events
    from unnest($1::uuid[], $2::text[]) with ordinality as asked (id, client_id, n)
    join event_streams on event_streams.id = asked.id and event_streams.client_id = asked.client_id`,
  values: [asked.map(({ id }) => id), asked.map(({ clientId }) => clientId)],
});

const advance = (reached: readonly Reached[]): QueryConfig => ({
  name: 'event-stream-advance',
  text: `update event_streams set position = greatest(event_streams.position, reached.position), seen_at = now()
    from unnest($1::uuid[], $2::bigint[]) as reached (id, position) where event_streams.id = reached.id`,
  values: [reached.map(({ id }) => id), reached.map(({ position }) => position)],
});

interface Asked {
  readonly id: string;
  readonly clientId: string;
}

interface Reached {
  readonly id: string;
  readonly position: number;
}

interface StreamRow {
  readonly id: string;
  readonly position: number;
  readonly status: StreamStatus;
  readonly reason: string | null;
  readonly description: string | null;
  readonly events_requested: readonly string[] | null;
}

interface EventRow {
  readonly id: string;
  readonly position: number;
  readonly kind: EventKind;
  readonly at: string;
  readonly token_key: string | null;
  readonly grant_key: string | null;
  readonly session_uid: string | null;
  readonly account_id: string | null;
  readonly client_id: string | null;
  readonly stream_id: string | null;
  readonly state: string | null;
}

/** Streams in PostgreSQL, so that a receiver may go on at any node. What many do at the same moment is one statement. */
export function createEventStreams(pool: Pick<Pool, 'query'>): EventStreams {
  const read = batchReads<Asked, { stream: StreamRow; events: EventRow[] }>(pool, pending);
  const reach = batchSaves<Reached>(pool, advance, ({ id }) => id);
  const one = async (text: string, values: unknown[]) => {
    const { rows } = await pool.query<StreamRow>(text, values);
    return rows[0] && streamIn(rows[0]);
  };
  return {
    create: (clientId, { description, eventsRequested }) => one(CREATE, [clientId, description, eventsRequested]),
    async list(clientId) {
      const text = `select ${COLUMNS} from event_streams where client_id = $1 order by created_at, id`;
      return (await pool.query<StreamRow>(text, [clientId])).rows.map(streamIn);
    },
    find: (clientId, id) =>
      one(`select ${COLUMNS} from event_streams where client_id = $1 and id = $2`, [clientId, id]),
    update(clientId, id, settings) {
      const described = ['description' in settings, settings.description];
      const requested = ['eventsRequested' in settings, settings.eventsRequested];
      return one(UPDATE, [clientId, id, ...described, ...requested, settings.status, settings.reason]);
    },
    async remove(clientId, id) {
      const text = 'delete from event_streams where client_id = $1 and id = $2';
      return (await pool.query(text, [clientId, id])).rowCount === 1;
    },
    async pending(clientId, id) {
      const row = await read({ clientId, id });
      return row && { stream: streamIn(row.stream), events: row.events.map(eventIn) };
    },
    advance: (id, position) => reach({ id, position }),
    async verify(id, state) {
      const text = `insert into security_events (kind, stream_id, state) values ('verification', $1, $2)`;
      await pool.query({ name: 'event-stream-verify', text, values: [id, state] });
    },
  };
}

function streamIn(row: StreamRow): EventStream {
  return {
    id: row.id,
    position: row.position,
    status: row.status,
    reason: row.reason ?? undefined,
    description: row.description ?? undefined,
    eventsRequested: row.events_requested ?? undefined,
  };
}

function eventIn(row: EventRow): SecurityEvent {
  return {
    id: row.id,
    position: row.position,
    kind: row.kind,
    at: new Date(row.at),
    token: handleIn(row.token_key),
    grant: handleIn(row.grant_key),
    session: row.session_uid === null ? undefined : HANDLES.ofSession(row.session_uid),
    accountId: row.account_id ?? undefined,
    clientId: row.client_id ?? undefined,
    streamId: row.stream_id ?? undefined,
    state: row.state ?? undefined,
  };
}

/** As keys are written everywhere but in PostgreSQL. */
function handleIn(key: string | null): string | undefined {
  return key?.replaceAll('-', '');
}
