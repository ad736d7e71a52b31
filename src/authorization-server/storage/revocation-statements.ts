import type { QueryConfig } from 'pg';
import type { TokenPlace } from './token-statements.ts';

/**
 * Ending what belongs together, in one statement each, so that it ends at one moment. Tokens are marked, because a retry
 * of what saved them must not bring them back; the rest is deleted, but for a grant that a consent may be about to save:
 * that is kept as ended for longer than any request takes.
 */
const ENDED = `consumed_at = clock_timestamp(), expires_at = least(expires_at, now() + interval '1 hour')`;

/** Everything that came of a grant, the grant itself excepted: the engine decides whether that goes too. */
export const revokeByGrantId = (grantKey: string): QueryConfig => ({
  name: 'revoke-by-grant',
  text: `with tokens as (update tokens set revoked_at = now() where grant_id = $1 and revoked_at is null)
    delete from artifacts where grant_id = $1`,
  values: [grantKey],
});

export const endGrant = (key: string): QueryConfig => ({
  name: 'end-grant',
  text: `update artifacts set ${ENDED} where key = $1 and consumed_at is null`,
  values: [key],
});

/** The grant of a code and everything that came of it. A token saved after this has no grant and is refused. */
export const revokeGrantOf = ({ slot, key }: TokenPlace): QueryConfig => ({
  name: 'revoke-grant-of',
  text: `with family as (select grant_id from tokens where slot = $1 and key = $2 and grant_id is not null),
      revoked as (update tokens set revoked_at = now() from family
        where tokens.grant_id = family.grant_id and tokens.revoked_at is null),
      members as (delete from artifacts using family where artifacts.grant_id = family.grant_id)
    update artifacts set ${ENDED} from family where artifacts.key = family.grant_id and consumed_at is null`,
  values: [slot, key],
});

/** A session that was given another key in the meantime still has its uid. */
export const endSession = (key: string, uid: string | undefined): QueryConfig => ({
  name: 'end-session',
  text: `delete from artifacts where key = $1 or (uid = $2 and kind = 'Session')`,
  values: [key, uid ?? null],
});

export const revokeByAccountId = (accountId: string): QueryConfig => ({
  name: 'revoke-by-account',
  text: `with ended as (delete from artifacts where account_id = $1 returning key),
      granted as (update tokens set revoked_at = now() from ended
        where tokens.grant_id = ended.key and tokens.revoked_at is null)
    update tokens set revoked_at = now() where account_id = $1 and grant_id is null and revoked_at is null`,
  values: [accountId],
});

/** Looks at every token: clients end rarely, and each index would cost every token something. */
export const revokeByClientId = (clientId: string): QueryConfig => ({
  name: 'revoke-by-client',
  text: `with ended as (delete from artifacts where client_id = $1)
    update tokens set revoked_at = now() where client_id = $1 and revoked_at is null`,
  values: [clientId],
});
