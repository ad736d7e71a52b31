import { hash } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, errors, type JWTPayload, jwtVerify } from 'jose';
import { z } from 'zod';

/** Asymmetric ones, which is all that a proof may be signed with (RFC 9449 §4.2). */
export const PROOF_ALGS = ['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'Ed25519', 'EdDSA'] as const;

/** Seconds that the time of a proof may be off where no nonce says that it is recent. */
export const PROOF_WINDOW = 60;

/** What the proof has to be about. */
export interface Proven {
  readonly method: string;
  /** Without query and fragment, as the client sees it. */
  readonly url: string;
  readonly accessToken: string;
  /** The thumbprint of the key that the token is bound to. */
  readonly jkt: string;
}

export interface Proof {
  readonly jti: string;
  /** Seconds since 1970. */
  readonly iat: number;
  readonly nonce: string | undefined;
}

/** `message` is for the developer of the client. */
export class InvalidProof extends Error {
  override readonly name = 'InvalidProof';
}

const Claims = z.object({
  jti: z.string().min(1).max(512),
  iat: z.number(),
  htm: z.string(),
  htu: z.string(),
  ath: z.string(),
  nonce: z.string().optional(),
});

/**
 * RFC 9449 §4.3: that whoever sends the request has the key. How recent the proof is, and whether it was used before, is for
 * the caller to say. Throws `InvalidProof`.
 */
export async function readProof(proof: string, { method, url, accessToken, jkt }: Proven): Promise<Proof> {
  const { payload, thumbprint } = await verifySignature(proof);
  const claims = Claims.safeParse(payload);
  if (!claims.success) {
    const missing = claims.error.issues.map(({ path }) => path.join('.'));
    throw new InvalidProof(`The DPoP proof lacks, or has in another form: ${missing.join(', ')}.`);
  }
  const { htm, htu, ath, jti, iat, nonce } = claims.data;
  if (htm !== method) {
    throw new InvalidProof(`The DPoP proof is for another method than ${method} (htm).`);
  }
  const asked = normalized(url);
  if (asked === undefined || normalized(htu) !== asked) {
    throw new InvalidProof(`The DPoP proof is for another URL than ${url} (htu).`);
  }
  if (ath !== hash('sha256', accessToken, 'base64url')) {
    throw new InvalidProof('The DPoP proof is for another access token (ath).');
  }
  if (thumbprint !== jkt) {
    throw new InvalidProof('The access token is bound to another key than that of the DPoP proof.');
  }
  return { jti, iat, nonce };
}

/** Takes a public key only: `EmbeddedJWK` refuses one with private parts. */
async function verifySignature(proof: string): Promise<{ payload: JWTPayload; thumbprint: string }> {
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      algorithms: [...PROOF_ALGS],
      typ: 'dpop+jwt',
    });
    return { payload, thumbprint: await calculateJwkThumbprint(protectedHeader.jwk ?? {}, 'sha256') };
  } catch (cause) {
    // What is wrong with the key comes as a TypeError or a DOMException.
    const reason = cause instanceof errors.JOSEError ? `: ${cause.message}` : '';
    throw new InvalidProof(`The DPoP proof is not a JWT that its own key has signed${reason}.`, { cause });
  }
}

/** RFC 3986 §6.2.2 and §6.2.3: the same URL in another spelling; of the proof's, query and fragment do not count. */
function normalized(url: string): string | undefined {
  const parsed = URL.parse(url);
  if (parsed === null) {
    return undefined;
  }
  return parsed.origin + parsed.pathname.replaceAll(/%[0-9a-f]{2}/gi, (escaped) => escaped.toUpperCase());
}
