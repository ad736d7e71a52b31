import type { Account } from '../accounts/account.ts';

/** OpenID Connect Core §5.4: which claims a scope asks for. Discovery lists exactly these. */
export const CLAIMS_BY_SCOPE = {
  openid: ['sub'],
  profile: ['name', 'preferred_username'],
  email: ['email', 'email_verified'],
} as const;

/** Every claim there is of an account; the engine hands on those that were asked for and granted. */
export function claimsOf(account: Account): Record<string, unknown> & { sub: string } {
  return {
    sub: account.accountId,
    name: account.name,
    preferred_username: account.email,
    email: account.email,
    email_verified: account.emailVerified,
  };
}
