import { expect, it } from 'vitest';
import { CLAIMS_BY_SCOPE, claimsOf } from './claims.ts';

const ALICE = {
  accountId: '7d9f',
  email: 'alice@example.com',
  emailVerified: true,
  name: 'Alice Archer',
  roles: ['admin'],
  disabled: false,
};

it('names an account by its id and never by its email', () => {
  expect(claimsOf(ALICE).sub).toBe('7d9f');
});

it('has a value for every claim that a scope asks for, and none beyond', () => {
  expect(Object.keys(claimsOf(ALICE)).sort()).toEqual(Object.values(CLAIMS_BY_SCOPE).flat().sort());
});

it('says whether the email was verified, as it is', () => {
  expect(claimsOf(ALICE)).toMatchObject({ email: 'alice@example.com', email_verified: true });
  expect(claimsOf({ ...ALICE, emailVerified: false })).toMatchObject({ email_verified: false });
});
