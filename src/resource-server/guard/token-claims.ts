import { z } from 'zod';
import {
  type AccessToken,
  type Confirmation,
  type Expectations,
  handlesOf,
  type VerifiedToken,
} from './access-token.ts';

/** Printable ASCII: at most 255 characters of it in a `sub` (OpenID Connect Core §2), in a `client_id` as many as a URL takes. */
const Subject = z.string().regex(/^[\x20-\x7e]{1,255}$/);
const ClientId = z.string().regex(/^[\x20-\x7e]{1,2048}$/);

const Seconds = z.int().min(0).max(8_640_000_000_000); // what a Date can hold

/** What is told about a token that is good, by whom and in which way ever. */
export const TokenClaims = z.object({
  sub: Subject.optional(),
  client_id: ClientId,
  username: z.string().optional(),
  name: z.string().optional(),
  email: z.string().optional(),
  roles: z.array(z.string()).default([]),
  scope: z.string().default(''),
  aud: z.union([z.string(), z.array(z.string())]).default([]),
  iss: z.string().optional(),
  token_type: z.string().optional(),
  cnf: z.object({ jkt: z.string().optional(), 'x5t#S256': z.string().optional() }).optional(),
  exp: Seconds.optional(),
  acr: z.string().optional(),
  auth_time: Seconds.optional(),
  // What events about revocations name it by.
  jti: z.string().optional(),
  grant_id: z.string().optional(),
  sid: z.string().optional(),
  // Where the account gave its consent to another client, which had the token exchanged (RFC 8693).
  granted_to: ClientId.optional(),
});
export type TokenClaims = z.infer<typeof TokenClaims>;

/** Judged once, however often the token is presented. */
export function verifiedTokenOf(claims: TokenClaims, expected: Expectations): VerifiedToken {
  const { sub, client_id, aud, iss, exp, acr, auth_time, cnf } = claims;
  const accessToken = {
    subject: sub,
    clientId: client_id,
    username: claims.username,
    name: claims.name,
    email: claims.email,
    roles: claims.roles,
    scopes: new Set(claims.scope.split(' ').filter((scope) => scope !== '')),
    audience: typeof aud === 'string' ? [aud] : aud,
    issuer: iss,
    expiresAt: dateOf(exp),
    confirmation: cnf && confirmationOf(cnf),
    acr,
    authTime: dateOf(auth_time),
  };
  const { jti: token, grant_id: grant, sid: session, granted_to } = claims;
  return {
    accessToken,
    objection: objectionTo(accessToken, claims.token_type?.toLowerCase(), expected),
    handles: [
      ...handlesOf({ token, grant, session, account: sub, client: client_id }),
      ...handlesOf({ client: granted_to }),
    ],
  };
}

/** RFC 7662 §2.2 leaves `token_type` out for anything but an access token: an active refresh token has none. */
function objectionTo(
  { audience, issuer, confirmation }: AccessToken,
  tokenType: string | undefined,
  expected: Expectations,
): string | undefined {
  if (tokenType !== 'bearer' && tokenType !== 'dpop') {
    return 'This is not an access token.';
  }
  if (tokenType === 'dpop' && confirmation?.jkt === undefined) {
    return 'The access token is of the type DPoP, and nobody says to which key it is bound.';
  }
  if (!audience.includes(expected.audience)) {
    return `The access token is for another resource server, not for ${expected.audience}.`;
  }
  if (issuer !== undefined && issuer !== expected.issuer) {
    return 'The access token is from another issuer.';
  }
  return undefined;
}

function confirmationOf({ jkt, 'x5t#S256': x5tS256 }: NonNullable<TokenClaims['cnf']>): Confirmation {
  return { ...(jkt !== undefined && { jkt }), ...(x5tS256 !== undefined && { x5tS256 }) };
}

function dateOf(seconds: number | undefined): Date | undefined {
  return seconds === undefined ? undefined : new Date(seconds * 1000);
}
