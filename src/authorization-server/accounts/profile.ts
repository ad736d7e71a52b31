import { z } from 'zod';
import type { Account } from './account.ts';
import { StandardClaims } from './standard-claims.ts';

/** What account holders say of themselves, as a form has it: nothing is an empty text. */
export const PROFILE_FIELDS = [
  'name',
  'given_name',
  'family_name',
  'nickname',
  'picture',
  'website',
  'birthdate',
  'phone_number',
  'street_address',
  'postal_code',
  'locality',
  'region',
  'country',
  'zoneinfo',
  'locale',
] as const;
export type ProfileField = (typeof PROFILE_FIELDS)[number];
export type ProfileFields = Readonly<Record<ProfileField, string>>;

export interface Profile {
  readonly name: string;
  readonly claims: StandardClaims;
}

const ADDRESS = ['street_address', 'postal_code', 'locality', 'region', 'country'] as const;
const ADDRESS_FIELDS: ReadonlySet<string> = new Set(ADDRESS);

const Name = z
  .string()
  .min(1)
  .max(200)
  .refine((value) => !/[\p{Cc}\p{Cs}]/u.test(value));

export function profileFields({ name, claims }: Profile): ProfileFields {
  const { address = {}, ...others } = claims;
  const known: Readonly<Record<string, unknown>> = { ...others, ...address, name };
  return Object.fromEntries(PROFILE_FIELDS.map((field) => [field, String(known[field] ?? '')])) as ProfileFields;
}

/** The account's profile as it is to be, or the fields that cannot be so. What no field is about stays as it is. */
export function readProfile(
  account: Profile,
  fields: Readonly<Record<string, string>>,
): { readonly profile: Profile } | { readonly invalid: readonly ProfileField[] } {
  const typed = new Map(PROFILE_FIELDS.map((field) => [field, cleaned(fields[field])]));
  const { address, ...others } = account.claims;
  // What was verified was the former number.
  const kept = typed.get('phone_number') === others.phone_number ? others : without(others, 'phone_number_verified');
  const claims = StandardClaims.safeParse({
    ...Object.fromEntries(Object.entries(kept).filter(([claim]) => !typed.has(claim as ProfileField))),
    ...present(
      PROFILE_FIELDS.filter((field) => field !== 'name' && !ADDRESS_FIELDS.has(field)),
      typed,
    ),
    ...addressOf(address, present(ADDRESS, typed)),
  });
  const name = Name.safeParse(typed.get('name'));
  const invalid = new Set([
    ...(name.success ? [] : ['name']),
    ...(claims.error?.issues ?? []).map(({ path }) => String(path.at(-1))),
  ]);
  return name.success && claims.success
    ? { profile: { name: name.data, claims: claims.data } }
    : { invalid: PROFILE_FIELDS.filter((field) => invalid.has(field)) };
}

/** Of what a form sends, whose lines end as HTML has it. */
function cleaned(value = ''): string {
  return value.replaceAll('\r\n', '\n').trim();
}

function present(names: readonly ProfileField[], typed: ReadonlyMap<ProfileField, string>): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, typed.get(name) ?? '']).filter(([, value]) => value !== ''));
}

/** OpenID Connect Core §5.1.1: as it stands on an envelope, made anew where a part of it is another one now. */
function addressOf(former: Account['claims']['address'], parts: Record<string, string>) {
  const { formatted, ...formerParts } = former ?? {};
  const isSame = ADDRESS.every((part) => formerParts[part] === parts[part]);
  if (isSame) {
    return former === undefined ? {} : { address: former };
  }
  const lines = [
    parts.street_address,
    [parts.postal_code, parts.locality].filter(Boolean).join(' '),
    parts.region,
    parts.country,
  ];
  return Object.keys(parts).length === 0 ? {} : { address: { ...parts, formatted: lines.filter(Boolean).join('\n') } };
}

function without<Claims extends object>(claims: Claims, name: keyof Claims): Partial<Claims> {
  const { [name]: _gone, ...rest } = claims;
  return rest as Partial<Claims>;
}
