import { hash } from 'node:crypto';
import type { AdapterPayload, InteractionResults } from 'oidc-provider';
import type { Sealing } from './sealing.ts';

/** One row of `artifacts`, without its times. */
export interface ArtifactRow {
  readonly key: string;
  readonly kind: string;
  readonly grant_id: string | null;
  readonly account_id: string | null;
  readonly client_id: string | null;
  readonly uid: string | null;
  readonly user_code: string | null;
  readonly session_uid: string | null;
  readonly payload: string;
}

/**
 * How an artifact is written at rest, so that a copy of the database yields nothing that opens a door:
 *
 * - ids are hashed, and `jti`, which repeats the id, is left out of the payload and put back when it is found by id;
 * - an interaction is sealed whole under a key made with its id: it holds the session cookie, the device code and
 *   the URL to resume at, and only who presents the id may read it; whose sign-in it is stands beside it, so that it
 *   ends with everything else of that account, and in which session, so that it is read with it;
 * - so is a pushed request: it was handed over so that nobody else sees it;
 * - device codes and CIBA requests are also found by what the person types, and saving them then needs their id: it
 *   travels sealed in the payload, and so does what a session remembers of a sign-out or a sign-in under way.
 */
export interface ArtifactPayload {
  keyOf(kind: string, id: string): string;
  /** What `user_code` may hold for this code: one value for each secret. */
  userCodes(userCode: string): readonly string[];
  toRow(kind: string, id: string, payload: AdapterPayload): ArtifactRow;
  /** `id` is absent where the row was found by something else. `undefined` when no secret opens it. */
  fromRow(kind: string, id: string | undefined, stored: string): AdapterPayload | undefined;
}

const SEALED_WHOLE = new Set(['Interaction', 'PushedAuthorizationRequest']);

const SEALED_FIELDS: Readonly<Record<string, readonly string[]>> = {
  DeviceCode: ['jti', 'userCode'],
  BackchannelAuthenticationRequest: ['jti', 'userCode'],
  Session: ['state'],
};

export function createArtifactPayload(sealing: Sealing): ArtifactPayload {
  const userCodes = (userCode: string) => sealing.macs('user code', userCode);
  return {
    keyOf: keyOfArtifact,
    userCodes,
    toRow(kind, id, payload) {
      const sealed = SEALED_WHOLE.has(kind);
      const plain = sealed ? { accountId: accountOf(payload) } : payload;
      return {
        key: keyOfArtifact(kind, id),
        kind,
        grant_id: plain.grantId === undefined ? null : keyOfArtifact('Grant', plain.grantId),
        account_id: plain.accountId ?? null,
        client_id: plain.clientId ?? null,
        uid: plain.uid ?? null,
        user_code: plain.userCode === undefined ? null : (userCodes(plain.userCode)[0] ?? null),
        session_uid: sealed ? (payload.session?.uid ?? null) : null,
        payload: sealed ? sealing.seal(kind, JSON.stringify(payload), id) : sealFields(sealing, kind, payload),
      };
    },
    fromRow(kind, id, stored) {
      if (SEALED_WHOLE.has(kind)) {
        return id === undefined ? undefined : parse(sealing.open(kind, stored, id));
      }
      const { sealed, ...payload } = JSON.parse(stored);
      const jti = id === undefined ? {} : { jti: id };
      if (sealed === undefined) {
        return { ...payload, ...jti };
      }
      const fields = parse(sealing.open(kind, sealed));
      return fields && { ...payload, ...fields, ...jti };
    },
  };
}

/** Of an interaction: who has just signed in and is about to come back with it, or else who is signed in. */
function accountOf({ result, session }: AdapterPayload): string | undefined {
  return (result as InteractionResults | undefined)?.login?.accountId ?? session?.accountId;
}

function sealFields(sealing: Sealing, kind: string, payload: AdapterPayload): string {
  const names = SEALED_FIELDS[kind] ?? [];
  const { jti: _repeatsTheId, ...plain } = payload;
  const fields = Object.entries(payload).filter(([name, value]) => names.includes(name) && value !== undefined);
  if (fields.length === 0) {
    return JSON.stringify(plain);
  }
  const rest = Object.entries(plain).filter(([name]) => !names.includes(name));
  return JSON.stringify({
    ...Object.fromEntries(rest),
    sealed: sealing.seal(kind, JSON.stringify(Object.fromEntries(fields))),
  });
}

function parse(opened: string | undefined): AdapterPayload | undefined {
  return opened === undefined ? undefined : JSON.parse(opened);
}

export function keyOfArtifact(kind: string, id: string): string {
  return hash('sha256', `${kind}\0${id}`, 'hex').slice(0, 32);
}
