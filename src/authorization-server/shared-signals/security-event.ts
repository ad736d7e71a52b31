/**
 * What happens to tokens, in the words of the OpenID Shared Signals Framework 1.0, CAEP 1.0, RISC 1.0 and the OAuth Event
 * Types: docs/shared-signals.md says which word stands for what, and why.
 */
const CAEP = 'https://schemas.openid.net/secevent/caep/event-type';
const RISC = 'https://schemas.openid.net/secevent/risc/event-type';
const OAUTH = 'https://schemas.openid.net/secevent/oauth/event-type';
const SSF = 'https://schemas.openid.net/secevent/ssf/event-type';

/** Whatever ends, ends for good; of what has changed, introspection tells another story from now on. */
const EVENT_TYPES = {
  'token-ended': `${OAUTH}/token-revoked`,
  'grant-ended': `${OAUTH}/tokens-revoked`,
  'grant-changed': `${CAEP}/token-claims-change`,
  'session-ended': `${CAEP}/session-revoked`,
  'session-changed': `${CAEP}/token-claims-change`,
  'account-ended': `${CAEP}/session-revoked`,
  'account-disabled': `${RISC}/account-disabled`,
  'account-enabled': `${RISC}/account-enabled`,
  'account-deleted': `${RISC}/account-purged`,
  'account-changed': `${CAEP}/token-claims-change`,
  'client-ended': `${OAUTH}/client-disabled`,
  'client-changed': `${CAEP}/token-claims-change`,
  'directory-changed': `${CAEP}/token-claims-change`,
  verification: `${SSF}/verification`,
} as const;

export type EventKind = keyof typeof EVENT_TYPES;

/** Those that a receiver can ask for; it gets a verification whenever it asks for that. */
export const EVENTS_SUPPORTED: readonly string[] = [
  ...new Set(Object.entries(EVENT_TYPES).flatMap(([kind, uri]) => (kind === 'verification' ? [] : [uri]))),
];

/** It is about the tokens that have all of what it names; where it names nothing, about all tokens. */
export interface SecurityEvent {
  /** The `jti` of its SET. */
  readonly id: string;
  /** Events appear in this order. */
  readonly position: number;
  readonly kind: EventKind;
  readonly at: Date;
  /** Handles, as introspection tells them (`jti`, `grant_id`, `sid`). */
  readonly token: string | undefined;
  readonly grant: string | undefined;
  readonly session: string | undefined;
  readonly accountId: string | undefined;
  readonly clientId: string | undefined;
  /** Of a verification: the stream that it is for, and what its receiver said. */
  readonly streamId: string | undefined;
  readonly state: string | undefined;
}

export const eventTypeOf = ({ kind }: SecurityEvent): string => EVENT_TYPES[kind];

type Subject = Readonly<Record<string, unknown>>;

/** The claims of a security event token (RFC 8417 §2.2), but for whom it is meant. */
export function claimsOf(event: SecurityEvent, issuer: string): Readonly<Record<string, unknown>> {
  const uri = eventTypeOf(event);
  const details = {
    event_timestamp: Math.floor(event.at.getTime() / 1000),
    // CAEP §3.2 wants the claims named that have another value. Receivers ask for them, and none is told of others' data.
    ...(uri === `${CAEP}/token-claims-change` ? { claims: {} } : undefined),
    ...(event.state === undefined ? undefined : { state: event.state }),
  };
  return { iss: issuer, jti: event.id, sub_id: subjectOf(event, issuer), events: { [uri]: details } };
}

/** RFC 9493, and the formats that the Shared Signals Framework adds to it (§3). */
function subjectOf({ token, grant, session, accountId, clientId, streamId }: SecurityEvent, issuer: string): Subject {
  const opaque = (id: string): Subject => ({ format: 'opaque', id });
  const user = accountId === undefined ? undefined : { format: 'iss_sub', iss: issuer, sub: accountId };
  if (streamId !== undefined) {
    return opaque(streamId);
  }
  if (token !== undefined) {
    return { format: 'jwt_id', iss: issuer, jti: token };
  }
  const named = {
    ...(grant !== undefined && { grant: opaque(grant) }),
    ...(session !== undefined && { session: opaque(session) }),
    ...(user !== undefined && { user }),
    ...(clientId !== undefined && { application: opaque(clientId) }),
  };
  const names = Object.keys(named);
  if (names.length === 0) {
    return { format: 'uri', uri: issuer };
  }
  return user !== undefined && names.length === 1 ? user : { format: 'complex', ...named };
}
