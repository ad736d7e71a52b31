import type { Account } from '../accounts/account.ts';
import type { StandardClaims } from '../accounts/standard-claims.ts';

/** An account as statements read it, also along with something else: `account` says whether the one of that id is there. */
export interface AccountColumns {
  readonly account_id: string | null;
  readonly account: boolean;
  readonly email: string;
  readonly email_verified: boolean;
  readonly name: string;
  readonly disabled: boolean;
  readonly roles: string[];
  readonly claims: StandardClaims;
  readonly updated_at: Date;
}

/** For a statement about `accounts a`, or one that joins them. */
export const ACCOUNT_COLUMNS = `
  a.account_id is not null as account, a.email, a.email_verified, a.name, a.disabled_at is not null as disabled,
  a.claims, a.updated_at,
  case when a.account_id is not null then
    array(select role from account_roles r where r.account_id = a.account_id order by role collate "C") end as roles`;

/** Where there is one. */
export function accountIn(accountId: string, row: AccountColumns): Account {
  const { email, email_verified: emailVerified, name, disabled, roles, claims, updated_at: updatedAt } = row;
  return { accountId, email, emailVerified, name, disabled, roles, claims, updatedAt };
}
