import type { Pool, PoolClient } from 'pg';
import { inTransaction, isForeignKeyViolation } from '../../database/transaction.ts';
import type { Account, AccountStore } from '../accounts/account.ts';
import type { Lockout, ReservedAttempt, SignInStore, Success } from '../accounts/authenticate.ts';
import type { ManagedAccountStore, SavedAccount } from '../accounts/manage-accounts.ts';
import type { Person } from '../accounts/person.ts';
import { ACCOUNT_COLUMNS, type AccountColumns, accountIn } from './account-columns.ts';
import { endLinksOfAccount } from './mailed-links.ts';
import { PERSON_COLUMNS, type PersonRow, personIn } from './person-columns.ts';

const FIND_ACCOUNT = {
  name: 'find-account',
  text: `select a.account_id, ${ACCOUNT_COLUMNS} from accounts a where account_id = $1`,
};

const FIND_BY_EMAIL = {
  name: 'find-account-by-email',
  text: `select a.account_id, ${ACCOUNT_COLUMNS}, password_hash from accounts a where email_canonical = $1`,
};

/**
 * The commit does not wait for the disk: that wait would tell a known account, whose row is written, from an unknown one. The price
 * is small, a crash of the database forgets the failures of its last moment. Every `attempts` failures the throttle starts anew.
 */
const RESERVE_ATTEMPT = {
  name: 'reserve-sign-in-attempt',
  text: `
    with clock as (select coalesce($4::timestamptz, now()) as now, set_config('synchronous_commit', 'off', true)),
    reserved as (
      update accounts set
        failed_sign_ins = failed_sign_ins + 1,
        throttled_until = case when (failed_sign_ins + 1) % $2::integer = 0
          then clock.now + make_interval(secs => $3) end
      from clock
      where email_canonical = $1 and (throttled_until is null or throttled_until <= clock.now)
      returning account_id, password_hash)
    select a.account_id, reserved.password_hash, a.disabled_at is not null as disabled,
      reserved.account_id is null as throttled
    from accounts a left join reserved using (account_id) where a.email_canonical = $1`,
};

const RECORD_SUCCESS = {
  name: 'record-sign-in',
  text: `
    update accounts a set failed_sign_ins = 0, throttled_until = null, password_hash = coalesce($3, password_hash)
    where account_id = $1 and password_hash is not distinct from $2::text and disabled_at is null
    returning ${PERSON_COLUMNS}`,
};

const SAVE_ACCOUNT = `
  insert into accounts (account_id, email, email_canonical, email_verified, name, password_hash, claims)
  values ($1, $2, $3, $4, $5, $6, $7)
  on conflict (email_canonical) do update set
    email = excluded.email, email_verified = excluded.email_verified, name = excluded.name, updated_at = now(),
    claims = excluded.claims,
    password_hash = coalesce(excluded.password_hash, accounts.password_hash),
    failed_sign_ins = case when excluded.password_hash is null then accounts.failed_sign_ins else 0 end,
    throttled_until = case when excluded.password_hash is null then accounts.throttled_until end
  returning account_id`;

const SAVE_ROLES = `
  with removed as (delete from account_roles where account_id = $1 and role <> all ($2::text[]))
  insert into account_roles (account_id, role) select $1, unnest($2::text[]) on conflict do nothing`;

interface AccountRow extends AccountColumns {
  account_id: string;
}

interface ReservedRow {
  account_id: string;
  password_hash: string | null;
  disabled: boolean;
  throttled: boolean;
}

/** Accounts in PostgreSQL. Each method but `saveAccount` is one statement, and thereby atomic. */
export class PostgresAccountStore implements AccountStore, SignInStore, ManagedAccountStore {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async findAccount(accountId: string): Promise<Account | undefined> {
    if (!mayBeAccountId(accountId)) {
      return undefined;
    }
    const { rows } = await this.#pool.query<AccountRow>({ ...FIND_ACCOUNT, values: [accountId] });
    return rows[0] && accountIn(rows[0].account_id, rows[0]);
  }

  async findByEmail(canonicalEmail: string): ReturnType<ManagedAccountStore['findByEmail']> {
    const { rows } = await this.#pool.query<AccountRow & { password_hash: string | null }>({
      ...FIND_BY_EMAIL,
      values: [canonicalEmail],
    });
    return rows[0] && { ...accountIn(rows[0].account_id, rows[0]), passwordHash: rows[0].password_hash ?? undefined };
  }

  async reserveAttempt(
    email: string,
    { attempts, seconds }: Lockout,
    now?: Date,
  ): Promise<ReservedAttempt | undefined> {
    const { rows } = await this.#pool.query<ReservedRow>({
      ...RESERVE_ATTEMPT,
      values: [email, attempts, seconds, now],
    });
    return (
      rows[0] && {
        accountId: rows[0].account_id,
        passwordHash: rows[0].password_hash ?? undefined,
        disabled: rows[0].disabled,
        throttled: rows[0].throttled,
      }
    );
  }

  async recordSuccess(success: Success): Promise<Person | undefined> {
    const { rows } = await this.#pool.query<PersonRow>({
      ...RECORD_SUCCESS,
      values: [success.accountId, success.passwordHash, success.newHash],
    });
    return rows[0] && personIn(rows[0]);
  }

  async saveAccount(account: SavedAccount): Promise<Account | undefined> {
    try {
      return await inTransaction(this.#pool, (client) => saveWithRoles(client, account));
    } catch (error) {
      if (isForeignKeyViolation(error)) {
        return undefined;
      }
      throw error;
    }
  }

  async setDisabled(accountId: string, disabled: boolean): Promise<boolean> {
    if (!mayBeAccountId(accountId)) {
      return false;
    }
    const { rowCount } = await this.#pool.query(
      // Mailed links do not come back with the account: whoever it was disabled for may have asked for them.
      `with links as (
         delete from mailed_links where account_id = $1 and $2 and purpose in ('password', 'email'))
       update accounts set updated_at = now(), disabled_at = case when $2 then coalesce(disabled_at, now()) end
       where account_id = $1`,
      [accountId, disabled],
    );
    return rowCount === 1;
  }

  async deleteAccount(accountId: string): Promise<boolean> {
    if (!mayBeAccountId(accountId)) {
      return false;
    }
    const { rowCount } = await this.#pool.query('delete from accounts where account_id = $1', [accountId]);
    return rowCount === 1;
  }
}

/** The first statement locks the account; only a second one sees the roles that somebody saved just before. */
async function saveWithRoles(
  client: PoolClient,
  { accountId, email, canonicalEmail, emailVerified, name, passwordHash, roles, claims }: SavedAccount,
): Promise<Account | undefined> {
  const account = [accountId, email, canonicalEmail, emailVerified, name, passwordHash, claims];
  const saved = await client.query<{ account_id: string }>(SAVE_ACCOUNT, account);
  const id = saved.rows[0]?.account_id;
  await client.query(SAVE_ROLES, [id, roles]);
  if (id !== undefined && passwordHash !== undefined) {
    await client.query(endLinksOfAccount(id, ['password', 'email']));
  }
  const { rows } = await client.query<AccountRow>({ ...FIND_ACCOUNT, values: [id] });
  return rows[0] && accountIn(rows[0].account_id, rows[0]);
}

/** PostgreSQL refuses a NUL in a text: no account has such an id, and asking would be an error. Ours are UUIDs. */
function mayBeAccountId(accountId: string): boolean {
  return accountId.length <= 64 && !accountId.includes('\0');
}
