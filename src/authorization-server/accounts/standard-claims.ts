/**
 * OpenID Connect Core §5.1: what an account can hold beside the name and the email that every account has. All of it is
 * optional; a claim without a value is not there at all (§5.3.2).
 */
import { z } from 'zod';
import { rule } from '../clients/rule.ts';

const UNREADABLE = rule('has characters that nobody can read', 'remove them');

const words = z
  .string()
  .min(1)
  .max(200)
  .refine((value) => !/[\p{Cc}\p{Cs}]/u.test(value), UNREADABLE);

/** An address as it is written on an envelope. */
const lines = z
  .string()
  .min(1)
  .max(1000)
  .refine((value) => !/\p{Cs}|[^\P{Cc}\r\n]/u.test(value), UNREADABLE);

const webAddress = words
  .max(2048)
  .refine(
    (value) => /^https?:\/\/[^/]/.test(value) && URL.canParse(value),
    rule('is not a web address', 'write it in full, like https://people.example.com/alice'),
  );

const address = z.strictObject({
  formatted: lines.exactOptional(),
  street_address: lines.exactOptional(),
  locality: words.exactOptional(),
  region: words.exactOptional(),
  postal_code: words.exactOptional(),
  country: words.exactOptional(),
});

export const StandardClaims = z.strictObject({
  given_name: words.exactOptional(),
  family_name: words.exactOptional(),
  middle_name: words.exactOptional(),
  nickname: words.exactOptional(),
  /** The email where there is none. */
  preferred_username: words.exactOptional(),
  profile: webAddress.exactOptional(),
  picture: webAddress.exactOptional(),
  website: webAddress.exactOptional(),
  gender: words.exactOptional(),
  birthdate: words
    .refine(isBirthdate, rule('is not a date', 'write YYYY-MM-DD, YYYY alone, or 0000-MM-DD without the year'))
    .exactOptional(),
  zoneinfo: words
    .refine(isTimeZone, rule('is not a time zone', 'write one of the IANA database, like Europe/Paris'))
    .exactOptional(),
  locale: words
    .refine(isLanguageTag, rule('is not a language tag', 'write one of BCP 47, like en-US or fr'))
    .exactOptional(),
  phone_number: words
    .refine(
      (value) => /^\+\d[\d ().-]{3,30}(;ext=\d{1,10})?$/.test(value),
      rule('is not an international phone number', 'write it like +1 (604) 555-1234;ext=5678'),
    )
    .exactOptional(),
  phone_number_verified: z.boolean().exactOptional(),
  address: address.exactOptional(),
});
export type StandardClaims = z.output<typeof StandardClaims>;

function isBirthdate(value: string): boolean {
  if (/^\d{4}$/.test(value)) {
    return true;
  }
  // A leap year where it is left out.
  const day = value.replace(/^0000-/, '2000-');
  return /^\d{4}-\d\d-\d\d$/.test(day) && new Date(day).toJSON()?.startsWith(day) === true;
}

function isTimeZone(value: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions().timeZone !== undefined;
  } catch {
    return false;
  }
}

function isLanguageTag(value: string): boolean {
  try {
    return Intl.getCanonicalLocales(value).length === 1;
  } catch {
    return false;
  }
}
