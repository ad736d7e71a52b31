import type { Account } from '../accounts/account.ts';

/** Of the account that a statement reads along: `account_id` is what was looked for, `account` whether it is there. */
export interface AccountColumns {
  readonly account_id: string | null;
  readonly account: boolean;
  readonly email: string;
  readonly email_verified: boolean;
  readonly name: string;
  readonly disabled: boolean;
  readonly roles: string[];
}

/** For a statement that joins `accounts a`. */
export const ACCOUNT_COLUMNS = `
  a.account_id is not null as account, a.email, a.email_verified, a.name, a.disabled_at is not null as disabled,
  case when a.account_id is not null then
    array(select role from account_roles r where r.account_id = a.account_id order by role collate "C") end as roles`;

export function accountOf(accountId: string, row: AccountColumns): Account | undefined {
  const { account, email, email_verified: emailVerified, name, disabled, roles } = row;
  return account ? { accountId, email, emailVerified, name, disabled, roles } : undefined;
}
