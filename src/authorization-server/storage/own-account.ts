import type { Pool } from 'pg';
import { inTransaction } from '../../database/transaction.ts';
import type { OwnAccountStore } from '../accounts/own-account.ts';

/** JavaScript's times have milliseconds, the database's microseconds. */
const SAVE_PROFILE = `
  update accounts set name = $2, claims = $3, updated_at = now()
  where account_id = $1 and date_trunc('milliseconds', updated_at) = $4`;

/** Whoever waits for one of these rows sees afterwards which of them are still there. */
const LOCK_ADMINISTRATORS = `
  select account_id from account_roles where role = $1 order by account_id for update`;

const DELETE_UNLESS_LAST = `
  delete from accounts a where account_id = $1 and (
    not exists (select from account_roles r where r.account_id = a.account_id and r.role = $2)
    or exists (select from account_roles r join accounts other using (account_id)
      where r.role = $2 and other.account_id <> a.account_id and other.disabled_at is null))`;

/** `administrator` is the role that somebody has to keep. */
export function createOwnAccountStore(pool: Pool, administrator: string): OwnAccountStore {
  return {
    async saveProfile(accountId, { name, claims }, unchangedSince) {
      const values = [accountId, name, JSON.stringify(claims), unchangedSince];
      const { rowCount } = await pool.query(SAVE_PROFILE, values);
      return rowCount === 1;
    },
    deleteOwn(accountId) {
      return inTransaction(pool, async (client) => {
        await client.query(LOCK_ADMINISTRATORS, [administrator]);
        const { rowCount } = await client.query(DELETE_UNLESS_LAST, [accountId, administrator]);
        const stays =
          rowCount === 0 &&
          (await client.query('select from accounts where account_id = $1', [accountId])).rowCount === 1;
        return stays ? 'last-administrator' : 'deleted';
      });
    },
  };
}
