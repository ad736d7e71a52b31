/** What goes over the control API, in both directions: docs/test-kit.md tells it to people. */
import { z } from 'zod';

const text = z.string().min(1).max(1_000);
const seconds = z.number().finite().min(0).max(3_153_600_000);

/** An id or an email address. */
export const AccountReference = text;

export const NewAccount = z.strictObject({
  /** One that nobody has, unless told. */
  email: text.optional(),
  /** A good one that is made up, unless told; null for an account that has none. */
  password: text.nullish(),
  name: text.optional(),
  /** `user` where the directory has that role, unless told. */
  roles: z.array(text).max(100).optional(),
  emailVerified: z.boolean().default(true),
  /** Standard claims of OpenID Connect Core §5.1: given_name, phone_number, address ... */
  claims: z.record(z.string(), z.unknown()).optional(),
  /** Sets up an authenticator app for the account; its secret and recovery codes are in the answer. */
  totp: z.boolean().default(false),
});
export type NewAccount = z.input<typeof NewAccount>;

/** RFC 7591 metadata, or a client as a directory file has it. What is left out is made up. */
export const NewClient = z.record(z.string(), z.unknown());
export type NewClient = z.input<typeof NewClient>;

export const TokenRequest = z.strictObject({
  /** The client that the token is for: a client_id. */
  client: text,
  /** On whose behalf; without one it is a token of the client itself, as of client_credentials. */
  account: AccountReference.optional(),
  /** Scopes separated by spaces; those that the client has by default, unless told. */
  scope: text.optional(),
  /** The resource server (RFC 8707); the default one, unless told. */
  resource: text.optional(),
  /** As the resource server has it, unless told. */
  format: z.enum(['opaque', 'jwt']).optional(),
  /** Of the access token, in seconds; as everywhere, unless told. */
  lifetime: z.int().min(1).max(315_360_000).optional(),
  /** Goes into the ID token. */
  nonce: text.optional(),
  acr: text.optional(),
  amr: z.array(text).max(20).optional(),
});
export type TokenRequest = z.input<typeof TokenRequest>;

export const SessionRequest = z.strictObject({
  account: AccountReference,
  /** How the account has signed in, as RFC 8176 has it: `["pwd"]` unless told. */
  amr: z.array(text).max(20).optional(),
});
export type SessionRequest = z.input<typeof SessionRequest>;

export const ClockChange = z.union([
  z.strictObject({ advance: seconds }),
  z.strictObject({ set: z.iso.datetime({ offset: true }) }),
]);
export type ClockChange = z.input<typeof ClockChange>;

export const Revocation = z.union([
  /** An access, refresh or personal access token, or an authorization code; as if its holder revoked it. */
  z.strictObject({ token: text }),
  /** What an account has allowed a client, and every token of it. */
  z.strictObject({ account: AccountReference, client: text }),
  /** Every session, grant and token of an account. */
  z.strictObject({ account: AccountReference }),
  /** Every grant and token of a client. */
  z.strictObject({ client: text }),
  /** Every session of an account, and what ends with them. */
  z.strictObject({ sessionsOf: AccountReference }),
]);
export type Revocation = z.input<typeof Revocation>;

export const Expiry = z.strictObject({ token: text });

export const DirectoryDocument = z.strictObject({ document: z.unknown() });

export const AuditQuery = z.strictObject({
  kind: text.exactOptional(),
  account: AccountReference.exactOptional(),
  client: text.exactOptional(),
});
export type AuditQuery = z.input<typeof AuditQuery>;

export interface TestAccount {
  readonly id: string;
  readonly email: string;
  readonly emailVerified: boolean;
  readonly name: string;
  readonly roles: readonly string[];
  readonly disabled: boolean;
}

export interface CreatedAccount extends TestAccount {
  /** Null for an account without one. */
  readonly password: string | null;
  readonly totp?: { readonly secret: string; readonly uri: string; readonly recoveryCodes: readonly string[] };
}

export interface TestClient {
  readonly clientId: string;
  readonly clientSecret?: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** As a token endpoint answers (RFC 6749 §5.1). */
export interface IssuedTokens {
  readonly access_token: string;
  readonly token_type: string;
  readonly expires_in: number;
  readonly scope: string;
  readonly refresh_token?: string;
  readonly id_token?: string;
}

/** As `context.addCookies()` of Playwright takes it. */
export interface SessionCookie {
  readonly name: string;
  readonly value: string;
  readonly domain: string;
  readonly path: string;
  /** Seconds since 1970. */
  readonly expires: number;
  readonly httpOnly: boolean;
  readonly secure: boolean;
  readonly sameSite: 'Lax';
}

export interface Mail {
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** Absolute URLs, in the order of the text. */
  readonly links: readonly string[];
  readonly sentAt: string;
}

export interface AuditEvent {
  readonly kind: string;
  readonly at: string;
  readonly accountId: string | null;
  readonly clientId: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface SigningKeys {
  /** The `kid`s that sign from now on, one for each algorithm. */
  readonly signing: readonly string[];
  /** Those that only verify what was signed before. */
  readonly verifying: readonly string[];
}

/** What `concierge test-server --json` prints, in one line, when it is ready. */
export interface Announcement {
  readonly issuer: string;
  readonly controlUrl: string;
  /** The bearer token of the control API. */
  readonly secret: string;
  readonly databaseUrl: string;
}
