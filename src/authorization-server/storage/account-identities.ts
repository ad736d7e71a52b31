import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { isUniqueViolation } from '../../database/transaction.ts';
import type { Account } from '../accounts/account.ts';
import type { Identity, IdentityStore, LinkedIdentity, NewAccount } from '../accounts/identities.ts';
import { ACCOUNT_COLUMNS, type AccountColumns, accountIn } from './account-columns.ts';

const FIND = {
  name: 'find-account-by-identity',
  text: `select a.account_id, ${ACCOUNT_COLUMNS} from account_identities i join accounts a using (account_id)
    where i.provider = $1 and i.subject = $2`,
};

/** Says whether the identity is the account's now: that it was is as good as that it is. */
const LINK = `
  with linked as (
    insert into account_identities (provider, subject, account_id, email) values ($1, $2, $3, $4)
    on conflict do nothing returning account_id)
  select 1 from linked
  union all select 1 from account_identities where provider = $1 and subject = $2 and account_id = $3`;

/** All of it or nothing: whoever comes second, with the same email or the same identity, finds it taken. */
const CREATE = `
  with taken as (select 1 from account_identities where provider = $1 and subject = $2),
  created as (
    insert into accounts (account_id, email, email_canonical, email_verified, name)
    select $3, $5, $6, true, $7 where not exists (select from taken)
    on conflict (email_canonical) do nothing returning account_id),
  identity as (
    insert into account_identities (provider, subject, account_id, email) select $1, $2, account_id, $4 from created)
  insert into account_roles (account_id, role)
  select created.account_id, roles.name from created join roles on roles.name = any ($8::text[])`;

const UNLINK = `
  with unlinked as (
    delete from account_identities i using accounts a
    where i.account_id = $1 and i.provider = $2 and a.account_id = $1 and (
      a.password_hash is not null
      or exists (select from account_identities other where other.account_id = $1 and other.provider <> $2))
    returning i.provider)
  select exists (select from unlinked) as unlinked from account_identities where account_id = $1 and provider = $2`;

interface Row extends AccountColumns {
  readonly account_id: string;
}

/** Links in PostgreSQL; each method takes effect as a whole. */
export class PostgresIdentityStore implements IdentityStore {
  readonly #pool: Pick<Pool, 'query'>;

  constructor(pool: Pick<Pool, 'query'>) {
    this.#pool = pool;
  }

  async findByIdentity({ provider, subject }: Pick<Identity, 'provider' | 'subject'>): Promise<Account | undefined> {
    const { rows } = await this.#pool.query<Row>({ ...FIND, values: [provider, subject] });
    return rows[0] && accountIn(rows[0].account_id, rows[0]);
  }

  async link(accountId: string, { provider, subject, email }: Identity): Promise<boolean> {
    const { rowCount } = await this.#pool.query(LINK, [provider, subject, accountId, email]);
    return (rowCount ?? 0) > 0;
  }

  async createAccount(account: NewAccount, identity: Identity): Promise<Account | undefined> {
    const { provider, subject } = identity;
    const { email, canonicalEmail, name, roles } = account;
    const accountId = randomUUID();
    try {
      const values = [provider, subject, accountId, identity.email, email, canonicalEmail, name, roles];
      await this.#pool.query(CREATE, values);
    } catch (error) {
      // The same person twice at once: the statement of the second one waited for the first, and found it there.
      if (!isUniqueViolation(error)) {
        throw error;
      }
      return undefined;
    }
    const created = await this.findByIdentity(identity);
    return created?.accountId === accountId ? created : undefined;
  }

  async identitiesOf(accountId: string): Promise<readonly LinkedIdentity[]> {
    const { rows } = await this.#pool.query<Identity & { linked_at: Date }>(
      'select provider, subject, email, linked_at from account_identities where account_id = $1 order by linked_at',
      [accountId],
    );
    return rows.map(({ linked_at: linkedAt, ...identity }) => ({ ...identity, linkedAt }));
  }

  async unlink(accountId: string, provider: string): ReturnType<IdentityStore['unlink']> {
    const { rows } = await this.#pool.query<{ unlinked: boolean }>(UNLINK, [accountId, provider]);
    return rows[0] === undefined ? 'not_linked' : rows[0].unlinked ? 'unlinked' : 'only_way';
  }
}
