import type { Readable } from 'node:stream';
import { z } from 'zod';
import { type EventStreams, MOST_READ, type PendingEvents } from './event-stream.ts';
import { claimsOf, eventTypeOf, type SecurityEvent } from './security-event.ts';
import type { PollAnswer, WaitingPolls } from './waiting-polls.ts';

/** A resource server, by its own client. */
export interface Receiver {
  readonly clientId: string;
  /** Its identifier, for which SETs are meant. */
  readonly audience: string;
}

const Jti = z.string().max(100);

/** RFC 8936 §2.2. */
export const PollRequest = z.object({
  maxEvents: z.int().min(0).max(MOST_READ).default(100),
  returnImmediately: z.boolean().default(false),
  ack: z.array(Jti).max(1000).default([]),
  setErrs: z.record(Jti, z.looseObject({ err: z.string().max(100) })).default({}),
});
export type PollRequest = z.infer<typeof PollRequest>;

export interface PollDeps {
  readonly issuer: string;
  readonly streams: Pick<EventStreams, 'pending' | 'advance'>;
  readonly waitingPolls: Pick<WaitingPolls, 'wait'>;
  /** As a SET (RFC 8417), signed by one of this server's keys. */
  readonly sign: (claims: Readonly<Record<string, unknown>>) => Promise<string>;
}

/** `undefined` where the receiver has no such stream; a body where it waits for events. Throws `CannotTell`. */
export type Poll = (
  receiver: Receiver,
  streamId: string,
  request: PollRequest,
) => Promise<PollAnswer | Readable | undefined>;

/**
 * Poll-based delivery (RFC 8936). A stream is a position in the order of all events: it moves on past what its receiver has
 * acknowledged, or could not use and says so, and what is none of its business. What comes behind something that was not
 * acknowledged is sent again with that.
 */
export function createPoll({ issuer, streams, waitingPolls, sign }: PollDeps): Poll {
  return async (receiver, streamId, { maxEvents, returnImmediately, ack, setErrs }) => {
    const settled = new Set([...ack, ...Object.keys(setErrs)]);
    let isSettled = false;
    const look = async (): Promise<PollAnswer | undefined> => {
      const pending = await streams.pending(receiver.clientId, streamId);
      if (pending === undefined) {
        return undefined;
      }
      const reached = positionReached(pending, settled);
      if (!isSettled || reached - pending.stream.position >= MOST_READ) {
        isSettled = true;
        await streams.advance(streamId, reached);
      }
      const isAll = pending.events.length < MOST_READ;
      if (!isAll && pending.events.at(-1)?.position === reached) {
        return look(); // Nothing of it is for this receiver, and there is more.
      }
      const due = pending.events.filter((event) => event.position > reached && isFor(pending, event));
      const unsettled = pending.stream.status === 'enabled' ? due.filter(({ id }) => !settled.has(id)) : [];
      const told = unsettled.slice(0, maxEvents);
      const sets = await Promise.all(
        told.map(async (event) => [event.id, await sign({ ...claimsOf(event, issuer), aud: receiver.audience })]),
      );
      const moreAvailable = unsettled.length > told.length || (!isAll && told.length > 0);
      return { sets: Object.fromEntries(sets), ...(moreAvailable && { moreAvailable }) };
    };
    return returnImmediately || maxEvents === 0 ? look() : waitingPolls.wait(streamId, look);
  };
}

/** Of the last event before the first one that the receiver still has to be told. */
function positionReached(pending: PendingEvents, settled: ReadonlySet<string>): number {
  const { stream, events } = pending;
  const next = events.findIndex((event) => isFor(pending, event) && !settled.has(event.id));
  const last = next < 0 ? events.at(-1) : events[next - 1];
  return last?.position ?? stream.position;
}

function isFor({ stream }: PendingEvents, event: SecurityEvent): boolean {
  if (event.streamId !== undefined) {
    return event.streamId === stream.id;
  }
  return stream.status !== 'disabled' && (stream.eventsRequested?.includes(eventTypeOf(event)) ?? true);
}
