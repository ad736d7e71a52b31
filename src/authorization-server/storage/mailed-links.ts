import { createHash } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import { inTransaction, isUniqueViolation } from '../../database/transaction.ts';
import type { Account } from '../accounts/account.ts';
import type { InvitationStore, ListedInvitation } from '../self-service/invitations.ts';
import type {
  ChangeToUndo,
  LinkPurpose,
  MailedLink,
  MailedLinkStore,
  NewAccount,
  NewLink,
} from '../self-service/mailed-link.ts';
import { ACCOUNT_COLUMNS, type AccountColumns, accountIn } from './account-columns.ts';
import { PostgresOutbox } from './outbox.ts';
import type { Sealing } from './sealing.ts';

const PURPOSE = 'mailed link';

const ADD = `
  insert into mailed_links
    (token_hash, purpose, account_id, email, email_canonical, roles, sealed, expires_at, created_at)
  values ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8), clock_timestamp())
  on conflict (email_canonical) where purpose = 'invitation' do update set
    token_hash = excluded.token_hash, email = excluded.email, roles = excluded.roles, sealed = excluded.sealed,
    created_at = now(), expires_at = excluded.expires_at`;

const FIND = `
  select purpose, account_id, email, email_canonical, roles, sealed from mailed_links
  where token_hash = $1 and expires_at > now() and not exists (
    select from accounts where accounts.account_id = mailed_links.account_id and disabled_at is not null)`;

const USE_TO_CREATE = `
  delete from mailed_links where token_hash = $1 and purpose in ('sign-up', 'invitation') and expires_at > now()
  returning email, email_canonical`;

const CREATE_ACCOUNT = `
  insert into accounts (account_id, email, email_canonical, email_verified, name, password_hash)
  values ($1, $2, $3, true, $4, $5) on conflict (email_canonical) do nothing`;

const GIVE_ROLES = `
  insert into account_roles (account_id, role) select $1, name from roles where name = any ($2::text[])`;

/**
 * Other links of the account were asked for by whoever asked for this one, or by nobody welcome: a change of address that somebody
 * else began must not be what is left to them of a stolen session. Who has an address that the account left has no say any more.
 */
const SET_PASSWORD = `
  with used as (
    delete from mailed_links where token_hash = $1 and purpose = 'password' and expires_at > now()
    returning account_id, email_canonical),
  others as (
    delete from mailed_links l using used
    where l.account_id = used.account_id and l.purpose in ('password', 'email') and l.token_hash <> $1)
  update accounts a set
    password_hash = $2, failed_sign_ins = 0, throttled_until = null, updated_at = now(), email_verified = true
  from used
  where a.account_id = used.account_id and a.email_canonical = used.email_canonical and a.disabled_at is null
  returning a.account_id, ${ACCOUNT_COLUMNS}`;

/**
 * `former` is the account as it was; the first statement has locked it. Whoever takes a change back takes back what came after it:
 * the ways to undo later changes, or who made two would have the last word, and what has opened the account since.
 */
const CHANGE_EMAIL = `
  with used as (
    delete from mailed_links where token_hash = $1 and purpose in ('email', 'email-undo') and expires_at > now()
    returning account_id, email, email_canonical, purpose, created_at),
  others as (
    delete from mailed_links l using used
    where l.account_id = used.account_id and l.token_hash <> $1 and (l.purpose in ('password', 'email')
      or (l.purpose = 'email-undo' and used.purpose = 'email-undo' and l.created_at >= used.created_at))),
  undone as (select account_id, created_at as since from used where purpose = 'email-undo'),
  passkeys_since as (
    delete from passkeys p using undone where p.account_id = undone.account_id and p.created_at >= since),
  apps_since as (
    delete from totp_factors t using undone where t.account_id = undone.account_id and t.created_at >= since),
  codes_since as (
    delete from recovery_codes c using undone where c.account_id = undone.account_id and c.created_at >= since),
  identities_since as (
    delete from account_identities i using undone where i.account_id = undone.account_id and i.linked_at >= since)
  update accounts a set
    email = used.email, email_canonical = used.email_canonical, email_verified = true, updated_at = now()
  from used, accounts former
  where a.account_id = used.account_id and former.account_id = a.account_id and a.disabled_at is null
  returning a.account_id, ${ACCOUNT_COLUMNS}, former.email as former_email,
    former.email_canonical as former_canonical, former.email_canonical <> a.email_canonical as moved`;

const LOCK_ACCOUNT = `
  select from accounts where account_id = (select account_id from mailed_links where token_hash = $1) for update`;

const LIST_INVITATIONS = `
  select email, roles, created_at as "sentAt", expires_at as "expiresAt" from mailed_links
  where purpose = 'invitation' order by created_at, email`;

const REVOKE_INVITATION = `delete from mailed_links where purpose = 'invitation' and email_canonical = $1`;

/** What was asked for with a password, or in a session, that is none any more. */
export const endLinksOfAccount = (accountId: string, purposes: readonly ('password' | 'email')[]) => ({
  name: 'mailed-links-end',
  text: 'delete from mailed_links where account_id = $1 and purpose = any ($2::text[])',
  values: [accountId, purposes],
});

/** An invitation that nobody accepted in time may be sent again for a while. */
export const removeExpiredLinks = (limit: number) => ({
  name: 'mailed-links-remove-expired',
  text: `with expired as (
      select token_hash from mailed_links
      where expires_at < now() and (purpose <> 'invitation' or expires_at < now() - interval '30 days')
      limit $1 for update skip locked)
    delete from mailed_links using expired where mailed_links.token_hash = expired.token_hash`,
  values: [limit],
});

interface LinkRow {
  readonly purpose: LinkPurpose;
  readonly account_id: string | null;
  readonly email: string;
  readonly email_canonical: string;
  readonly roles: string[];
  readonly sealed: string;
}

type AccountRow = AccountColumns & { readonly account_id: string };

interface ChangedRow extends AccountRow {
  readonly former_email: string;
  readonly former_canonical: string;
  readonly moved: boolean;
}

export class PostgresMailedLinks implements MailedLinkStore, InvitationStore {
  readonly #pool: Pool;
  readonly #sealing: Pick<Sealing, 'seal' | 'open'>;

  constructor(pool: Pool, sealing: Pick<Sealing, 'seal' | 'open'>) {
    this.#pool = pool;
    this.#sealing = sealing;
  }

  async add<Purpose extends LinkPurpose>(link: NewLink<Purpose>): Promise<void> {
    await this.#add(this.#pool, link);
  }

  async #add<Purpose extends LinkPurpose>(at: Pick<Pool, 'query'>, link: NewLink<Purpose>): Promise<void> {
    const { token, purpose, accountId, email, emailCanonical, roles = [], details, seconds } = link;
    const sealed = this.#sealing.seal(PURPOSE, JSON.stringify(details), token);
    const values = [hashOf(token), purpose, accountId, email, emailCanonical, roles, sealed, seconds];
    await at.query({ name: 'mailed-link-add', text: ADD, values });
  }

  async find(token: string): Promise<MailedLink | undefined> {
    const hash = hashOf(token);
    if (hash === undefined) {
      return undefined;
    }
    const { rows } = await this.#pool.query<LinkRow>({ name: 'mailed-link-find', text: FIND, values: [hash] });
    const row = rows[0];
    const details = row && this.#sealing.open(PURPOSE, row.sealed, token);
    if (row === undefined || details === undefined) {
      return undefined;
    }
    const { purpose, account_id, email, email_canonical: emailCanonical, roles } = row;
    const accountId = account_id ?? undefined;
    return { purpose, accountId, email, emailCanonical, roles, details: JSON.parse(details) } as MailedLink;
  }

  createAccount(token: string, { accountId, name, passwordHash, roles }: NewAccount) {
    return inTransaction(this.#pool, async (client) => {
      const used = await client.query<LinkRow>(USE_TO_CREATE, [hashOf(token)]);
      const link = used.rows[0];
      if (link === undefined) {
        return 'used';
      }
      const values = [accountId, link.email, link.email_canonical, name, passwordHash];
      const { rowCount } = await client.query(CREATE_ACCOUNT, values);
      if (rowCount === 0) {
        return 'taken';
      }
      await client.query(GIVE_ROLES, [accountId, roles]);
      const text = `select a.account_id, ${ACCOUNT_COLUMNS} from accounts a where account_id = $1`;
      const { rows } = await client.query<AccountRow>(text, [accountId]);
      return rows[0] ? accountIn(accountId, rows[0]) : 'used';
    });
  }

  setPassword(token: string, passwordHash: string): Promise<Account | 'used'> {
    const hash = hashOf(token);
    return inTransaction(this.#pool, async (client) => {
      // The account first, as everybody does: two links of one account would wait for each other.
      await client.query(LOCK_ACCOUNT, [hash]);
      const { rows } = await client.query<AccountRow>(SET_PASSWORD, [hash, passwordHash]);
      return rows[0] ? accountIn(rows[0].account_id, rows[0]) : 'used';
    });
  }

  async changeEmail(token: string, undo?: ChangeToUndo): Promise<Account | 'used' | 'taken'> {
    const hash = hashOf(token);
    try {
      return await inTransaction(this.#pool, async (client) => {
        await client.query(LOCK_ACCOUNT, [hash]);
        const [row] = (await client.query<ChangedRow>(CHANGE_EMAIL, [hash])).rows;
        if (row === undefined) {
          return 'used';
        }
        const account = accountIn(row.account_id, row);
        if (undo !== undefined && row.moved) {
          await this.#keepUndo(client, undo, account, row);
        }
        return account;
      });
    } catch (error) {
      if (isUniqueViolation(error)) {
        return 'taken';
      }
      throw error;
    }
  }

  /** Under the lock of the account, so that links to undo changes are as old as these are, one after the other. */
  async #keepUndo(
    client: PoolClient,
    { kind, token, seconds, payload }: ChangeToUndo,
    { accountId, name, email: replacedBy }: Account,
    { former_email: email, former_canonical: emailCanonical }: ChangedRow,
  ): Promise<void> {
    const link = { token, purpose: 'email-undo', accountId, email, emailCanonical, seconds } as const;
    await this.#add(client, { ...link, details: { replacedBy } });
    const mail = payload({ name, email: replacedBy, former: email });
    await new PostgresOutbox(client, this.#sealing).add(kind, JSON.stringify(mail));
  }

  async listInvitations(): Promise<ListedInvitation[]> {
    const { rows } = await this.#pool.query<ListedInvitation>(LIST_INVITATIONS);
    return rows;
  }

  async revokeInvitation(emailCanonical: string): Promise<boolean> {
    const { rowCount } = await this.#pool.query(REVOKE_INVITATION, [emailCanonical]);
    return rowCount === 1;
  }
}

const TOKEN = /^[\w-]{43}$/;

/** `undefined` for what was never a token: no row has it. */
function hashOf(token: string): string | undefined {
  return TOKEN.test(token) ? createHash('sha256').update(token).digest('base64url') : undefined;
}
