import type { Account } from '../accounts/account.ts';

/** OpenID Connect Core §5.4: which claims a scope asks for. Discovery lists exactly these. */
export const CLAIMS_BY_SCOPE = {
  openid: ['sub'],
  profile: [
    'name',
    'family_name',
    'given_name',
    'middle_name',
    'nickname',
    'preferred_username',
    'profile',
    'picture',
    'website',
    'gender',
    'birthdate',
    'zoneinfo',
    'locale',
    'updated_at',
  ],
  email: ['email', 'email_verified'],
  address: ['address'],
  phone: ['phone_number', 'phone_number_verified'],
} as const;

/** Every claim there is of an account; the engine hands on those that were asked for and granted. */
export function claimsOf(account: Account): Record<string, unknown> & { sub: string } {
  return {
    preferred_username: account.email,
    ...account.claims,
    sub: account.accountId,
    name: account.name,
    email: account.email,
    email_verified: account.emailVerified,
    updated_at: Math.floor(account.updatedAt.getTime() / 1000),
  };
}
