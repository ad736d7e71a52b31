import type { Account } from '../accounts/account.ts';

/** Every claim there is of an account; the engine hands on those that were asked for and granted. */
export function claimsOf(account: Account): Record<string, unknown> & { sub: string } {
  return {
    preferred_username: account.email,
    ...account.claims,
    sub: account.accountId,
    name: account.name,
    email: account.email,
    email_verified: account.emailVerified,
    roles: account.roles,
    updated_at: Math.floor(account.updatedAt.getTime() / 1000),
  };
}
