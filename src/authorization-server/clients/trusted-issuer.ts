import { z } from 'zod';
import { calledUrl, jwks } from './metadata.ts';
import { rule } from './rule.ts';

/**
 * What of an assertion names the account that the client is to act for: its claim `email`, or `sub`, which is an email
 * or an account id here. `client`: nothing does, the client acts for itself.
 */
const SUBJECTS = ['email', 'sub-email', 'sub-account-id', 'client'] as const;
export type AssertionSubject = (typeof SUBJECTS)[number];

/** Somebody else whose signature vouches for whom a client acts (RFC 7523 §2.1), and how far that is believed. */
export interface TrustedIssuer {
  readonly issuer: string;
  /** Either its keys, or where they are. */
  readonly jwks: z.output<typeof jwks> | undefined;
  readonly jwksUri: string | undefined;
  /** The clients that may present its assertions. */
  readonly clients: readonly string[];
  /** Of resource servers: the most that an assertion can lead to. */
  readonly scopes: readonly string[];
  readonly subject: AssertionSubject;
}

export interface TrustedIssuerStore {
  /** As it is at this moment; `undefined` for everybody who is not trusted. */
  findTrustedIssuer(issuer: string): Promise<TrustedIssuer | undefined>;
}

const name = z.string().min(1).max(255);

/** In the words of a directory file. */
export const TrustedIssuerEntry = z
  .strictObject({
    /** As it stands in `iss`, letter by letter. */
    issuer: name,
    jwks: jwks.optional(),
    jwks_uri: calledUrl.optional(),
    clients: z.array(name).min(1).max(100),
    scopes: z.array(name).min(1).max(100),
    subject: z.enum(SUBJECTS).default('email'),
  })
  .refine(
    (entry) => (entry.jwks === undefined) !== (entry.jwks_uri === undefined),
    rule('needs either jwks or jwks_uri', 'give the keys that sign its assertions, or the address at which they are'),
  )
  .transform(({ jwks_uri, ...entry }): TrustedIssuer => ({ ...entry, jwks: entry.jwks, jwksUri: jwks_uri }));
