/** The shape of a directory file: one schema for each kind of entry. What they refer to is checked in references.ts. */
import { z } from 'zod';
import { canonicalEmail } from '../accounts/email.ts';
import { StandardClaims } from '../accounts/standard-claims.ts';
import { rule } from '../clients/rule.ts';
import { TokenExchangePolicy } from '../clients/token-exchange.ts';
import { FIELD_KINDS } from '../resources/authorization-details.ts';
import { OPENID_SCOPES } from '../resources/scope-policy.ts';

const CLAIMS = ['username', 'name', 'email', 'roles'] as const;

const words = z
  .string()
  .max(500)
  .refine((value) => !/[\p{Cc}\p{Cs}]/u.test(value), rule('has characters that nobody can read', 'remove them'));

/** What other entries refer to: visible ASCII, so that it survives every header, URL and log line. */
const identifier = z
  .string()
  .refine(
    (value) => /^[\x21-\x7e]{1,255}$/.test(value),
    rule('is not an identifier', 'use 1 to 255 visible ASCII characters, without spaces'),
  );

const scopeName = z
  .string()
  .max(100)
  .refine(
    (value) => /^[\x21\x23-\x5B\x5D-\x7E]+$/.test(value),
    rule(
      'is not a scope',
      'use visible ASCII characters, without spaces, quotes or backslashes (RFC 6749 section 3.3)',
    ),
  )
  .refine(
    (value) => !OPENID_SCOPES.includes(value),
    rule('is a scope of OpenID Connect', 'choose another name; clients may use it without a resource server'),
  );

/** RFC 9396 §2: of a detail these are there in any case, and what they say is checked by itself. */
const RESERVED_FIELDS = ['type', 'locations'];

const authorizationDetailsField = z
  .strictObject({
    name: z
      .string()
      .refine(
        (value) => /^[a-z][a-z0-9_]{0,59}$/.test(value) && !RESERVED_FIELDS.includes(value),
        rule(
          'is not the name of a field',
          `use lower-case letters, digits and _, and neither ${RESERVED_FIELDS.join(' nor ')}`,
        ),
      ),
    label: words.min(1),
    kind: z.enum(FIELD_KINDS).default('string'),
    required: z.boolean().default(false),
    values: z.array(words.min(1).max(200)).min(1).max(100).exactOptional(),
  })
  .refine(
    ({ kind, values }) => values === undefined || kind === 'string' || kind === 'list',
    rule('has values, and is neither a string nor a list', 'remove the values, or change the kind'),
  );

export const ResourceServerEntry = z.strictObject({
  identifier: identifier.refine(
    (value) => URL.canParse(value) && !value.includes('#'),
    rule('is not an absolute URI without a fragment', 'write it like https://api.example.com (RFC 8707 section 2)'),
  ),
  name: words.min(1),
  default: z.boolean().default(false),
  accessTokenFormat: z.enum(['opaque', 'jwt']).default('opaque'),
  /** Seconds. */
  accessTokenTtl: z.int().min(1).max(31_536_000).optional(),
  scopes: z.array(z.strictObject({ name: scopeName, description: words.min(1) })).default([]),
  authorizationDetailsTypes: z
    .array(
      z.strictObject({
        type: identifier,
        description: words.min(1),
        scopes: z.array(scopeName).max(20).default([]),
        fields: z
          .array(authorizationDetailsField)
          .max(20)
          .refine(
            (fields) => new Set(fields.map(({ name }) => name)).size === fields.length,
            rule('name one field twice', 'keep one of them'),
          )
          .default([]),
      }),
    )
    .max(50)
    .default([]),
  claims: z.array(z.enum(CLAIMS)).default([]),
});

export const RoleEntry = z.strictObject({
  name: identifier,
  description: words.default(''),
  scopes: z.array(scopeName).default([]),
});

/** Beside these fields a client has its metadata, which ClientRegistration checks. */
export const ClientEntry = z.looseObject({
  client_id: identifier,
  client_secret: z.string().optional(),
  client_secret_env: z.string().min(1).optional(),
  resource_server: z.string().optional(),
  token_exchange: TokenExchangePolicy.optional(),
});

export const AccountEntry = z.strictObject({
  email: z
    .string()
    .refine(
      (value) => canonicalEmail(value) !== undefined,
      rule('is not an email address', 'write it like a@b.example'),
    ),
  name: words.min(1),
  password: z.string().optional(),
  password_env: z.string().min(1).optional(),
  roles: z.array(z.string()).default([]),
  email_verified: z.boolean().optional(),
  claims: StandardClaims.optional(),
});

const list = z.array(z.unknown()).default([]);

export const DirectoryFile = z.strictObject({
  resourceServers: list,
  roles: list,
  clients: list,
  trustedIssuers: list,
  accounts: list,
});
