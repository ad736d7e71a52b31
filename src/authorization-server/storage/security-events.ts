import type { EventKind } from '../shared-signals/security-event.ts';

/** What an event may name. It is about the tokens that have all of it. */
type Named = 'token_key' | 'grant_key' | 'session_uid' | 'account_id' | 'client_id';

/**
 * For a statement that makes wrong what resource servers know about tokens: the beginning of an insert that tells them, and
 * takes effect with it. What the event names follows: `${note('grant-ended', 'grant_key')} key from grants`. Tokens that end
 * together are one event, about what they have in common.
 */
export function note(kind: EventKind, ...named: readonly Named[]): string {
  return `insert into security_events (${['kind', ...named].join(', ')}) select distinct '${kind}'${named.length > 0 ? ',' : ''}`;
}

/** At most so many of those that are older than receivers may lag behind, and every stream that has not passed them by. */
export const removeOldEvents = (seconds: number, limit: number) => ({
  name: 'security-events-remove-old',
  text: `with old as (
      select id from security_events where at < now() - make_interval(secs => $1) and position is not null
      order by at limit $2 for update skip locked),
    removed as (delete from security_events using old where security_events.id = old.id returning position),
    left_behind as (delete from event_streams where position < (select max(position) from removed))
    select position from removed`,
  values: [seconds, limit],
});

/** At most so many that nobody has polled for so long. */
export const removeAbandonedStreams = (seconds: number, limit: number) => ({
  name: 'event-streams-remove-abandoned',
  text: `with abandoned as (
      select id from event_streams where seen_at < now() - make_interval(secs => $1) limit $2 for update skip locked)
    delete from event_streams using abandoned where event_streams.id = abandoned.id`,
  values: [seconds, limit],
});
