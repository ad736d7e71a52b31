import { expect, it } from 'vitest';
import { StandardClaims } from './standard-claims.ts';

const accepts = (claims: unknown) => StandardClaims.safeParse(claims).success;

it.each([
  [
    'birthdate',
    ['1990-04-01', '1990', '0000-04-01', '0000-02-29', '2024-02-29'],
    ['1990-13-01', '2023-02-29', '1.4.1990', '90', '1990-04', ''],
  ],
  ['zoneinfo', ['Europe/London', 'America/Los_Angeles', 'UTC'], ['Europe/Nowhere', 'London', '']],
  ['locale', ['en', 'en-GB', 'zh-Hant-TW'], ['en_GB', 'e', 'en-', '']],
  [
    'phone_number',
    ['+442079460123', '+1 (604) 555-1234;ext=5678', '+56 (2) 687 2400'],
    ['02079460123', '+44 x', '+', ''],
  ],
  [
    'website',
    ['https://a.example', 'http://a.example/b?c'],
    ['a.example', 'javascript:alert(1)', 'https://', 'ftp://a.example'],
  ],
  ['picture', ['https://a.example/b.jpg'], ['data:image/png;base64,AAAA', '//a.example/b.jpg']],
  ['given_name', ['Zoë', '名'], ['', 'a\0', 'a\nb', '\ud800', 'x'.repeat(201)]],
  ['phone_number_verified', [true, false], ['true', 1]],
  [
    'address',
    [{}, { formatted: '1 Bell Street\r\nLondon' }],
    [{ formatted: 'a\0' }, { street: 'a' }, 'London', { country: '' }],
  ],
])('takes for %s what OpenID Connect means by it', (name, good, bad) => {
  for (const value of good) {
    expect({ value, accepted: accepts({ [name]: value }) }).toEqual({ value, accepted: true });
  }
  for (const value of bad) {
    expect({ value, accepted: accepts({ [name]: value }) }).toEqual({ value, accepted: false });
  }
});

it('knows no other claim, nor one that the account has in its own fields', () => {
  for (const name of ['sub', 'name', 'email', 'email_verified', 'updated_at', 'roles', '__proto__x']) {
    expect(accepts({ [name]: 'a' })).toBe(false);
  }
});
