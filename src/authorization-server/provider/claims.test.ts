import { expect, it } from 'vitest';
import { CLAIMS_BY_SCOPE } from '../accounts/claims-by-scope.ts';
import { claimsOf } from './claims.ts';

const ALICE = {
  accountId: '7d9f',
  email: 'alice@example.com',
  emailVerified: true,
  name: 'Alice Archer',
  roles: ['admin'],
  disabled: false,
  claims: {
    given_name: 'Alice',
    family_name: 'Archer',
    middle_name: 'Beth',
    nickname: 'Ali',
    preferred_username: 'alice',
    profile: 'https://people.example.com/alice',
    picture: 'https://people.example.com/alice.jpg',
    website: 'https://alice.example.com/',
    gender: 'female',
    birthdate: '1990-04-01',
    zoneinfo: 'Europe/London',
    locale: 'en-GB',
    phone_number: '+44 20 7946 0123',
    phone_number_verified: true,
    address: { locality: 'London', country: 'United Kingdom' },
  },
  updatedAt: new Date('2026-01-02T03:04:05.678Z'),
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

it('says when the account last changed in whole seconds since 1970', () => {
  expect(claimsOf(ALICE).updated_at).toBe(1_767_323_045);
});

it('prefers the email as a username where there is no other, and leaves out what has no value', () => {
  const { sub, ...told } = claimsOf({ ...ALICE, claims: {} });
  expect(Object.keys(told).sort()).toEqual([
    'email',
    'email_verified',
    'name',
    'preferred_username',
    'roles',
    'updated_at',
  ]);
  expect(told.preferred_username).toBe('alice@example.com');
});
