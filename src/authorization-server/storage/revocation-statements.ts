import type { QueryConfig } from 'pg';
import { KEEP_ENDED } from './ended-sessions.ts';
import { note } from './security-events.ts';
import type { TokenPlace } from './token-statements.ts';

/**
 * Ending what belongs together, in one statement each, so that it ends at one moment. Tokens are marked, because a retry
 * of what saved them must not bring them back; the rest is deleted, but for a grant that a consent may be about to save:
 * that is kept as ended for longer than any request takes. Tokens are locked in the order in which batches lock them
 * (batched.ts), or the two would wait for each other.
 */
export const ENDED = `consumed_at = clock_timestamp(), expires_at = least(expires_at, now() + interval '1 hour')`;

const revokeTokens = (of: string) => `update tokens set revoked_at = now() from ${of}
  where tokens.slot = ${of}.slot and tokens.key = ${of}.key`;

export const REVOKE_FAMILY = revokeTokens('family');

export function lockedTokens(condition: string): string {
  return `select slot, key from tokens where ${condition} and revoked_at is null order by key for no key update`;
}

/** Everything that came of a grant, the grant itself excepted: the engine decides whether that goes too. */
export const revokeByGrantId = (grantKey: string): QueryConfig => ({
  name: 'revoke-by-grant',
  text: `with family as (${lockedTokens('grant_id = $1')}), revoked as (${REVOKE_FAMILY}),
      noted as (${note('grant-ended', 'grant_key')} $1::uuid from family)
    delete from artifacts where grant_id = $1`,
  values: [grantKey],
});

export const endGrant = (key: string): QueryConfig => ({
  name: 'end-grant',
  text: `with ended as (update artifacts set ${ENDED} where key = $1 and consumed_at is null returning key)
    ${note('grant-ended', 'grant_key')} key from ended`,
  values: [key],
});

/** The grant of a code and everything that came of it. A token saved after this has no grant and is refused. */
export const revokeGrantOf = ({ slot, key }: TokenPlace): QueryConfig => ({
  name: 'revoke-grant-of',
  text: `with origin as (select grant_id from tokens where slot = $1 and key = $2 and grant_id is not null),
      family as (${lockedTokens('grant_id = (select grant_id from origin)')}), revoked as (${REVOKE_FAMILY}),
      members as (delete from artifacts using origin where artifacts.grant_id = origin.grant_id),
      noted as (${note('grant-ended', 'grant_key')} grant_id from origin, family)
    update artifacts set ${ENDED} from origin where artifacts.key = origin.grant_id and consumed_at is null`,
  values: [slot, key],
});

/** A session that was given another key in the meantime still has its uid. */
export const endSession = (key: string, uid: string | undefined): QueryConfig => ({
  name: 'end-session',
  text: `with ended as (delete from artifacts where key = $1 or (uid = $2 and kind = 'Session') returning kind, uid)
    ${note('session-ended', 'session_uid')} uid from ended where kind = 'Session' and uid is not null`,
  values: [key, uid ?? null],
});

export const revokeByAccountId = (accountId: string): QueryConfig => ({
  name: 'revoke-by-account',
  text: `with grants as (
        update artifacts set ${ENDED} where account_id = $1 and kind = 'Grant' and consumed_at is null returning key),
      ended as (delete from artifacts where account_id = $1 and kind <> 'Grant' returning kind, uid, payload),
      kept as (${KEEP_ENDED}),
      family as (${lockedTokens('grant_id = any (array(select grants.key from grants))')}), granted as (${REVOKE_FAMILY}),
      ungranted as (${lockedTokens('account_id = $1 and grant_id is null')}),
      others as (${revokeTokens('ungranted')}),
      noted as (${note('account-ended', 'account_id')} $1
        where exists (select from grants) or exists (select from ended) or exists (select from ungranted))
    select from grants`,
  values: [accountId],
});

/** Looks at every token: clients end rarely, and each index would cost every token something. */
export const revokeByClientId = (clientId: string): QueryConfig => ({
  name: 'revoke-by-client',
  text: `with grants as (update artifacts set ${ENDED} where client_id = $1 and kind = 'Grant'),
      others as (delete from artifacts where client_id = $1 and kind <> 'Grant'),
      noted as (${note('client-ended', 'client_id')} $1)
    update tokens set revoked_at = now() where client_id = $1 and revoked_at is null`,
  values: [clientId],
});

/** Of a client that is gone: nobody takes a token of it any more, so the few that hang on no grant may run out. */
export const endGrantsOfClient = (clientId: string): QueryConfig => ({
  name: 'end-grants-of-client',
  text: `with grants as (update artifacts set ${ENDED} where client_id = $1 and kind = 'Grant' returning key),
      family as (${lockedTokens('grant_id = any (array(select grants.key from grants))')}), revoked as (${REVOKE_FAMILY}),
      noted as (${note('client-ended', 'client_id')} $1 from grants)
    delete from artifacts using grants where artifacts.grant_id = grants.key`,
  values: [clientId],
});

/** What clients were allowed by an account, but for one client: the console that the account holder is in. */
export const endGrantsOfAccount = (accountId: string, keptClientId: string): QueryConfig => ({
  name: 'end-grants-of-account',
  text: `with grants as (
        update artifacts set ${ENDED}
        where account_id = $1 and kind = 'Grant' and client_id <> $2 and consumed_at is null returning key),
      others as (delete from artifacts using grants where artifacts.grant_id = grants.key),
      family as (${lockedTokens('grant_id = any (array(select grants.key from grants))')}), granted as (${REVOKE_FAMILY}),
      ungranted as (${lockedTokens('account_id = $1 and grant_id is null')}),
      other_tokens as (${revokeTokens('ungranted')}),
      noted as (${note('account-ended', 'account_id')} $1
        where exists (select from grants) or exists (select from ungranted))
    select from grants`,
  values: [accountId, keptClientId],
});
