/** Settings about people: who may have an account, who else knows them, and what the pages look like. */
import { z } from 'zod';
import { because, foreignUrl, scopes } from './values.ts';

/** What an upstream OpenID provider's ID token and userinfo are read by; each may be named otherwise there. */
const upstreamClaims = z.strictObject({
  email: z.string().min(1).default('email'),
  emailVerified: z.string().min(1).default('email_verified'),
  name: z.string().min(1).default('name'),
});

export const upstreamProvider = z.strictObject({
  /** Stands in addresses and in the database: it never changes. */
  id: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, because('is not an id', 'use lower-case letters, digits and -')),
  name: z.string().min(1).max(60),
  issuer: foreignUrl.refine(
    (value) => value.startsWith('https:') || ['localhost', '127.0.0.1', '[::1]'].includes(new URL(value).hostname),
    because('is reached without TLS', 'name its https address: whoever is in between could sign in as anybody'),
  ),
  clientId: z.string().min(1),
  /** The variable that holds the client's secret, or `…_FILE` the file; null: a public client. */
  clientSecretVariable: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]*$/, because('is not the name of a variable', 'write it like GOOGLE_CLIENT_SECRET'))
    .nullable()
    .default(null),
  scopes: scopes.default(['openid', 'profile', 'email']),
  claims: upstreamClaims.prefault({}),
  /** Whether somebody who has no account here gets one by signing in there. */
  createsAccounts: z.boolean().default(false),
});

export const ldap = z.strictObject({
  url: z
    .string()
    .regex(
      /^ldaps?:\/\/[^/?#]+$/,
      because('is not the URL of an LDAP server', 'write it like ldaps://ldap.example.com'),
    ),
  startTls: z.boolean().default(false),
  /** Whom to look people up as; null: nobody (anonymously). The password comes from CONCIERGE_LDAP_PASSWORD. */
  bindDn: z.string().min(1).nullable().default(null),
  searchBase: z.string().min(1),
  /** `{email}` stands for what was typed, escaped. */
  searchFilter: z.string().includes('{email}').default('(mail={email})'),
  attributes: z
    .strictObject({ email: z.string().min(1).default('mail'), name: z.string().min(1).default('cn') })
    .prefault({}),
  createsAccounts: z.boolean().default(true),
});

const color = z.string().regex(/^#[0-9a-fA-F]{6}$/, because('is not a colour', 'write it like #1a5c4b'));

export const brand = z.strictObject({
  name: z.string().min(1).max(60),
  logo: z.string().min(1).nullable(),
  accentColor: color.nullable(),
  accentColorDark: color.nullable(),
  stylesheet: z.string().min(1).nullable(),
});

const emailDomain = z
  .string()
  .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, because('is not a domain', 'write it in small letters, like example.com'));

export const accounts = z.strictObject({
  registration: z.enum(['closed', 'invitation', 'open']).nullable(),
  emailDomains: z.array(emailDomain),
  roles: z.array(z.string().min(1)),
});
