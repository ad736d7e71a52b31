import { errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import { z } from 'zod';
import { type Expectations, UnusableToken, type VerifiedToken, type Verify } from './access-token.ts';
import type { Revocations } from './revocations.ts';
import { ALGS, type SigningKeys } from './signing-keys.ts';
import { TokenClaims, verifiedTokenOf } from './token-claims.ts';
import { tokenKey } from './token-place.ts';

/** Seconds that two clocks may differ by. */
const CLOCK_TOLERANCE = 5;

/** RFC 9068 §2.2: what must be there. */
const REQUIRED = ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'];

const JwtClaims = TokenClaims.extend({ sub: TokenClaims.shape.client_id, jti: z.string().min(1), iat: z.number() });

/** A JWT whose signature, type, issuer and lifetime are good. */
export interface VerifiedJwt extends VerifiedToken {
  readonly jti: string;
  /** Milliseconds since the epoch. */
  readonly issuedAt: number;
}

/**
 * `undefined` for a JWT that is not good. Throws `UnusableToken` for one of the future, and for what is no JWT access token at all;
 * and `CannotVerify`.
 */
export type VerifyJwt = (token: string) => Promise<VerifiedJwt | undefined>;

export interface JwtDependencies extends Expectations {
  readonly keys: Pick<SigningKeys, 'find'>;
  /** Milliseconds since the epoch. */
  readonly now?: (() => number) | undefined;
}

/** RFC 9068 §4, by the keys that the issuer publishes. For whom the token is, is checked where that of any token is. */
export function createVerifyJwt({ issuer, audience, keys, now = Date.now }: JwtDependencies): VerifyJwt {
  return async (token) => {
    const options: JWTVerifyOptions = {
      issuer,
      typ: 'at+jwt',
      algorithms: ALGS,
      clockTolerance: CLOCK_TOLERANCE,
      requiredClaims: REQUIRED,
      currentDate: new Date(now()),
    };
    try {
      const { payload } = await jwtVerify(token, keys.find, options);
      return verifiedJwtOf(payload, { audience, issuer }, now());
    } catch (error) {
      if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'typ') {
        throw new UnusableToken('This is a JWT, but not an access token: its type is not at+jwt.');
      }
      if (error instanceof errors.JOSEError) {
        return undefined;
      }
      throw error;
    }
  };
}

/** A client that acts for itself is its own subject (RFC 9068 §2.2), and no account. */
function verifiedJwtOf(payload: JWTPayload, expected: Expectations, now: number): VerifiedJwt | undefined {
  const parsed = JwtClaims.safeParse(payload);
  if (!parsed.success) {
    return undefined;
  }
  if (parsed.data.iat > now / 1000 + CLOCK_TOLERANCE) {
    throw new UnusableToken('The access token was issued in the future, by the clock of this server.');
  }
  const { sub, jti, iat, ...claims } = parsed.data;
  const token_type = claims.cnf?.jkt === undefined ? 'Bearer' : 'DPoP';
  const subject = sub === claims.client_id ? undefined : sub;
  return {
    ...verifiedTokenOf({ ...claims, sub: subject, token_type, jti: tokenKey(jti) }, expected),
    jti,
    issuedAt: iat * 1000,
  };
}

/** Three parts with dots between them, which no opaque token of ours is. */
export function looksLikeJwt(token: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token);
}

export interface JwtStrategy {
  readonly verifyJwt: VerifyJwt;
  readonly revocations: Revocations;
  /** Whether events arrive at this moment: without them nothing says that a token has not ended. */
  readonly live: () => boolean;
  /** `undefined` where this resource server has nothing to authenticate with, and so is not told of revocations either. */
  readonly introspect: Verify | undefined;
}

/**
 * A JWT is taken at its word as long as events arrive, and none since it was issued was about anything that it ends with. Else
 * the authorization server is asked what is left of it. So what is remembered of revocations need not be complete, nor
 * kept until the last token is over: whatever was forgotten or missed only makes for questions.
 */
export function jwt({ verifyJwt, revocations, live, introspect }: JwtStrategy): Verify {
  return async (token, question) => {
    if (!looksLikeJwt(token)) {
      throw new UnusableToken('The access token is opaque, and this takes JWT access tokens (RFC 9068) only.');
    }
    const verified = await verifyJwt(token);
    if (verified === undefined || introspect === undefined) {
      return verified;
    }
    const { handles, issuedAt } = verified;
    return live() && !revocations.touchedSince(handles, issuedAt) ? verified : introspect(token, question);
  };
}
