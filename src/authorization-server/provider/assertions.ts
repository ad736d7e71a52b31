import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  decodeJwt,
  type JWTPayload,
  type JWTVerifyGetKey,
  errors as jose,
  jwtVerify,
} from 'jose';
import { type Client as EngineClient, errors, type KoaContextWithOIDC } from 'oidc-provider';
import { CLIENT_SIGNING_ALGS } from '../clients/metadata.ts';
import type { TrustedIssuer, TrustedIssuerStore } from '../clients/trusted-issuer.ts';
import type { JwtBearerDeps } from '../flows/jwt-bearer/jwt-bearer.ts';
import type { Outgoing } from './outgoing.ts';

/** Seconds that the clocks of two parties may be apart. */
const CLOCK_TOLERANCE = 15;

/** Seconds that an assertion is good for at most; so long it is remembered that it was used. */
const LONGEST = 3600;

/** An id is kept as a hash, and nobody needs a long one. */
const LONGEST_ID = 255;

export interface AssertionsDeps {
  readonly trustedIssuers: TrustedIssuerStore;
  readonly outgoing: Outgoing;
}

/**
 * The checks of RFC 7523 §3: signed by a trusted issuer for one of its clients, meant for this server, short-lived, and
 * good once on all nodes together. Everything that is wrong with one is `invalid_grant`, and the sentence says what it is.
 */
export function createAssertions({ trustedIssuers, outgoing }: AssertionsDeps): JwtBearerDeps['verify'] {
  const keysOf = createKeys(outgoing);
  return async (ctx, assertion, client) => {
    const issuer = await issuerOf(trustedIssuers, assertion, client);
    const claims = await verifiedClaims(ctx, assertion, keysOf(issuer));
    const { sub, jti, exp = 0 } = claims;
    if (typeof sub !== 'string' || sub === '') {
      throw refused('sub is missing: it says whom the assertion is about');
    }
    if (typeof jti !== 'string' || jti === '' || jti.length > LONGEST_ID) {
      throw refused(`jti is missing, or longer than ${LONGEST_ID} characters: an assertion is good for one use`);
    }
    const { iat = now() } = claims;
    if (iat > now() + CLOCK_TOLERANCE || exp - Math.min(iat, now()) > LONGEST) {
      throw refused(`it was issued in the future, or is good for longer than ${LONGEST} seconds`);
    }
    const useUp = async () => {
      const isFirst = await ctx.oidc.provider.ReplayDetection.unique(issuer.issuer, jti, exp + CLOCK_TOLERANCE);
      if (!isFirst) {
        throw refused('it was used already, and is good for one use');
      }
    };
    return { issuer, claims: { ...claims, sub }, useUp };
  };
}

async function issuerOf(
  trustedIssuers: TrustedIssuerStore,
  assertion: string,
  client: EngineClient,
): Promise<TrustedIssuer> {
  const iss = claimedIssuer(assertion);
  const issuer = iss === undefined ? undefined : await trustedIssuers.findTrustedIssuer(iss);
  // One answer for both: who else is trusted is none of the client's business.
  if (!issuer?.clients.includes(client.clientId)) {
    throw refused('its issuer (iss) is not trusted to vouch for this client');
  }
  return issuer;
}

function claimedIssuer(assertion: string): string | undefined {
  try {
    const { iss } = decodeJwt(assertion);
    return typeof iss === 'string' ? iss : undefined;
  } catch {
    throw refused('it is not a JWT');
  }
}

async function verifiedClaims(ctx: KoaContextWithOIDC, assertion: string, keys: JWTVerifyGetKey): Promise<JWTPayload> {
  const { issuer, provider } = ctx.oidc;
  try {
    const { payload } = await jwtVerify(assertion, keys, {
      audience: [issuer, provider.urlFor('token')],
      algorithms: [...CLIENT_SIGNING_ALGS],
      requiredClaims: ['exp'],
      clockTolerance: CLOCK_TOLERANCE,
    });
    return payload;
  } catch (error) {
    if (error instanceof KeysOutOfReach) {
      ctx.set('Retry-After', '10');
      throw Object.assign(
        new errors.TemporarilyUnavailable('the keys of the issuer cannot be fetched at the moment; try again'),
        { status: 503, statusCode: 503 },
      );
    }
    throw refused(wordsFor(error, issuer));
  }
}

/** A key that is no key is an error of another kind than those of jose. */
function wordsFor(error: unknown, issuer: string): string {
  if (error instanceof jose.JWTExpired) {
    return 'it has expired';
  }
  if (error instanceof jose.JWTClaimValidationFailed) {
    const wanted: Record<string, string> = {
      aud: `must be ${issuer} or its token endpoint`,
      exp: 'must say when it expires',
      nbf: 'lies in the future',
    };
    return `${error.claim} ${wanted[error.claim] ?? 'is not as it must be'}`;
  }
  return 'its signature was not made with a key of its issuer, or with an algorithm that is not accepted';
}

function refused(problem: string): Error {
  return Object.assign(new errors.InvalidGrant(`assertion refused: ${problem}`), {
    error_description: `the assertion is refused: ${problem}`,
  });
}

class KeysOutOfReach extends Error {}

/** The keys at an address are kept for some minutes, and fetched again when one is missing, though not all the time. */
function createKeys(outgoing: Outgoing): (issuer: TrustedIssuer) => JWTVerifyGetKey {
  const remote = new Map<string, JWTVerifyGetKey>();
  return ({ jwks, jwksUri = '' }) => {
    if (jwks !== undefined) {
      return createLocalJWKSet(jwks as Parameters<typeof createLocalJWKSet>[0]);
    }
    const known = remote.get(jwksUri) ?? fetchedKeys(jwksUri, outgoing);
    remote.set(jwksUri, known);
    return known;
  };
}

function fetchedKeys(jwksUri: string, outgoing: Outgoing): JWTVerifyGetKey {
  const find = createRemoteJWKSet(new URL(jwksUri), { [customFetch]: outgoing });
  return async (header, token) => {
    try {
      return await find(header, token);
    } catch (cause) {
      const isAboutToken = cause instanceof jose.JWKSNoMatchingKey || cause instanceof jose.JWKSMultipleMatchingKeys;
      throw isAboutToken ? cause : new KeysOutOfReach('no keys', { cause });
    }
  };
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}
