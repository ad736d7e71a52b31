import type { Account } from './account.ts';
import { canonicalEmail } from './email.ts';

interface AccountsByEmail {
  findByEmail(canonicalEmail: string): Promise<Account | undefined>;
}

/** The account that somebody means with an email, however they write it; a disabled one is as unknown as none. */
export function createFindAccountId(accounts: AccountsByEmail) {
  return async (hint: string): Promise<string | undefined> => {
    const email = canonicalEmail(hint);
    const account = email === undefined ? undefined : await accounts.findByEmail(email);
    return account?.disabled === false ? account.accountId : undefined;
  };
}
