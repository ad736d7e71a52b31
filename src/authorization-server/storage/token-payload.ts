import { hash } from 'node:crypto';
import type { AdapterPayload } from 'oidc-provider';
import { slotOfId } from './token-slot.ts';
import type { FoundToken, TokenPlace } from './token-statements.ts';

/** The kinds that are written once and end by themselves. */
export const TOKEN_KINDS = ['AccessToken', 'ClientCredentials', 'RefreshToken', 'AuthorizationCode'] as const;

export interface TokenRow extends TokenPlace {
  readonly kind: string;
  readonly grant_id: string | null;
  readonly account_id: string | null;
  readonly client_id: string | null;
  readonly session_uid: string | null;
  readonly payload: string;
}

/**
 * The key does not depend on the kind: who asks about a token does not know it, and one look must do. The id has 224
 * random bits, so the hash cannot be turned back into it.
 */
export function placeOf(id: string): TokenPlace {
  return { slot: slotOfId(id), key: hash('sha256', `Token\0${id}`, 'hex').slice(0, 32) };
}

/** `jti` repeats the id, which is worth what it opens; what stands in a column need not be written twice. */
export function toTokenRow(kind: string, id: string, payload: AdapterPayload, grantKey: string | null): TokenRow {
  const { jti: _id, kind: _kind, accountId, clientId, sessionUid, ...rest } = payload;
  return {
    ...placeOf(id),
    kind,
    grant_id: grantKey,
    account_id: accountId ?? null,
    client_id: clientId ?? null,
    session_uid: sessionUid ?? null,
    payload: JSON.stringify(rest),
  };
}

export function fromTokenRow(id: string, row: FoundToken): AdapterPayload {
  return {
    ...JSON.parse(row.payload),
    jti: id,
    ...(row.account_id === null ? undefined : { accountId: row.account_id }),
    ...(row.client_id === null ? undefined : { clientId: row.client_id }),
    ...(row.session_uid === null ? undefined : { sessionUid: row.session_uid }),
  };
}
