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
  /** Ours: the operator's names for what the account may do, as they are at this moment. */
  roles: ['roles'],
} as const;
