import { z } from 'zod';
import { type EventStream, STREAM_STATUSES } from './event-stream.ts';
import { EVENTS_SUPPORTED } from './security-event.ts';

/** Where the endpoints are, below the issuer. */
export const SSF_PATHS = {
  metadata: '/.well-known/ssf-configuration',
  streams: '/ssf/streams',
  status: '/ssf/status',
  verify: '/ssf/verify',
  poll: '/ssf/poll',
} as const;

/** RFC 8936. Receivers behind firewalls, which guards mostly are, can be reached no other way: docs/decisions/0009. */
const POLL = 'urn:ietf:rfc:8936';

/** Seconds. A receiver that asks more often is refused. */
export const VERIFICATION_INTERVAL = 10;

/** Seconds: for so long events are kept, and streams that nobody polls. */
export const LONGEST_LAG = 3600;

const StreamId = z.uuid();

/** PostgreSQL refuses a NUL. */
const text = (longest: number) =>
  z
    .string()
    .max(longest)
    .refine((value) => !value.includes('\0'), 'contains a NUL character');

const Described = z.object({
  delivery: z.object({ method: z.literal(POLL, 'this server delivers by poll only, urn:ietf:rfc:8936') }).optional(),
  events_requested: z.array(text(200)).max(50).optional(),
  description: text(200).optional(),
});

/** What a receiver says; what else is there is the transmitter's to say (SSF 1.0 §8.1.1). */
export const NewStream = Described;
export const ChangedStream = Described.extend({ stream_id: StreamId });
export const ChangedStatus = z.object({
  stream_id: StreamId,
  status: z.enum(STREAM_STATUSES),
  reason: text(200).optional(),
});
export const Verification = z.object({ stream_id: StreamId, state: text(1000).optional() });
export const StreamQuery = z.object({ stream_id: StreamId });

/** SSF 1.0 §8.1.1. */
export function streamConfiguration(stream: EventStream, issuer: string, audience: string) {
  const { id, description, eventsRequested } = stream;
  return {
    stream_id: id,
    iss: issuer,
    aud: audience,
    delivery: { method: POLL, endpoint_url: `${issuer}${SSF_PATHS.poll}?stream_id=${id}` },
    events_supported: EVENTS_SUPPORTED,
    ...(eventsRequested && { events_requested: eventsRequested }),
    events_delivered: EVENTS_SUPPORTED.filter((uri) => eventsRequested?.includes(uri) ?? true),
    min_verification_interval: VERIFICATION_INTERVAL,
    inactivity_timeout: LONGEST_LAG,
    ...(description !== undefined && { description }),
  };
}

export function streamStatus({ id, status, reason }: EventStream) {
  return { stream_id: id, status, ...(reason !== undefined && { reason }) };
}

/** SSF 1.0 §7.1. */
export function transmitterMetadata(issuer: string) {
  return {
    spec_version: '1_0',
    issuer,
    jwks_uri: `${issuer}/jwks`,
    delivery_methods_supported: [POLL],
    configuration_endpoint: issuer + SSF_PATHS.streams,
    status_endpoint: issuer + SSF_PATHS.status,
    verification_endpoint: issuer + SSF_PATHS.verify,
    authorization_schemes: [{ spec_urn: 'urn:ietf:rfc:7617' }],
    default_subjects: 'ALL',
  };
}
