import type { SecurityEvent } from './security-event.ts';

/** Shared Signals Framework §8.1.2. A paused stream keeps its events for later, a disabled one does not. */
export const STREAM_STATUSES = ['enabled', 'paused', 'disabled'] as const;
export type StreamStatus = (typeof STREAM_STATUSES)[number];

/** One for each process of a resource server that listens. */
export interface EventStream {
  readonly id: string;
  /** Of the last event that its receiver has acknowledged, and all before it. */
  readonly position: number;
  readonly status: StreamStatus;
  readonly reason: string | undefined;
  readonly description: string | undefined;
  /** URIs; `undefined` for all that there are. */
  readonly eventsRequested: readonly string[] | undefined;
}

export type StreamSettings = Pick<EventStream, 'description' | 'eventsRequested'>;

export interface PendingEvents {
  readonly stream: EventStream;
  /** Those after its position, in order: its own, and others' that it is not told. At most `MOST_READ`. */
  readonly events: readonly SecurityEvent[];
}

export const MOST_READ = 200;

/** Whose streams they are is part of everything: a client finds its own only. */
export interface EventStreams {
  /** From now on: events that are committed later have a later position. `undefined` when the client has too many. */
  create(clientId: string, settings: StreamSettings): Promise<EventStream | undefined>;
  list(clientId: string): Promise<readonly EventStream[]>;
  find(clientId: string, id: string): Promise<EventStream | undefined>;
  /** One that was disabled goes on from now. */
  update(
    clientId: string,
    id: string,
    settings: Partial<StreamSettings & Pick<EventStream, 'status' | 'reason'>>,
  ): Promise<EventStream | undefined>;
  remove(clientId: string, id: string): Promise<boolean>;
  pending(clientId: string, id: string): Promise<PendingEvents | undefined>;
  /** Notes that the stream is in use, and how far. Never takes it back. */
  advance(id: string, position: number): Promise<void>;
  /** Has an event sent over this stream alone. */
  verify(id: string, state: string | undefined): Promise<void>;
}

/** Tells when there may be new events. */
export interface EventFeed {
  /** Whether followers have been told of all that had happened until a moment ago. */
  readonly isCurrent: boolean;
  /** `changed` is called whenever there may be new events, and `lost` when nobody can tell any more. Throws when nobody can. */
  follow(follower: Follower): Promise<{ stop(): void }>;
}

export interface Follower {
  changed(): void;
  lost(): void;
}
